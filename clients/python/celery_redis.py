"""Celery with Redis as broker and as result backend: a worker of its own, and an application that calls its tasks."""

import subprocess
import sys
import time
from datetime import datetime, timedelta, timezone

from celery import chain, chord, group
from celery.exceptions import ChordError, TaskRevokedError, TimeoutError

import celery_redis_tasks as tasks
from check import WAIT_SECONDS_MAX, equal, raises, run, until

app = tasks.app
redis = app.backend.client


def got(result):
    return result.get(timeout=WAIT_SECONDS_MAX)


def start_worker(name, *args):
    command = [sys.executable, "-m", "celery", "--quiet", "-A", "celery_redis_tasks", "worker", "--loglevel", "WARNING"]
    return subprocess.Popen([*command, "--hostname", f"{name}@localhost", "--concurrency", "2", *args])


def answers_ping(name):
    return any(f"{name}@localhost" in reply for reply in app.control.ping(timeout=0.5))


def one_task():
    """a task and its result"""
    result = tasks.add.delay(2, 3)
    equal(got(result), 5)
    equal((result.successful(), result.state), (True, "SUCCESS"))
    equal(result.name, "celery_redis_tasks.add")


def many_tasks():
    """200 tasks"""
    results = [tasks.add.delay(i, i) for i in range(200)]
    equal([got(result) for result in results], [2 * i for i in range(200)])


def failures():
    """a failing task and its errback"""
    result = tasks.fail.apply_async(("broken",), link_error=tasks.on_error.s("errors"))
    raises(ValueError, "broken", got, result)
    equal(result.state, "FAILURE")
    equal("ValueError" in result.traceback, True)
    until(lambda: redis.lrange("errors", 0, -1) == [b"broken"], "the errback")


def chains():
    """chain"""
    equal(got(chain(tasks.add.s(1, 2), tasks.add.s(10), tasks.add.s(100))()), 113)
    equal(got((tasks.add.s(4, 4) | tasks.add.s(8)).apply_async()), 16)


def groups():
    """group"""
    result = group(tasks.add.s(i, i) for i in range(20))()
    equal(got(result), [2 * i for i in range(20)])
    equal((result.successful(), result.completed_count()), (True, 20))
    result.save()
    equal(app.GroupResult.restore(result.id).results == result.results, True)
    equal(got(tasks.add.chunks(zip(range(20), range(20)), 5)()), [[2 * i for i in range(n, n + 5)] for n in (0, 5, 10, 15)])
    equal(got(tasks.add.starmap([(1, 1), (2, 2)]).delay()), [2, 4])


def chords():
    """chord, chord in a chain, chord with a failing part"""
    equal(got(chord((tasks.add.s(i, i) for i in range(30)), tasks.total.s())()), 870)
    work = chain(tasks.add.s(1, 1), group(tasks.add.s(i) for i in range(5)), tasks.total.s(), tasks.add.s(1000))
    equal(got(work()), 1020)
    result = chord([tasks.add.s(1, 1), tasks.fail.s("part")], tasks.total.s())()
    # By which of the two the caller hears of it first is a race.
    raises((ChordError, ValueError), "", got, result)
    until(lambda: result.state == "FAILURE", "the failure of the chord")


def retries():
    """retry with a countdown"""
    result = tasks.flaky.delay("flaky-tries")
    equal(got(result), 3)
    equal(result.retries, 2)


def countdowns():
    """countdown and eta"""
    started = time.monotonic()
    equal(got(tasks.add.apply_async((1, 1), countdown=1)), 2)
    equal(time.monotonic() - started >= 1, True)
    started = time.monotonic()
    equal(got(tasks.add.apply_async((1, 1), eta=datetime.now(timezone.utc) + timedelta(seconds=1))), 2)
    equal(time.monotonic() - started >= 0.99, True)


