"""The Celery application of celery_redis.py: its worker loads it by name."""

import os

from celery import Celery, signals

url = os.environ["REDIS_URL"]
app = Celery("celery_redis_tasks", broker=url, backend=url)
app.conf.update(
    task_serializer="json",
    result_extended=True,
    task_track_started=True,
    broker_connection_retry_on_startup=True,
    worker_prefetch_multiplier=4,
    task_queue_max_priority=9,
    broker_transport_options={
        "visibility_timeout": 3,
        "unacked_restore_interval": 1,
        "priority_steps": list(range(10)),
        "queue_order_strategy": "priority",
    },
    task_routes={"celery_redis_tasks.shout": {"queue": "loud"}},
)


@app.task
def add(x, y):
    return x + y


@app.task
def total(numbers):
    return sum(numbers)


@app.task
def shout(text):
    return text.upper()


@app.task
def fail(text):
    raise ValueError(text)


@app.task(bind=True, max_retries=5)
def flaky(self, key):
    """Is right at the third try."""
    tries = app.backend.client.incr(key)
    if tries < 3:
        raise self.retry(countdown=0.1)
    return tries


@app.task(bind=True)
def progress(self):
    self.update_state(state="PROGRESS", meta={"done": 50})
    app.backend.client.blpop(["go-on"], timeout=60)
    return "done"


@app.task(bind=True, acks_late=True, reject_on_worker_lost=True)
def lost_once(self, key):
    """The process that runs it the first time is killed."""
    if app.backend.client.incr(key) == 1:
        os._exit(9)
    return "delivered again"


@app.task
def note(key, text):
    app.backend.client.rpush(key, text)


@app.task
def on_error(request, error, traceback, key):
    app.backend.client.rpush(key, str(error))
