"""aio-pika, as an application uses it: robust connections that come back with all that was declared on them."""

import asyncio
import time
from datetime import datetime, timezone

import aio_pika
from aio_pika import DeliveryMode, ExchangeType, Message
from aio_pika.exceptions import (
    AMQPConnectionError,
    ChannelNotFoundEntity,
    ChannelPreconditionFailed,
    DeliveryError,
    PublishError,
    QueueEmpty,
)
from aiormq.exceptions import ChannelLockedResource
from aio_pika.patterns import RPC, Master
from aio_pika.pool import Pool

from check import AMQP_URL, WAIT_SECONDS_MAX, close_connection, equal, run

MANY = 10_000


async def soon(find, what):
    deadline = time.monotonic() + WAIT_SECONDS_MAX
    while not find():
        if time.monotonic() > deadline:
            raise AssertionError(f"{what} did not come within {WAIT_SECONDS_MAX} s")
        await asyncio.sleep(0.01)


async def raises(kind, awaitable):
    try:
        await awaitable
    except kind as error:
        return error
    raise AssertionError(f"no {kind}")


async def count(name):
    """Asked on a connection of its own: a robust channel remembers what its first declaration answered."""
    async with await aio_pika.connect(AMQP_URL) as connection:
        queue = await (await connection.channel()).declare_queue(name, passive=True)
        return queue.declaration_result.message_count


def scenario(run_it):
    """A scenario with a robust connection of its own, in a loop of its own."""

    async def connected():
        async with await aio_pika.connect_robust(AMQP_URL) as connection:
            await run_it(connection)

    def in_loop():
        asyncio.run(asyncio.wait_for(connected(), 2 * WAIT_SECONDS_MAX))

    in_loop.__doc__ = run_it.__doc__
    return in_loop


@scenario
async def confirms(connection):
    """confirms, mandatory returns, refusals of a full queue"""
    channel = await connection.channel()
    queue = await channel.declare_queue("confirmed", durable=True)
    confirmation = await channel.default_exchange.publish(Message(b"1", delivery_mode=DeliveryMode.PERSISTENT), "confirmed")
    equal(confirmation.name, "Basic.Ack")
    equal((await queue.get()).body, b"1")
    unroutable = await channel.default_exchange.publish(Message(b"lost"), "nobody")
    equal((unroutable.delivery.reply_code, unroutable.body), (312, b"lost"))
    strict = await connection.channel(on_return_raises=True)
    await raises((PublishError, DeliveryError), strict.default_exchange.publish(Message(b"lost"), "nobody"))
    await channel.declare_queue("full", arguments={"x-max-length": 1, "x-overflow": "reject-publish"})
    await channel.default_exchange.publish(Message(b"1"), "full")
    await raises(DeliveryError, channel.default_exchange.publish(Message(b"2"), "full"))
    heard = []
    channel.return_callbacks.add(lambda _, message: heard.append(message.body))
    await channel.default_exchange.publish(Message(b"heard"), "nobody")
    await soon(lambda: heard == [b"heard"], "the return")


@scenario
async def properties(connection):
    """every property, headers, an empty and a large body"""
    channel = await connection.channel()
    queue = await channel.declare_queue("properties")
    headers = {"text": "größe", "number": 7, "large": 2**40, "true": True, "none": None, "float": 0.5, "list": [1, "two"], "table": {"deep": {"er": 1}}}
    stamp = datetime(2020, 1, 2, 3, 4, 5, tzinfo=timezone.utc)
    for body in (b"", b"x" * 2_000_000):
        sent = Message(
            body, headers=headers, content_type="text/plain", content_encoding="utf-8", delivery_mode=2, priority=3,
            correlation_id="c", reply_to="r", expiration=60, message_id="m", timestamp=stamp, type="t", user_id="guest", app_id="a",
        )
        await channel.default_exchange.publish(sent, "properties")
        message = await queue.get()
        async with message.process():
            equal(message.body == body, True)
            equal(dict(message.headers), headers)
            equal((message.expiration, message.timestamp, message.priority, message.delivery_mode), (60, stamp, 3, 2))
            equal((message.correlation_id, message.reply_to, message.message_id, message.type), ("c", "r", "m", "t"))
            equal((message.user_id, message.app_id, message.content_type), ("guest", "a", "text/plain"))


