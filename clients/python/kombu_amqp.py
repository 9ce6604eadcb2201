"""kombu over AMQP, as an application uses it."""

import socket
import threading

from kombu import Connection, Consumer, Exchange, Producer, Queue, binding
from kombu.mixins import ConsumerMixin
from kombu.pools import connections, producers
from amqp.exceptions import AccessRefused, ConnectionForced, MessageNacked, NotFound, PreconditionFailed

from check import AMQP_URL, WAIT_SECONDS_MAX, close_connection, equal, run, until

MANY = 10_000


def connect(name=None, **options):
    more = options.pop("transport_options", {})
    return Connection(AMQP_URL, transport_options={**more, "client_properties": {"connection_name": name or "kombu"}}, **options)


def raises(kind, call, *args, **kwargs):
    try:
        call(*args, **kwargs)
    except kind:
        return
    raise AssertionError(f"no {kind}")


def drain(connection, done):
    until(lambda: drained(connection) or done(), "the messages")


def drained(connection):
    try:
        while True:
            connection.drain_events(timeout=0.05)
    except socket.timeout:
        pass


def confirms():
    """confirms, mandatory returns, refusals of a full queue"""
    with connect(transport_options={"confirm_publish": True}) as connection:
        returned = []
        producer = connection.Producer(on_return=lambda error, exchange, key, message: returned.append((key, message.body)))
        producer.publish({"n": 1}, routing_key="confirmed", declare=[Queue("confirmed")], delivery_mode=2)
        producer.publish("lost", routing_key="nobody", mandatory=True)
        drain(connection, lambda: returned)
        equal(returned, [("nobody", "lost")])
        full = Queue("full", queue_arguments={"x-overflow": "reject-publish"}, max_length=1)
        producer.publish("fits", routing_key="full", declare=[full])
        raises(MessageNacked, producer.publish, "too much", routing_key="full")
        message = Queue("confirmed", channel=connection.default_channel).get()
        equal((message.payload, message.content_type, message.properties["delivery_mode"]), ({"n": 1}, "application/json", 2))
        message.ack()


def consuming():
    """a consumer: serializers, compression, headers, prefetch, requeue, dead letters"""
    exchange = Exchange("events", type="topic")
    dead = Queue("dead", Exchange("dead", type="fanout"))
    queue = Queue("events", exchange, routing_key="event.#", message_ttl=60, queue_arguments={"x-dead-letter-exchange": "dead"})
    with connect() as connection:
        channel = connection.channel()
        dead(channel).declare()
        producer = Producer(channel, exchange)
        for serializer in ("json", "pickle"):
            for compression in (None, "gzip", "zlib"):
                producer.publish({"text": "größe" * 1000}, routing_key="event.a", serializer=serializer, compression=compression,
                                 headers={"by": serializer, "deep": {"er": [1, 2]}}, declare=[queue])
        seen = []

        def on_message(body, message):
            seen.append((body, message.headers["by"], message.delivery_info["redelivered"]))
            if len(seen) == 1:
                message.requeue()
            elif len(seen) == 7:
                message.reject()
            else:
                message.ack()

        with Consumer(connection, [queue], callbacks=[on_message], accept=["json", "pickle"], prefetch_count=1):
            drain(connection, lambda: len(seen) == 7)
        equal({body["text"] for body, _, _ in seen}, {"größe" * 1000})
        equal([redelivered for _, _, redelivered in seen], [False, True] + [False] * 5)
        letter = until(lambda: dead(channel).get(accept=["json", "pickle"]), "the dead letter")
        equal((letter.headers["x-death"][0]["reason"], letter.headers["by"]), ("rejected", "pickle"))


def simple():
    """SimpleQueue and SimpleBuffer"""
    with connect() as connection:
        with connection.SimpleQueue("simple") as queue:
            for i in range(10):
                queue.put({"n": i})
            until(lambda: queue.qsize() == 10, "ten messages")
            for i in range(10):
                message = queue.get(timeout=WAIT_SECONDS_MAX)
                equal(message.payload, {"n": i})
                message.ack()
            raises(queue.Empty, queue.get_nowait)
        with connection.SimpleBuffer("buffer") as buffer:
            buffer.put("passing")
            equal(buffer.get(timeout=WAIT_SECONDS_MAX).payload, "passing")


