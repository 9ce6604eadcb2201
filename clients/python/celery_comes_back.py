"""Celery over AMQP, whose tasks fail: the policy of their queue brings them back, not Celery's own retry."""

import os
import subprocess
import sys
import tempfile
import time
from datetime import datetime, timedelta, timezone

from check import WAIT_SECONDS_MAX, equal, management, run, until

os.environ["NOTES_FOLDER"] = tempfile.mkdtemp(prefix="celery-notes-")
import celery_comes_back_tasks as tasks  # noqa: E402 (it reads the folder's name)

app = tasks.app
BACKOFF_MS = 200


def start_worker(name, *args):
    command = [sys.executable, "-m", "celery", "--quiet", "-A", "celery_comes_back_tasks", "worker", "--loglevel", "CRITICAL"]
    process = subprocess.Popen([*command, "--hostname", f"{name}@localhost", "--concurrency", "2", *args])
    until(lambda: any(f"{name}@localhost" in reply for reply in app.control.ping(timeout=0.5)), "the worker")
    return process


def policy(queue, **definition):
    body = {"pattern": f"^{queue}$", "apply-to": "queues", "priority": 10}
    body["definition"] = {key.replace("_", "-"): value for key, value in definition.items()}
    management("PUT", f"policies/%2F/{queue}", body)


def dead(queue, count):
    """Its dead letters, once there are so many."""

    def find():
        names = [each["name"] for each in management("GET", "queues/%2F")]
        if f"{queue}.dead" not in names:
            return None
        found = management("GET", f"troika/messages/%2F/{queue}.dead")["messages"]
        return len(found) == count and found

    return until(find, f"{count} dead letters of {queue}")


def assert_schedule(times, *delays_ms):
    equal(len(times), len(delays_ms) + 1, "tries")
    for earlier, later, delay in zip(times, times[1:], delays_ms):
        equal((later - earlier) * 1000 >= delay - 2, True, f"{(later - earlier) * 1000} ms, not {delay}")


def rejects():
    """raise Reject(requeue=False), acks_late: comes again by the policy until it is right"""
    tasks.rejecting.apply_async(("third",), {"right_at": 3}, queue="failing")
    until(lambda: tasks.notes("third-right"), "the task that is right")
    assert_schedule(tasks.times("third"), BACKOFF_MS, 2 * BACKOFF_MS)
    # Celery's own count stays: for it each delivery is the same try.
    equal(tasks.notes("third-retries"), ["0", "0", "0"])
    equal(tasks.notes("third-redelivered"), ["False", "True", "True"])


def raises():
    """an exception, acks_late without acks_on_failure_or_timeout: the same"""
    tasks.raising.apply_async(("always",), queue="failing")
    (letter,) = dead("failing", 1)
    assert_schedule(tasks.times("always"), BACKOFF_MS, 2 * BACKOFF_MS)
    headers = letter["properties"]["headers"]
    equal((headers["task"], headers["x-troika-deliveries"]), ("celery_comes_back_tasks.raising", 3))
    equal((headers["x-death"][0]["queue"], headers["x-death"][0]["reason"]), ("failing", "rejected"))


def goes_home():
    """its dead letter is retried to the origin: the task runs again, and is right this time; undone before that, it does not"""
    tasks.rejecting.apply_async(("mended",), {"right_at": 100}, queue="letters")
    (letter,) = dead("letters", 1)
    equal(letter["properties"]["headers"]["task"], "celery_comes_back_tasks.rejecting")
    equal(len(tasks.times("mended")), 2)
    # While nobody consumes.
    reply = {"destination": ["failing@localhost"], "reply": True, "timeout": WAIT_SECONDS_MAX, "limit": 1}
    app.control.cancel_consumer("letters", **reply)
    body = {"queue": "letters.dead", "filter": 'header.task ~ "rejecting"'}
    moved = management("POST", "troika/deadletters/retry?wait=60000", body)
    equal((moved["matched"], moved["moved"]), (1, 1))
    undone = management("POST", f"troika/operations/{moved['operation']}/undo?wait=60000")
    equal((undone["found"], undone["taken_back"]), (1, 1))
    dead("letters", 1)
    app.control.add_consumer("letters", **reply)
    tasks.note("mended-mended", "yes")
    equal(management("POST", "troika/deadletters/retry?wait=60000", body)["moved"], 1)
    until(lambda: tasks.notes("mended-right") == ["3"], "the task that is right")
    dead_now = management("GET", "troika/messages/%2F/letters.dead")["messages"]
    equal(dead_now, [])


def lost():
    """reject_on_worker_lost: a task that kills its process each time is a dead letter in the end"""
    tasks.deadly.apply_async(("deadly",), queue="deadly")
    (letter,) = dead("deadly", 1)
    equal(len(tasks.times("deadly")), 3)
    headers = letter["properties"]["headers"]
    equal((headers["x-troika-deliveries"], headers["x-first-death-reason"]), (3, "delivery_limit"))


def countdowns():
    """countdown and eta keep their times while others come again"""
    before = time.time()
    tasks.rejecting.apply_async(("beside",), {"right_at": 3}, queue="failing")
    tasks.on_time.apply_async(("countdown",), queue="failing", countdown=0.7)
    tasks.on_time.apply_async(("eta",), queue="failing", eta=datetime.now(timezone.utc) + timedelta(seconds=0.7))
    until(lambda: tasks.times("countdown") and tasks.times("eta") and len(tasks.times("beside")) == 3, "all of them")
    for name in ("countdown", "eta"):
        equal(tasks.times(name)[0] - before >= 0.69, True, name)
    assert_schedule(tasks.times("beside"), BACKOFF_MS, 2 * BACKOFF_MS)


policy("failing", retry_limit=3, retry_backoff_ms=BACKOFF_MS)
policy("letters", retry_limit=2, retry_backoff_ms=20)
policy("deadly", retry_limit=3, retry_backoff_ms=BACKOFF_MS)
worker = start_worker("failing", "--queues", "failing,deadly,letters", "--prefetch-multiplier", "10")
run([rejects, raises, goes_home, lost, countdowns])
