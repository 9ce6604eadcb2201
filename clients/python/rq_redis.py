"""RQ: queues, workers started by `rq worker`, and an application that enqueues."""

import subprocess
from datetime import datetime, timedelta, timezone

from redis import Redis
from rq import Callback, Queue, Repeat, Retry, Worker
from rq.command import send_stop_job_command
from rq.exceptions import DuplicateJobError
from rq.group import Group
from rq.job import Job
from rq.registry import FailedJobRegistry, FinishedJobRegistry, ScheduledJobRegistry, StartedJobRegistry

import rq_redis_jobs as jobs
from check import REDIS_URL, WAIT_SECONDS_MAX, equal, raises, run, until

redis = Redis.from_url(REDIS_URL)
queue = Queue("default", connection=redis)


def start_worker(name, *args):
    command = ["rq", "worker", "--url", REDIS_URL, "--name", name, "--logging_level", "CRITICAL", *args]
    return subprocess.Popen(command)


def result_of(job):
    status = until(lambda: job.get_status() in ("finished", "failed", "stopped") and job.get_status(), "the job's end")
    equal(status, "finished", "the job's status")
    # The status is there before the result.
    until(lambda: job.latest_result(), "the result")
    return job.return_value(refresh=True)


def one_job():
    """a job and its result"""
    job = queue.enqueue(jobs.add, 2, 3, description="sum", job_id="sum-1")
    equal(result_of(job), 5)
    equal(Job.fetch("sum-1", connection=redis).description, "sum")
    equal(Job.exists("sum-1", connection=redis), True)
    until(lambda: "sum-1" in FinishedJobRegistry(queue=queue).get_job_ids(), "the registry of finished jobs")


def many_jobs():
    """50 jobs in one call, by a burst worker"""
    batch = Queue("batch", connection=redis)
    many = batch.enqueue_many([Queue.prepare_data(jobs.add, args=(i, i)) for i in range(50)])
    equal(batch.count, 50)
    worker = start_worker("burst", "--burst", "batch", "--worker-class", "rq.SimpleWorker")
    equal(worker.wait(WAIT_SECONDS_MAX * 2), 0)
    equal([result_of(job) for job in many], [2 * i for i in range(50)])


def failures():
    """a failed job is kept, and can be enqueued again"""
    job = queue.enqueue(jobs.fail, "broken")
    until(lambda: job.get_status() == "failed", "the failure")
    registry = FailedJobRegistry(queue=queue)
    until(lambda: job.id in registry.get_job_ids(), "the registry of failed jobs")
    equal("ValueError: broken" in until(lambda: job.latest_result(), "the result").exc_string, True)
    job.args = ("still broken",)
    job.save()
    registry.requeue(job)
    until(lambda: "still broken" in (job.latest_result().exc_string or ""), "the second failure")
    until(lambda: job.id in registry.get_job_ids(), "the registry of failed jobs")
    registry.remove(job, delete_job=True)
    equal(Job.exists(job.id, connection=redis), False)


def retries():
    """retry at once and after intervals"""
    equal(result_of(queue.enqueue(jobs.flaky, "tries-1", retry=Retry(max=5))), 3)
    equal(result_of(queue.enqueue(jobs.flaky, "tries-2", retry=Retry(max=5, interval=[1, 1]))), 3)


def dependencies():
    """a job that depends on others"""
    first = queue.enqueue(jobs.add, 1, 1)
    second = queue.enqueue(jobs.note, "order", "second", depends_on=first)
    third = queue.enqueue(jobs.note, "order", "third", depends_on=[first, second])
    result_of(third)
    equal(redis.lrange("order", 0, -1), [b"second", b"third"])


def scheduled():
    """enqueue_in and enqueue_at, by the worker's scheduler"""
    soon = queue.enqueue_in(timedelta(seconds=1), jobs.add, 1, 2)
    equal(soon.get_status(), "scheduled")
    equal(soon.id in ScheduledJobRegistry(queue=queue).get_job_ids(), True)
    at = queue.enqueue_at(datetime.now(timezone.utc) + timedelta(seconds=1), jobs.add, 3, 4)
    equal([result_of(soon), result_of(at)], [3, 7])


def callbacks():
    """callbacks of success and failure"""
    queue.enqueue(jobs.add, 20, 1, on_success=Callback(jobs.on_success))
    queue.enqueue(jobs.fail, "sad", on_failure=Callback(jobs.on_failure))
    until(lambda: sorted(redis.lrange("callbacks", 0, -1)) == [b"failure sad", b"success 21"], "two callbacks")


def repeats():
    """a job that repeats"""
    queue.enqueue(jobs.note, "repeated", "once", repeat=Repeat(times=2, interval=0))
    until(lambda: redis.llen("repeated") == 3, "three runs")


def unique():
    """a job whose id is there already"""
    waiting = Queue("waiting", connection=redis)
    waiting.enqueue(jobs.add, 1, 1, job_id="only-one", unique=True)
    raises(DuplicateJobError, "", waiting.enqueue, jobs.add, 1, 1, job_id="only-one", unique=True)
    equal(waiting.enqueue(jobs.add, 2, 2, at_front=True).get_position(), 0)
    equal(waiting.get_job_ids()[1], "only-one")
    equal(waiting.empty(), 2)


def groups():
    """a group of jobs"""
    group = Group.create(connection=redis)
    members = group.enqueue_many(queue, [Queue.prepare_data(jobs.add, args=(i, i)) for i in range(5)])
    equal(sorted(result_of(job) for job in members), [0, 2, 4, 6, 8])
    equal(len(group.get_jobs()), 5)


def running():
    """what a running job writes, and a job that is stopped by command"""
    job = queue.enqueue(jobs.remember)
    until(lambda: job.get_meta(refresh=True).get("progress") == 50, "the job's meta")
    until(lambda: job.id in StartedJobRegistry(queue=queue).get_job_ids(), "the registry of started jobs")
    redis.rpush("go-on", "1")
    equal(result_of(job), job.id)
    long = queue.enqueue(jobs.forever)
    until(lambda: redis.info("clients")["blocked_clients"] and long.get_status() == "started", "the long job")
    send_stop_job_command(redis, long.id)
    until(lambda: long.get_status(refresh=True) == "stopped", "the stop")


def workers():
    """workers are listed, and one that is killed loses no job"""
    equal([worker.name for worker in Worker.all(connection=redis)], ["first"])
    doomed_queue = Queue("doomed", connection=redis)
    process = start_worker("doomed", "doomed", "--worker-class", "rq.SimpleWorker")
    until(lambda: "doomed" in [worker.name for worker in Worker.all(connection=redis)], "the second worker")
    job = doomed_queue.enqueue(jobs.forever, job_timeout=60)
    until(lambda: job.get_status() == "started", "the job")
    process.kill()
    process.wait(WAIT_SECONDS_MAX)
    started = StartedJobRegistry("doomed", connection=redis)
    equal(started.get_job_ids(cleanup=False), [job.id])
    # As the maintenance of another worker does, when the time of the dead one is over.
    started.cleanup(timestamp=datetime.now().timestamp() + 3600)
    until(lambda: job.id in FailedJobRegistry("doomed", connection=redis).get_job_ids(), "the abandoned job")


redis.flushall()
start_worker("first", "--with-scheduler", "default")
run(
    [
        one_job,
        many_jobs,
        failures,
        retries,
        dependencies,
        scheduled,
        callbacks,
        repeats,
        unique,
        groups,
        running,
        workers,
    ]
)