@scenario
async def settling(connection):
    """prefetch, process() with requeue and reject, dead letters"""
    channel = await connection.channel()
    await channel.set_qos(prefetch_count=2)
    dead = await channel.declare_exchange("dead", ExchangeType.FANOUT)
    letters = await channel.declare_queue("letters")
    await letters.bind(dead)
    queue = await channel.declare_queue("work", arguments={"x-dead-letter-exchange": "dead", "x-message-ttl": 60_000})
    for i in range(5):
        await channel.default_exchange.publish(Message(b"%d" % i), "work")
    held = []
    tag = await queue.consume(held.append)
    await soon(lambda: len(held) == 2, "two messages")
    equal(await count("work"), 3)
    await held[1].ack(multiple=True)
    await soon(lambda: len(held) == 4, "two more")
    await queue.cancel(tag)
    await held[2].nack(requeue=True)
    await held[3].reject(requeue=True)
    found = []
    async with queue.iterator() as messages:
        async for message in messages:
            try:
                async with message.process(requeue=not message.redelivered and message.body == b"4"):
                    found.append((message.body, message.redelivered))
                    if message.body != b"2":
                        raise ValueError("broken")
            except ValueError:
                pass
            if len(found) == 4:
                break
    equal(found, [(b"2", True), (b"3", True), (b"4", False), (b"4", True)])
    died = [await letters.get(timeout=WAIT_SECONDS_MAX, fail=True), await letters.get(timeout=WAIT_SECONDS_MAX, fail=True)]
    equal([each.body for each in died], [b"3", b"4"])
    equal((died[0].headers["x-death"][0]["reason"], died[0].headers["x-death"][0]["queue"]), ("rejected", "work"))
    await raises(QueueEmpty, queue.get())
    equal(await queue.get(fail=False), None)


@scenario
async def routing(connection):
    """topic and headers exchanges, bindings between them, unbinding"""
    channel = await connection.channel()
    topic = await channel.declare_exchange("logs", ExchangeType.TOPIC, durable=True)
    some, every = await channel.declare_queue("some"), await channel.declare_queue("every")
    await some.bind(topic, "*.error")
    await every.bind(topic, "#")
    for key in ("db.error", "db.info", "error"):
        await topic.publish(Message(key.encode()), key)

    async def drain(queue):
        found = []
        while message := await queue.get(no_ack=True, fail=False):
            found.append(message.body)
        return found

    equal(await drain(some), [b"db.error"])
    equal(await drain(every), [b"db.error", b"db.info", b"error"])
    await some.unbind(topic, "*.error")
    headers = await channel.declare_exchange("by-header", ExchangeType.HEADERS)
    await some.bind(headers, arguments={"x-match": "all", "kind": "pdf"})
    front = await channel.declare_exchange("front", ExchangeType.FANOUT)
    await headers.bind(front)
    await front.publish(Message(b"yes", headers={"kind": "pdf"}), "")
    await front.publish(Message(b"no", headers={"kind": "txt"}), "", mandatory=False)
    equal(await drain(some), [b"yes"])
    equal((await every.purge()).message_count, 0)
    await topic.delete()


@scenario
async def rpc(connection):
    """the patterns RPC and Master, with a pool of channels"""
    channel = await connection.channel()
    server = await RPC.create(channel)

    async def double(*, x):
        return 2 * x

    async def broken():
        raise ValueError("broken")

    await server.register("double", double, auto_delete=True)
    await server.register("broken", broken, auto_delete=True)
    client = await RPC.create(await connection.channel())
    equal(await asyncio.gather(*(client.call("double", kwargs={"x": i}) for i in range(200))), [2 * i for i in range(200)])
    await raises(ValueError, client.call("broken"))
    done = []

    async def work(*, task_id):
        done.append(task_id)

    async def open_channel():
        return await connection.channel()

    master = Master(channel)
    worker = await master.create_worker("tasks", work, auto_delete=True)
    async with Pool(open_channel, max_size=3) as channels:
        async def submit(i):
            async with channels.acquire() as pooled:
                await Master(pooled).create_task("tasks", kwargs={"task_id": i})

        await asyncio.gather(*(submit(i) for i in range(100)))
        await soon(lambda: len(done) == 100, "100 tasks")
    equal(sorted(done), list(range(100)))
    await worker.close()


@scenario
async def direct_reply_to(connection):
    """RPC over direct reply-to"""
    channel = await connection.channel()
    queue = await channel.declare_queue("upper")

    async def serve(message):
        async with message.process():
            await channel.default_exchange.publish(Message(message.body.upper()), message.reply_to)

    await queue.consume(serve)
    replies = []
    asking = await connection.channel()
    reply_queue = await asking.get_queue("amq.rabbitmq.reply-to", ensure=False)
    await reply_queue.consume(lambda message: replies.append(message.body), no_ack=True)
    for text in (b"a", b"b"):
        await asking.default_exchange.publish(Message(text, reply_to="amq.rabbitmq.reply-to"), "upper")
    await soon(lambda: replies == [b"A", b"B"], "the replies")


@scenario
async def queues(connection):
    """exclusive queues, expiry, errors that close the channel"""
    channel = await connection.channel()
    await channel.declare_queue("mine", exclusive=True)
    other = await aio_pika.connect_robust(AMQP_URL)
    strange = await other.channel()
    await raises(ChannelLockedResource, strange.declare_queue("mine", passive=True))
    # A robust channel comes back by itself.
    await strange.reopen()
    await raises(ChannelNotFoundEntity, strange.declare_queue("nothing", passive=True))
    await other.close()
    await channel.declare_queue("ttl", arguments={"x-message-ttl": 30})
    await channel.default_exchange.publish(Message(b"short"), "ttl")
    await channel.declare_queue("own-ttl")
    await channel.default_exchange.publish(Message(b"short", expiration=0.03), "own-ttl")
    await asyncio.sleep(0.1)
    for name in ("ttl", "own-ttl"):
        equal(await count(name), 0)
    await raises(ChannelPreconditionFailed, channel.declare_queue("ttl", durable=True))


