"""Celery with AMQP as broker and rpc:// for results: a worker of its own, and an application that calls its tasks."""

import os
import subprocess
import sys
import tempfile
import threading
import time

from celery import chain, group
from celery.exceptions import TaskRevokedError

from check import WAIT_SECONDS_MAX, close_connection, equal, management, raises, run, until

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


def countdowns():
    """countdown, expiry of tasks"""
    started = time.monotonic()
    equal(got(tasks.add.apply_async((1, 1), countdown=1)), 2)
    equal(time.monotonic() - started >= 1, True)
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
    seen, ready = [], threading.Event()

    def listen():
        with app.connection_for_read() as connection:
            receiver = app.events.Receiver(connection, handlers={"task-succeeded": seen.append})
            with receiver.consumer_context(wakeup=True):
                ready.set()
                for _ in receiver.consume(limit=None, timeout=WAIT_SECONDS_MAX, wakeup=True):
                    if seen:
                        break

    listener = threading.Thread(target=listen, daemon=True)
    listener.start()
    ready.wait(WAIT_SECONDS_MAX)
    until(lambda: got(tasks.add.delay(20, 22)) == 42 and seen, "the event")
    equal("result" in seen[0] and seen[0]["result"], "42")


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
run([one_task, many_tasks, failures, chains, retries, countdowns, routes, control, events, redelivery, operator, purge])
