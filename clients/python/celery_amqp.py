"""Celery with AMQP as broker and rpc:// for results: a worker of its own, and an application that calls its tasks."""

import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from datetime import datetime, timedelta, timezone

from celery import chain, chord, group
from celery.exceptions import TaskRevokedError

from check import MANAGEMENT_URL, WAIT_SECONDS_MAX, close_connection, equal, management, raises, run, until

os.environ["NOTES_FOLDER"] = tempfile.mkdtemp(prefix="celery-notes-")
import celery_amqp_tasks as tasks  # noqa: E402 (it reads the folder's name)

app = tasks.app


def got(result):
    return result.get(timeout=WAIT_SECONDS_MAX)


def start_worker(name, *args):
    command = [sys.executable, "-m", "celery", "--quiet", "-A", "celery_amqp_tasks", "worker", "--loglevel", "WARNING"]
    return subprocess.Popen([*command, "--hostname", f"{name}@localhost", "--concurrency", "2", *args])


def answers_ping(name):
    return any(f"{name}@localhost" in reply for reply in app.control.ping(timeout=0.5))


def one_task():
    """a task and its result"""
    result = tasks.add.delay(2, 3)
    equal(got(result), 5)
    equal((result.successful(), result.state), (True, "SUCCESS"))


def many_tasks():
    """500 tasks"""
    results = [tasks.add.delay(i, i) for i in range(500)]
    equal([got(result) for result in results], [2 * i for i in range(500)])


def failures():
    """a failing task and its errback"""
    result = tasks.fail.apply_async(("broken",), link_error=tasks.on_error.s("errors"))
    raises(ValueError, "broken", got, result)
    equal(result.state, "FAILURE")
    until(lambda: tasks.notes("errors") == ["broken"], "the errback")


def chains():
    """chain, group, chunks"""
    equal(got(chain(tasks.add.s(1, 2), tasks.add.s(10), tasks.add.s(100))()), 113)
    equal(got(group(tasks.add.s(i, i) for i in range(20))()), [2 * i for i in range(20)])
    equal(got(tasks.add.chunks(zip(range(20), range(20)), 5)()), [[2 * i for i in range(n, n + 5)] for n in (0, 5, 10, 15)])


def retries():
    """retry with a countdown, and too often"""
    equal(got(tasks.flaky.delay()), 2)
    raises(KeyError, "'never'", got, tasks.hopeless.delay())


def chords():
    """chord: Celery itself refuses it, since rpc:// cannot count results"""
    raises(NotImplementedError, 'The "rpc" result backend does not support chords', chord([tasks.add.s(1, 1)], tasks.total.s()))


def countdowns():
    """countdown, eta, expiry of tasks"""
    started = time.monotonic()
    equal(got(tasks.add.apply_async((1, 1), countdown=1)), 2)
    equal(time.monotonic() - started >= 1, True)
    started = time.monotonic()
    equal(got(tasks.add.apply_async((1, 1), eta=datetime.now(timezone.utc) + timedelta(seconds=1))), 2)
    equal(time.monotonic() - started >= 0.99, True)
    raises(TaskRevokedError, "expired", got, tasks.add.apply_async((1, 1), countdown=2, expires=1))


def routes():
    """a route to another queue, a quorum queue"""
    equal(got(tasks.shout.delay("hear")), "HEAR")
    equal([got(tasks.add.apply_async((i, 1), queue="durable")) for i in range(20)], list(range(1, 21)))


def control():
    """remote control: inspect, add and cancel a consumer, rate limit, revoke"""
    inspected = app.control.inspect(["first@localhost"], timeout=WAIT_SECONDS_MAX, limit=1)
    equal("celery_amqp_tasks.add" in inspected.registered()["first@localhost"], True)
    names = {queue["name"] for queue in inspected.active_queues()["first@localhost"]}
    equal(names, {"celery", "loud", "durable"})
    reply = {"destination": ["first@localhost"], "reply": True, "timeout": WAIT_SECONDS_MAX, "limit": 1}
    app.control.add_consumer("added", **reply)
    equal(got(tasks.add.apply_async((1, 1), queue="added")), 2)
    app.control.cancel_consumer("added", **reply)
    equal("ok" in app.control.rate_limit("celery_amqp_tasks.shout", "100/s", **reply)[0]["first@localhost"], True)
    revoked = tasks.add.apply_async((1, 1), countdown=2)
    app.control.revoke(revoked.id, **reply)
    raises(TaskRevokedError, "revoked", got, revoked)


