"""pika, in an application whose consumer fails: the broker's policy brings its messages back, then keeps them as dead letters."""

import threading
import time

import pika

from check import AMQP_URL, WAIT_SECONDS_MAX, equal, management, run, until

BACKOFF_MS = 150


def connect():
    return pika.BlockingConnection(pika.URLParameters(AMQP_URL))


def policy(queue, **definition):
    """What an operator sets for the queue, by the API of RabbitMQ."""
    body = {"pattern": f"^{queue}$", "apply-to": "queues", "priority": 10}
    body["definition"] = {key.replace("_", "-"): value for key, value in definition.items()}
    management("PUT", f"policies/%2F/{queue}", body)


def shop(queue, key):
    """A durable queue behind an exchange, and a channel with confirms."""
    channel = connect().channel()
    channel.confirm_delivery()
    channel.exchange_declare("shop", "topic", durable=True)
    channel.queue_declare(queue, durable=True)
    channel.queue_bind(queue, "shop", key)
    return channel


class Worker:
    """Consumes as most programs do: what it handles it acknowledges, what raises it rejects."""

    def __init__(self, queue, handle, prefetch=1):
        self.seen = []
        self.handle = handle
        self.connection = connect()
        channel = self.connection.channel()
        channel.basic_qos(prefetch_count=prefetch)
        channel.basic_consume(queue, self.on_message)
        self.thread = threading.Thread(target=channel.start_consuming, daemon=True)
        self.thread.start()

    def on_message(self, channel, method, properties, body):
        self.seen.append((time.monotonic(), body, method.redelivered, (properties.headers or {}).get("x-delivery-count")))
        try:
            self.handle(body)
        except ValueError:
            channel.basic_nack(method.delivery_tag, requeue=False)
        else:
            channel.basic_ack(method.delivery_tag)

    def of(self, body):
        return [each for each in list(self.seen) if each[1] == body]

    def stop(self):
        self.connection.add_callback_threadsafe(self.connection.close)
        self.thread.join(WAIT_SECONDS_MAX)


def refuse_bad(body):
    if body.startswith(b"bad"):
        raise ValueError(body)


def accept(body):
    pass


def looked(queue):
    return management("GET", f"troika/messages/%2F/{queue}")["messages"]


def dead(queue, count):
    """Its dead letters, once there are so many."""

    def find():
        names = [each["name"] for each in management("GET", "queues/%2F")]
        found = looked(f"{queue}.dead") if f"{queue}.dead" in names else []
        return len(found) == count and found

    return until(find, f"{count} dead letters of {queue}")


def assert_schedule(deliveries, *delays_ms):
    """None is early; how late one is says how busy the machine is."""
    times = [at for at, *_ in deliveries]
    equal(len(times), len(delays_ms) + 1, "deliveries")
    for earlier, later, delay in zip(times, times[1:], delays_ms):
        equal((later - earlier) * 1000 >= delay - 1, True, f"{(later - earlier) * 1000} ms, not {delay}")


def fails_three_times():
    """fails three times, backs off by the policy, is a dead letter with where it comes from; others are not held up"""
    policy("orders", retry_limit=3, retry_backoff_ms=BACKOFF_MS, retry_factor=2)
    channel = shop("orders", "order.*")
    worker = Worker("orders", refuse_bad)
    sent = pika.BasicProperties(delivery_mode=2, message_id="m-1", headers={"customer": "alice"}, content_type="text/plain")
    channel.basic_publish("shop", "order.new", b"bad order", sent, mandatory=True)
    channel.basic_publish("shop", "order.new", b"good order", pika.BasicProperties(delivery_mode=2), mandatory=True)
    (letter,) = dead("orders", 1)
    assert_schedule(worker.of(b"bad order"), BACKOFF_MS, 2 * BACKOFF_MS)
    equal([each[2:] for each in worker.of(b"bad order")], [(False, None), (True, 1), (True, 2)])
    equal([body for _, body, *_ in worker.seen][:2], [b"bad order", b"good order"])
    equal((letter["payload"], letter["properties"]["message_id"]), ("bad order", "m-1"))
    headers = letter["properties"]["headers"]
    equal((headers["customer"], headers["x-troika-deliveries"]), ("alice", 3))
    (death,) = headers["x-death"]
    equal(
        (death["queue"], death["reason"], death["count"], death["exchange"], death["routing-keys"]),
        ("orders", "rejected", 1, "shop", ["order.new"]),
    )
    equal(management("GET", "queues/%2F/orders")["messages"], 0)
    worker.stop()


