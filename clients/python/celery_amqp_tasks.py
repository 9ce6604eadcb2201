"""The Celery application of celery_amqp.py: its worker loads it by name."""

import os
import time

from celery import Celery
from kombu import Queue

app = Celery("celery_amqp_tasks", broker=os.environ["AMQP_URL"], backend="rpc://")
app.conf.update(
    task_serializer="json",
    result_extended=True,
    task_track_started=True,
    broker_connection_retry_on_startup=True,
    broker_transport_options={"confirm_publish": True},
    worker_prefetch_multiplier=4,
    worker_send_task_events=True,
    task_routes={"celery_amqp_tasks.shout": {"queue": "loud"}},
    task_queues=[Queue("celery"), Queue("loud"), Queue("durable", queue_arguments={"x-queue-type": "quorum"})],
)
# What tasks leave for the program beside it.
folder = os.environ.get("NOTES_FOLDER", "")


def note(name, text):
    with open(os.path.join(folder, name), "a") as file:
        file.write(text + "\n")


def notes(name):
    try:
        with open(os.path.join(folder, name)) as file:
            return file.read().split()
    except FileNotFoundError:
        return []


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


@app.task
def on_error(request, error, traceback, name):
    note(name, str(error))


@app.task(bind=True, max_retries=5)
def flaky(self):
    """Is right at the third try."""
    if self.request.retries < 2:
        raise self.retry(countdown=0.1)
    return self.request.retries


@app.task(bind=True, max_retries=2)
def hopeless(self):
    raise self.retry(countdown=0.05, exc=KeyError("never"))


@app.task(bind=True, acks_late=True, reject_on_worker_lost=True)
def lost_once(self, name):
    """The process that runs it the first time is killed."""
    note(name, "try")
    if len(notes(name)) == 1:
        os._exit(9)
    return "delivered again"


@app.task(acks_late=True)
def held(name):
    """Ends when the program beside it says so."""
    note(name, "begun")
    while notes(f"{name}-go") == []:
        time.sleep(0.02)
    return "done"


@app.task(bind=True, acks_late=True)
def late(self, name):
    """Its worker is killed as a whole the first time."""
    note(name, "try")
    if len(notes(name)) == 1:
        time.sleep(600)
    note(name, f"redelivered={self.request.delivery_info['redelivered']}")