def expiring():
    """a task that expired is revoked"""
    result = tasks.add.apply_async((1, 1), expires=datetime.now(timezone.utc) - timedelta(seconds=1))
    raises(TaskRevokedError, "", got, result)
    equal(result.state, "REVOKED")


def states():
    """states of its own, and a time-out while it waits for a result"""
    result = tasks.progress.delay()
    until(lambda: result.state == "PROGRESS", "the task's own state")
    equal(result.info, {"done": 50})
    raises(TimeoutError, "", result.get, timeout=0.1)
    redis.rpush("go-on", "1")
    equal(got(result), "done")
    result.forget()
    equal(result.state, "PENDING")


def control():
    """remote control: inspect, revoke, rate limit, add a consumer"""
    inspected = app.control.inspect(timeout=WAIT_SECONDS_MAX, limit=1)
    equal("celery_redis_tasks.add" in inspected.registered()["first@localhost"], True)
    equal(inspected.stats()["first@localhost"]["broker"]["transport"], "redis")
    later = tasks.add.apply_async((1, 1), countdown=3600)
    until(lambda: later.id in str(app.control.inspect(timeout=1).scheduled()), "the scheduled task")
    app.control.revoke(later.id)
    until(lambda: later.id in str(app.control.inspect(timeout=1).revoked()), "the revoked task")
    replies = app.control.add_consumer("loud", destination=["first@localhost"], reply=True, timeout=WAIT_SECONDS_MAX, limit=1)
    equal("ok" in replies[0]["first@localhost"], True)
    equal(got(tasks.shout.delay("hear")), "HEAR")
    replies = app.control.rate_limit("celery_redis_tasks.shout", "100/s", reply=True, timeout=WAIT_SECONDS_MAX, limit=1)
    equal("ok" in replies[0]["first@localhost"], True)


def redelivery():
    """a task whose process was killed is delivered again"""
    equal(got(tasks.lost_once.delay("lost-tries")), "delivered again")


def priorities():
    """priorities, by a worker that takes one after the other"""
    for priority in (9, 5, 0, 5, 9, 0):
        tasks.note.apply_async(("order", f"p{priority}"), priority=priority, queue="ordered")
    worker = start_worker("second", "--queues", "ordered", "--concurrency", "1", "--prefetch-multiplier", "1", "--pool", "solo")
    until(lambda: redis.llen("order") == 6, "six tasks")
    equal(redis.lrange("order", 0, -1), [b"p0", b"p0", b"p5", b"p5", b"p9", b"p9"])
    worker.terminate()
    equal(worker.wait(WAIT_SECONDS_MAX), 0)


def visibility():
    """a task that a killed worker held is delivered again after the visibility time-out"""
    redis.delete("held")
    worker = start_worker("doomed", "--queues", "doomed", "--pool", "solo")
    until(lambda: answers_ping("doomed"), "the doomed worker")
    held = tasks.note.apply_async(("held", "late"), queue="doomed", countdown=2)
    until(lambda: redis.hlen("unacked") > 0, "the unacknowledged task")
    worker.kill()
    worker.wait(WAIT_SECONDS_MAX)
    app.control.add_consumer("doomed", destination=["first@localhost"], reply=True, timeout=WAIT_SECONDS_MAX, limit=1)
    until(lambda: redis.lrange("held", 0, -1) == [b"late"], "the task, delivered again")
    got(held)


def purge():
    """purge"""
    for i in range(7):
        tasks.add.apply_async((i, i), queue="nobody")
    with app.connection_for_write() as connection:
        equal(connection.default_channel.queue_purge("nobody"), 7)


redis.flushall()
first = start_worker("first")
until(lambda: answers_ping("first"), "the worker")
run(
    [
        one_task,
        many_tasks,
        failures,
        chains,
        groups,
        chords,
        retries,
        countdowns,
        expiring,
        states,
        control,
        redelivery,
        priorities,
        visibility,
        purge,
    ]
)