def goes_home():
    """an operator looks, retries to the origin, undoes it, and retries again when the consumer is mended"""
    policy("letters", retry_limit=2, retry_backoff_ms=50)
    channel = shop("letters", "letter.#")
    failing = Worker("letters", refuse_bad)
    for body in (b"bad one", b"good one", b"bad two"):
        sent = pika.BasicProperties(delivery_mode=2, message_id=body.decode(), headers={"kind": body.decode()[:3]})
        channel.basic_publish("shop", "letter.new", body, sent)
    dead("letters", 2)
    failing.stop()
    (group,) = [each for each in management("GET", "troika/deadletters")["groups"] if each["queue"] == "letters.dead"]
    equal((group["count"], group["reason"], group["origin"]["name"]), (2, "rejected", "letters"))

    def retry(**more):
        found = management("POST", "troika/deadletters/retry?wait=60000", {"queue": "letters.dead", **more})
        return found["matched"], found["moved"], found["operation"]

    equal(retry(dry_run=True)[:2], (2, 0))
    matched, moved, operation = retry(filter='body ~ "one" and header.kind = bad')
    equal((matched, moved), (1, 1))
    equal([[each["payload"] for each in looked(queue)] for queue in ("letters", "letters.dead")], [["bad one"], ["bad two"]])
    undone = management("POST", f"troika/operations/{operation}/undo?wait=60000")
    equal((undone["found"], undone["taken_back"], undone["consumed"]), (1, 1, 0))
    equal([len(looked(queue)) for queue in ("letters", "letters.dead")], [0, 2])
    equal(retry(edit={"headers": {"set": {"mended": True}}})[:2], (2, 2))
    mended = Worker("letters", accept)
    until(lambda: len(mended.seen) == 2, "both again")
    equal({each[1] for each in mended.seen}, {b"bad one", b"bad two"})
    # A new message there: it is delivered for the first time.
    equal({each[2:] for each in mended.seen}, {(False, None)})
    until(lambda: management("GET", "queues/%2F/letters")["messages"] == 0, "an empty queue")
    equal(looked("letters.dead"), [])
    mended.stop()


def waits_over_reconnection():
    """what waits is seen by an operator, and comes to the connection that is there then"""
    policy("waiting", retry_limit=5, retry_backoff_ms=1000)
    channel = shop("waiting", "wait")
    rejected = time.monotonic()
    first = Worker("waiting", refuse_bad, prefetch=10)
    for i in range(5):
        channel.basic_publish("shop", "wait", b"bad %d" % i, pika.BasicProperties(delivery_mode=2))
    until(lambda: management("GET", "queues/%2F/waiting").get("messages_waiting") == 5, "five that wait")
    first.stop()
    equal(len(first.seen), 5)
    waiting = management("GET", "troika/messages/%2F/waiting?state=waiting")["messages"]
    equal([(each["payload"], each["waits_for"], each["delivery_count"]) for each in waiting], [(f"bad {i}", "retry", 1) for i in range(5)])
    second = Worker("waiting", accept, prefetch=10)
    until(lambda: len(second.seen) == 5, "all again")
    equal(min(at for at, *_ in second.seen) - rejected >= 0.999, True)
    equal({each[1] for each in second.seen}, {b"bad %d" % i for i in range(5)})
    second.stop()


def in_a_transaction():
    """a rejection in a transaction counts when it is committed"""
    policy("ledger", retry_limit=2, retry_backoff_ms=50)
    shop("ledger", "book").basic_publish("shop", "book", b"bad entry", pika.BasicProperties(delivery_mode=2))
    channel = connect().channel()
    channel.tx_select()
    method, _, _ = until(lambda: (got := channel.basic_get("ledger"))[0] and got, "the entry")
    channel.basic_reject(method.delivery_tag, requeue=False)
    equal(management("GET", "queues/%2F/ledger").get("messages_waiting", 0), 0)
    channel.tx_commit()
    method, properties, _ = until(lambda: (got := channel.basic_get("ledger"))[0] and got, "the entry again")
    equal(properties.headers["x-delivery-count"], 1)
    channel.basic_reject(method.delivery_tag, requeue=False)
    channel.tx_commit()
    equal([each["payload"] for each in dead("ledger", 1)], ["bad entry"])


run([fails_three_times, goes_home, waits_over_reconnection, in_a_transaction])
