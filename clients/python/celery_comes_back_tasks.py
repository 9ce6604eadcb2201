"""The Celery application of celery_comes_back.py: its worker loads it by name."""

import os
import time

from celery import Celery
from celery.exceptions import Reject
from kombu import Queue

app = Celery("celery_comes_back_tasks", broker=os.environ["AMQP_URL"])
app.conf.update(
    task_serializer="json",
    # Celery calls each rejection a result of its own, so the tasks say in files what became of them.
    task_ignore_result=True,
    task_acks_late=True,
    # What fails is rejected: whether and when it comes again is the queue's business.
    task_acks_on_failure_or_timeout=False,
    broker_connection_retry_on_startup=True,
    broker_transport_options={"confirm_publish": True},
    task_queues=[Queue(name) for name in ("failing", "deadly", "letters")],
)
# What tasks leave for the program beside it.
folder = os.environ.get("NOTES_FOLDER", "")


def note(name, text):
    with open(os.path.join(folder, name), "a") as file:
        file.write(f"{text}\n")


def notes(name):
    try:
        with open(os.path.join(folder, name)) as file:
            return file.read().split()
    except FileNotFoundError:
        return []


def times(name):
    return [float(text) for text in notes(name)]


@app.task(bind=True)
def rejecting(self, name, right_at):
    """Is right at the try `right_at`, or as soon as the program beside it has mended what was wrong."""
    note(f"{name}-retries", self.request.retries)
    note(f"{name}-redelivered", self.request.delivery_info["redelivered"])
    note(name, time.time())
    tries = len(times(name))
    if tries < right_at and not notes(f"{name}-mended"):
        raise Reject("not yet", requeue=False)
    note(f"{name}-right", tries)


@app.task
def raising(name):
    note(name, time.time())
    raise ValueError(name)


@app.task(reject_on_worker_lost=True)
def deadly(name):
    note(name, time.time())
    os._exit(9)


@app.task
def on_time(name):
    note(name, time.time())
