"""The jobs of rq_redis.py: its workers load them by name."""

import os

from redis import Redis
from rq import get_current_job

redis = Redis.from_url(os.environ["REDIS_URL"])


def add(x, y):
    return x + y


def fail(text):
    raise ValueError(text)


def flaky(key):
    """Is right at the third try."""
    tries = redis.incr(key)
    if tries < 3:
        raise RuntimeError(f"try {tries}")
    return tries


def note(key, text):
    redis.rpush(key, text)


def on_success(job, connection, result):
    connection.rpush("callbacks", f"success {result}")


def on_failure(job, connection, kind, value, traceback):
    connection.rpush("callbacks", f"failure {value}")


def remember():
    """Writes what its user can read while it runs, then waits."""
    job = get_current_job()
    job.meta["progress"] = 50
    job.save_meta()
    redis.blpop("go-on", timeout=60)
    return job.id


def forever():
    redis.blpop("never", timeout=300)