def events():
    """events of tasks"""
    seen, ready = set(), threading.Event()

    class Receiver(app.events.Receiver):
        def on_consume_ready(self, *args, **kwargs):
            ready.set()
            super().on_consume_ready(*args, **kwargs)

    def listen():
        with app.connection_for_read() as connection:
            receiver = Receiver(connection, handlers={"task-succeeded": lambda event: seen.add((event["uuid"], event["result"]))})
            receivers.append(receiver)
            receiver.capture(limit=None, timeout=WAIT_SECONDS_MAX)

    receivers = []
    listener = threading.Thread(target=listen, daemon=True)
    listener.start()
    # What is published before the receiver's queue is bound goes to nobody.
    equal(ready.wait(WAIT_SECONDS_MAX), True)
    result = tasks.add.delay(20, 22)
    equal(got(result), 42)
    until(lambda: (result.id, "42") in seen, "the event")
    receivers[0].should_stop = True
    listener.join(WAIT_SECONDS_MAX)
    equal(listener.is_alive(), False)


def prefetch():
    """acks_late with a prefetch multiplier of 1: a worker holds the task that it runs, and no other"""
    worker = start_worker("slow", "--queues", "slow", "--pool", "solo", "--prefetch-multiplier", "1", "--concurrency", "1")
    results = [tasks.held.apply_async(("held",), queue="slow") for _ in range(5)]

    def waiting():
        queue = management("GET", "queues/%2F/slow")
        return queue.get("messages_ready"), queue.get("messages_unacknowledged")

    until(lambda: tasks.notes("held") == ["begun"], "the first task")
    until(lambda: waiting() == (4, 1), "the others to be counted")
    tasks.note("held-go", "go")
    equal([got(result) for result in results], ["done"] * 5)
    until(lambda: waiting() == (0, 0), "an empty queue")
    worker.terminate()
    equal(worker.wait(WAIT_SECONDS_MAX), 0)


def flower():
    """Flower: its workers, and its view of the broker's queues"""
    with socket.socket() as sought:
        sought.bind(("127.0.0.1", 0))
        port = sought.getsockname()[1]
    api = MANAGEMENT_URL.replace("http://", "http://guest:guest@") + "/api/"
    command = [sys.executable, "-m", "celery", "-A", "celery_amqp_tasks", "flower", "--address=127.0.0.1", f"--port={port}"]
    env = {**os.environ, "FLOWER_UNAUTHENTICATED_API": "true"}
    process = subprocess.Popen([*command, f"--broker-api={api}", "--logging=warning"], env=env)

    def ask(path):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/{path}", timeout=WAIT_SECONDS_MAX) as response:
                return json.loads(response.read())
        except urllib.error.URLError:
            return {}

    for i in range(3):
        tasks.add.apply_async((i, i), queue="counted")
    until(lambda: "first@localhost" in ask("api/workers?refresh=1"), "the worker")
    # It asks for the queues of the workers that it knows.
    app.control.add_consumer("counted", destination=["first@localhost"], reply=True, timeout=WAIT_SECONDS_MAX, limit=1)

    def queues():
        ask("api/workers?refresh=1")
        return {each["name"]: each["messages"] for each in ask("api/queues/length").get("active_queues", [])}

    until(lambda: {"celery", "loud", "durable", "counted"} <= queues().keys() and queues()["counted"] == 0, "the queues")
    app.control.cancel_consumer("counted", destination=["first@localhost"], reply=True, timeout=WAIT_SECONDS_MAX, limit=1)
    process.terminate()
    process.wait(WAIT_SECONDS_MAX)


def redelivery():
    """acks_late: a task whose process was killed, and one whose worker was, are delivered again"""
    equal(got(tasks.lost_once.delay("lost")), "delivered again")
    doomed = start_worker("doomed", "--queues", "doomed", "--pool", "solo")
    tasks.late.apply_async(("late",), queue="doomed")
    until(lambda: tasks.notes("late") == ["try"], "the first try")
    doomed.kill()
    doomed.wait(WAIT_SECONDS_MAX)
    app.control.add_consumer("doomed", destination=["first@localhost"], reply=True, timeout=WAIT_SECONDS_MAX, limit=1)
    until(lambda: tasks.notes("late")[1:] == ["try", "redelivered=True"], "the second try")


def operator():
    """a worker whose connections an operator closes goes on"""
    worker = start_worker("closed", "--queues", "closable", "--pool", "solo")
    until(lambda: answers_ping("closed"), "the worker")

    def consuming():
        return {each["channel_details"]["connection_name"] for each in management("GET", "consumers") if each["queue"]["name"] == "closable"}

    (name,) = until(consuming, "its consumer in the list")
    close_connection(name, lambda each: each["name"])
    until(lambda: not consuming() & {name} and consuming(), "the next connection")
    equal(got(tasks.add.apply_async((1, 2), queue="closable")), 3)
    worker.terminate()
    equal(worker.wait(WAIT_SECONDS_MAX), 0)


def purge():
    """purge"""
    with app.connection_for_write() as connection:
        connection.default_channel.queue_declare("nobody", durable=True, auto_delete=False)
        for i in range(7):
            tasks.add.apply_async((i, i), queue="nobody", connection=connection)
        equal(connection.default_channel.queue_purge("nobody"), 7)


first = start_worker("first")
until(lambda: answers_ping("first"), "the worker")
run([one_task, many_tasks, failures, chains, retries, chords, countdowns, routes, control, events, prefetch, redelivery, operator, flower, purge])