def routing():
    """headers and fanout exchanges, several bindings, bindings between exchanges, consumer priorities, auto-delete"""
    with connect() as connection:
        channel = connection.channel()
        inner = Exchange("inner", type="headers", channel=channel)
        outer = Exchange("outer", type="fanout", channel=channel)
        inner.declare()
        outer.declare()
        inner.bind_to("outer")
        match = Queue("match", [binding(inner, arguments={"x-match": "any", "a": 1, "b": 2})], auto_delete=True, consumer_arguments={"x-priority": 3})
        match(channel).declare()
        producer = connection.Producer(exchange=outer)
        for headers in ({"a": 1}, {"b": 2}, {"b": 3}):
            producer.publish(headers, headers=headers)
        seen = []
        with Consumer(channel, [match(channel)], callbacks=[lambda body, message: seen.append(body)], no_ack=True):
            drain(connection, lambda: len(seen) == 2)
        equal(seen, [{"a": 1}, {"b": 2}])
        raises(NotFound, match(connection.channel()).queue_declare, passive=True)
        raises(PreconditionFailed, Exchange("inner", type="topic", channel=connection.channel()).declare)


def mixins():
    """a worker by ConsumerMixin answers RPC, its connection is closed by an operator, and it comes back"""
    requests = Queue("rpc")
    restarts = []

    class Worker(ConsumerMixin):
        def __init__(self, connection):
            self.connection = connection

        def get_consumers(self, consumer_class, channel):
            return [consumer_class([requests], on_message=self.on_message, prefetch_count=10)]

        def on_connection_revived(self):
            restarts.append(True)

        def on_message(self, message):
            producer = Producer(message.channel)
            producer.publish({"double": 2 * message.payload["n"]}, exchange="", routing_key=message.properties["reply_to"],
                             correlation_id=message.properties["correlation_id"])
            message.ack()

    worker = Worker(connect("kombu-worker", heartbeat=10))
    thread = threading.Thread(target=worker.run, daemon=True)
    thread.start()

    def ask(numbers):
        with connect() as connection:
            own = Queue(exclusive=True, auto_delete=True, channel=connection.default_channel)
            own.declare()
            replies = {}
            with Consumer(connection, [own], no_ack=True, auto_declare=False, on_message=lambda message: replies.update({message.properties["correlation_id"]: message.payload})):
                for n in numbers:
                    connection.Producer().publish({"n": n}, routing_key="rpc", reply_to=own.name, correlation_id=str(n), declare=[requests])
                drain(connection, lambda: len(replies) == len(numbers))
            equal(replies, {str(n): {"double": 2 * n} for n in numbers})

    ask(range(100))
    close_connection("kombu-worker")
    until(lambda: len(restarts) >= 2, "the worker's next connection")
    ask(range(100, 110))
    worker.should_stop = True
    thread.join(WAIT_SECONDS_MAX)


def pools():
    """pools of connections and producers, ensure() after a lost connection"""
    connection = connect()
    with producers[connection].acquire(block=True) as producer:
        for i in range(100):
            producer.publish(i, routing_key="pooled", declare=[Queue("pooled")], retry=True)
    with connections[connection].acquire(block=True) as pooled:
        with pooled.SimpleQueue("pooled") as queue:
            equal([queue.get(timeout=WAIT_SECONDS_MAX).payload for _ in range(100)], list(range(100)))
    lost = connect("kombu-lost")
    producer = lost.Producer()
    producer.publish("before", routing_key="revived", declare=[Queue("revived")])
    close_connection("kombu-lost")
    raises((ConnectionForced, ConnectionError, OSError), until, lambda: drained(lost), "the end of the connection")
    producer.publish("after", routing_key="revived", retry=True, retry_policy={"max_retries": 5})
    with connect().SimpleQueue("revived") as queue:
        equal([queue.get(timeout=WAIT_SECONDS_MAX).payload for _ in range(2)], ["before", "after"])
    wrong = Connection(AMQP_URL.replace("guest:guest", "guest:wrong"))
    raises(AccessRefused, wrong.connect)


def many():
    """10,000 messages"""
    with connect() as connection:
        queue = Queue("many", channel=connection.default_channel)
        queue.declare()
        producer = connection.Producer()
        for i in range(MANY):
            producer.publish(i, routing_key="many")
        seen = []

        def on_message(message):
            seen.append(message.payload)
            if len(seen) % 100 == 0:
                message.ack(multiple=True)

        with Consumer(connection, [queue], on_message=on_message, prefetch_count=500):
            drain(connection, lambda: len(seen) == MANY)
        equal(seen, list(range(MANY)))


run([confirms, consuming, simple, routing, mixins, pools, many])