@scenario
async def consumers(connection):
    """priorities of consumers, cancellation by the deletion of the queue"""
    channel = await connection.channel()
    await channel.set_qos(prefetch_count=1)
    queue = await channel.declare_queue("preferred")
    by = []
    await queue.consume(lambda message: by.append("low"), arguments={"x-priority": -5})
    await queue.consume(lambda message: by.append("high"), arguments={"x-priority": 5})
    for _ in range(2):
        await channel.default_exchange.publish(Message(b""), "preferred")
    await soon(lambda: len(by) == 2, "two messages")
    equal(by, ["high", "low"])
    plain = await aio_pika.connect(AMQP_URL)
    waiting = await plain.channel()
    doomed = await waiting.declare_queue("doomed")
    cancelled = []
    (await waiting.get_underlay_channel()).on_consumer_cancel_callbacks.add(lambda frame: cancelled.append(frame.consumer_tag))
    tag = await doomed.consume(lambda message: None)
    await channel.queue_delete("doomed")
    await soon(lambda: cancelled == [tag], "the cancellation")
    await plain.close()


@scenario
async def transactions(connection):
    """transactions: commit, and rollback by an error"""
    channel = await connection.channel(publisher_confirms=False)
    await channel.declare_queue("tx")
    async with channel.transaction():
        await channel.default_exchange.publish(Message(b"kept"), "tx")
    try:
        async with channel.transaction():
            await channel.default_exchange.publish(Message(b"lost"), "tx")
            raise ValueError("no")
    except ValueError:
        pass
    equal(await count("tx"), 1)


@scenario
async def streams(connection):
    """streams with offsets"""
    channel = await connection.channel()
    await channel.set_qos(prefetch_count=50)
    queue = await channel.declare_queue("stream", durable=True, arguments={"x-queue-type": "stream"})
    for i in range(100):
        await channel.default_exchange.publish(Message(b"%d" % i), "stream")
    for offset, first in (("first", 0), (60, 60)):
        found = []

        async def note(message):
            found.append((message.headers["x-stream-offset"], int(message.body)))
            await message.ack()

        tag = await queue.consume(note, arguments={"x-stream-offset": offset})
        await soon(lambda: len(found) == 100 - first, "the stream")
        equal(found, [(i, i) for i in range(first, 100)])
        await queue.cancel(tag)


@scenario
async def many(connection):
    """10,000 messages, published with confirms and consumed"""
    channel = await connection.channel()
    await channel.set_qos(prefetch_count=1000)
    queue = await channel.declare_queue("many", durable=True)
    exchange = channel.default_exchange
    for start in range(0, MANY, 500):
        await asyncio.gather(
            *(exchange.publish(Message(b"%d" % i, delivery_mode=DeliveryMode.PERSISTENT), "many") for i in range(start, start + 500))
        )
    seen = 0
    async with queue.iterator() as messages:
        async for message in messages:
            equal(int(message.body), seen)
            await message.ack()
            seen += 1
            if seen == MANY:
                break


async def reconnecting():
    """a robust connection that an operator closes comes back with its exclusive queue, bindings and consumers"""
    connection = await aio_pika.connect_robust(AMQP_URL, client_properties={"connection_name": "robust"}, reconnect_interval=0.05)
    channel = await connection.channel()
    exchange = await channel.declare_exchange("robust", ExchangeType.FANOUT, auto_delete=True)
    queue = await channel.declare_queue("robust", exclusive=True)
    await queue.bind(exchange)
    heard, again = [], asyncio.Event()
    await queue.consume(lambda message: heard.append(message.body), no_ack=True)
    await exchange.publish(Message(b"before"), "")
    await soon(lambda: heard == [b"before"], "the first message")
    connection.reconnect_callbacks.add(lambda *_: again.set())
    await asyncio.to_thread(close_connection, "robust")
    await asyncio.wait_for(again.wait(), WAIT_SECONDS_MAX)
    await exchange.publish(Message(b"after"), "")
    await soon(lambda: heard == [b"before", b"after"], "the message after it")
    await connection.close()
    await raises(AMQPConnectionError, aio_pika.connect(AMQP_URL.replace("guest:guest", "guest:wrong")))


def reconnect():
    asyncio.run(asyncio.wait_for(reconnecting(), 2 * WAIT_SECONDS_MAX))


reconnect.__doc__ = reconnecting.__doc__
run([confirms, properties, settling, routing, rpc, direct_reply_to, queues, consumers, transactions, streams, many, reconnect])
