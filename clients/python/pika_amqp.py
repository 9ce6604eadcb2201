"""pika, as an application uses it: its blocking connection, and the adapters for select and asyncio."""

import asyncio
import datetime
import threading
import time
from decimal import Decimal

import pika
from pika.adapters.asyncio_connection import AsyncioConnection
from pika.exceptions import (
    ChannelClosedByBroker,
    ConnectionClosedByBroker,
    NackError,
    ProbableAccessDeniedError,
    ProbableAuthenticationError,
    UnroutableError,
)

from check import AMQP_URL, WAIT_SECONDS_MAX, close_connection, equal, run, until

MANY = 10_000


def parameters(name=None, **options):
    found = pika.URLParameters(AMQP_URL)
    if name is not None:
        found.client_properties = {"connection_name": name}
    for option, value in options.items():
        setattr(found, option, value)
    return found


def connect(name=None, **options):
    return pika.BlockingConnection(parameters(name, **options))


shared = connect()


def fresh(confirmed=False):
    """A channel of its own for a scenario."""
    channel = shared.channel()
    if confirmed:
        channel.confirm_delivery()
    return channel


def publish(channel, queue, *bodies, exchange="", **properties):
    for body in bodies:
        channel.basic_publish(exchange, queue, body, pika.BasicProperties(**properties))


def got(channel, queue):
    """The next message, which may be on its way."""

    def find():
        method, properties, body = channel.basic_get(queue)
        return method and (method, properties, body)

    return until(find, f"a message of {queue}")


def bodies(channel, queue, count):
    found = []
    for _ in range(count):
        method, _, body = got(channel, queue)
        channel.basic_ack(method.delivery_tag)
        found.append(body)
    equal(channel.basic_get(queue), (None, None, None))
    return found


def closed_by(call, *args, **kwargs):
    """The code and the beginning of the text by which the server closes the channel."""
    try:
        call(*args, **kwargs)
    except ChannelClosedByBroker as error:
        return error.reply_code, error.reply_text.split(" ")[0]
    raise AssertionError("the channel was not closed")


def confirms():
    """confirms, mandatory returns, refusals of a full queue"""
    channel = fresh(confirmed=True)
    channel.queue_declare("confirmed", durable=True)
    publish(channel, "confirmed", b"1", b"2", delivery_mode=2)
    channel.basic_publish("", "confirmed", b"3", mandatory=True)
    equal(bodies(channel, "confirmed", 3), [b"1", b"2", b"3"])
    try:
        channel.basic_publish("", "nobody", b"lost", pika.BasicProperties(message_id="m"), mandatory=True)
        raise AssertionError("nothing was returned")
    except UnroutableError as error:
        (message,) = error.messages
        equal((message.method.reply_code, message.method.reply_text), (312, "NO_ROUTE"))
        equal((message.method.routing_key, message.properties.message_id, message.body), ("nobody", "m", b"lost"))
    channel.queue_declare("full", arguments={"x-max-length": 1, "x-overflow": "reject-publish"})
    publish(channel, "full", b"fits")
    try:
        publish(channel, "full", b"too much")
        raise AssertionError("a full queue took a message")
    except NackError:
        pass
    equal(bodies(channel, "full", 1), [b"fits"])


def returns_without_confirms():
    """returns without confirms, by callback"""
    channel = fresh()
    returned = []
    channel.add_on_return_callback(lambda _, method, properties, body: returned.append((method.reply_code, body)))
    channel.basic_publish("amq.direct", "nobody", b"back", mandatory=True)
    until(lambda: shared.process_data_events(0.01) or returned, "the return")
    equal(returned, [(312, b"back")])


def properties():
    """every property and kind of header, an empty and a large body"""
    channel = fresh(confirmed=True)
    channel.queue_declare("properties")
    headers = {
        "text": "größe",
        "number": 7,
        "negative": -1,
        "large": 2**40,
        "true": True,
        "none": None,
        "decimal": Decimal("1.25"),
        "time": datetime.datetime(2020, 1, 2, 3, 4, 5, tzinfo=datetime.timezone.utc),
        "list": [1, "two", {"three": 3}],
        "table": {"nested": {"deep": [True]}},
    }
    sent = pika.BasicProperties(
        content_type="text/plain", content_encoding="utf-8", headers=headers, delivery_mode=2, priority=3,
        correlation_id="c", reply_to="r", expiration="60000", message_id="m", timestamp=1_600_000_000, type="t",
        user_id="guest", app_id="a", cluster_id="cl",
    )
    for body in (b"", b"x" * 2_000_000):
        channel.basic_publish("", "properties", body, sent)
        method, received, found = got(channel, "properties")
        channel.basic_ack(method.delivery_tag)
        equal(found == body, True)
        equal(received.headers, headers)
        equal({**vars(received), "headers": None}, {**vars(sent), "headers": None})
    equal(closed_by(lambda: publish(channel, "properties", b"", user_id="mallory")), (406, "PRECONDITION_FAILED"))


def prefetch():
    """prefetch, acknowledgement one by one and of many"""
    channel = fresh(confirmed=True)
    channel.queue_declare("prefetch")
    publish(channel, "prefetch", *[b"%d" % i for i in range(10)])
    channel.basic_qos(prefetch_count=3)
    tags = []
    channel.basic_consume("prefetch", lambda _, method, properties, body: tags.append(method.delivery_tag))
    until(lambda: shared.process_data_events(0.01) or len(tags) == 3, "three messages")
    shared.process_data_events(0.1)
    equal(tags, [1, 2, 3])
    equal(channel.queue_declare("prefetch", passive=True).method.message_count, 7)
    channel.basic_ack(1)
    until(lambda: shared.process_data_events(0.01) or len(tags) == 4, "one more")
    channel.basic_ack(4, multiple=True)
    until(lambda: shared.process_data_events(0.01) or len(tags) == 7, "three more")
    channel.basic_ack(0, multiple=True)
    until(lambda: shared.process_data_events(0.01) or len(tags) == 10, "the others")
    channel.close()
    # What was not acknowledged is there again.
    equal(fresh().queue_declare("prefetch", passive=True).method.message_count, 3)
    equal(closed_by(lambda c: (c.basic_ack(99), c.basic_qos(prefetch_count=1)), fresh()), (406, "PRECONDITION_FAILED"))


def requeue():
    """nack and reject with requeue, recover"""
    channel = fresh(confirmed=True)
    channel.queue_declare("requeue")
    publish(channel, "requeue", b"a", b"b")
    method, _, body = got(channel, "requeue")
    equal((method.redelivered, body, method.message_count), (False, b"a", 1))
    channel.basic_nack(method.delivery_tag, requeue=True)
    method, _, body = got(channel, "requeue")
    equal((method.redelivered, body), (True, b"a"))
    channel.basic_reject(method.delivery_tag, requeue=True)
    first, second = got(channel, "requeue"), got(channel, "requeue")
    equal([first[2], second[2]], [b"a", b"b"])
    channel.basic_nack(second[0].delivery_tag, multiple=True, requeue=True)
    got(channel, "requeue")
    channel.basic_recover(requeue=True)
    equal(bodies(channel, "requeue", 2), [b"a", b"b"])


def dead_letters():
    """dead letters: rejected, expired, dropped, delivered too often"""
    channel = fresh(confirmed=True)
    channel.exchange_declare("dead", "fanout")
    channel.queue_declare("dead-letters")
    channel.queue_bind("dead-letters", "dead")

    def died(queue, reason, body):
        method, properties, found = got(channel, "dead-letters")
        channel.basic_ack(method.delivery_tag)
        death = properties.headers["x-death"][0]
        equal((death["queue"], death["reason"], death["count"], found), (queue, reason, 1, body))
        equal((properties.headers["x-first-death-queue"], properties.headers["x-first-death-reason"]), (queue, reason))

    to_dead = {"x-dead-letter-exchange": "dead"}
    channel.queue_declare("rejecting", arguments=to_dead)
    publish(channel, "rejecting", b"no")
    channel.basic_reject(got(channel, "rejecting")[0].delivery_tag, requeue=False)
    died("rejecting", "rejected", b"no")
    channel.queue_declare("expiring", arguments={**to_dead, "x-message-ttl": 50})
    publish(channel, "expiring", b"late")
    died("expiring", "expired", b"late")
    channel.queue_declare("short", arguments={**to_dead, "x-max-length": 1})
    publish(channel, "short", b"old", b"new")
    died("short", "maxlen", b"old")
    channel.queue_declare("limited", durable=True, arguments={**to_dead, "x-queue-type": "quorum", "x-delivery-limit": 1})
    publish(channel, "limited", b"poison")
    for _ in range(2):
        channel.basic_nack(got(channel, "limited")[0].delivery_tag, requeue=True)
    died("limited", "delivery_limit", b"poison")


def rpc():
    """RPC over direct reply-to, and over an exclusive queue of replies"""

    def serve():
        connection = connect()
        channel = connection.channel()
        channel.queue_declare("double")
        served = 0
        for method, properties, body in channel.consume("double", inactivity_timeout=WAIT_SECONDS_MAX):
            reply = pika.BasicProperties(correlation_id=properties.correlation_id)
            channel.basic_publish("", properties.reply_to, b"%d" % (2 * int(body)), reply)
            channel.basic_ack(method.delivery_tag)
            served += 1
            if served == 200:
                break
        channel.cancel()
        connection.close()

    server = threading.Thread(target=serve)
    server.start()
    channel = fresh()
    channel.queue_declare("double")
    own = channel.queue_declare("", exclusive=True).method.queue
    for reply_to in ("amq.rabbitmq.reply-to", own):
        replies = {}
        channel.basic_consume(
            reply_to, lambda _, method, properties, body: replies.update({properties.correlation_id: int(body)}), auto_ack=True
        )
        for i in range(100):
            publish(channel, "double", b"%d" % i, reply_to=reply_to, correlation_id=str(i))
        until(lambda: shared.process_data_events(0.01) or len(replies) == 100, "the replies")
        equal(replies, {str(i): 2 * i for i in range(100)})
    server.join()


def exchanges():
    """direct, fanout, topic and headers exchanges, bindings between them, an alternate exchange"""
    channel = fresh(confirmed=True)
    for name in ("us", "eu", "all", "match", "rest"):
        channel.queue_declare(name)
    channel.exchange_declare("rest", "fanout")
    channel.queue_bind("rest", "rest")
    channel.exchange_declare("topic", "topic", durable=True, arguments={"alternate-exchange": "rest"})
    channel.queue_bind("us", "topic", "order.us.*")
    channel.queue_bind("eu", "topic", "#.eu")
    channel.queue_bind("all", "topic", "order.#")
    for key in ("order.us.1", "order.eu", "order", "news.eu", "nothing"):
        channel.basic_publish("topic", key, key)
    equal(bodies(channel, "us", 1), [b"order.us.1"])
    equal(bodies(channel, "eu", 2), [b"order.eu", b"news.eu"])
    equal(bodies(channel, "all", 3), [b"order.us.1", b"order.eu", b"order"])
    equal(bodies(channel, "rest", 1), [b"nothing"])
    channel.exchange_declare("headers", "headers")
    channel.queue_bind("match", "headers", arguments={"x-match": "all", "kind": "pdf", "pages": 3})
    channel.queue_bind("match", "headers", arguments={"x-match": "any", "urgent": True})
    for headers in ({"kind": "pdf", "pages": 3}, {"kind": "pdf"}, {"urgent": True}, {"urgent": False}):
        publish(channel, "", str(headers), exchange="headers", headers=headers)
    equal(bodies(channel, "match", 2), [b"{'kind': 'pdf', 'pages': 3}", b"{'urgent': True}"])
    channel.exchange_declare("front", "direct")
    channel.exchange_bind("topic", "front", "order.us.2")
    channel.basic_publish("front", "order.us.2", b"through")
    equal(bodies(channel, "us", 1), [b"through"])
    channel.exchange_unbind("topic", "front", "order.us.2")
    channel.basic_publish("front", "order.us.2", b"gone")
    equal(bodies(channel, "us", 0), [])
    equal(closed_by(channel.exchange_delete, "topic", if_unused=True), (406, "PRECONDITION_FAILED"))


def consumer_priorities():
    """priorities of consumers, an exclusive one, a single active one"""
    channel = fresh(confirmed=True)
    channel.queue_declare("preferred")
    channel.basic_qos(prefetch_count=2)
    by = []

    def note(name):
        return lambda _, method, properties, body: by.append(name)

    channel.basic_consume("preferred", note("low"), arguments={"x-priority": 1})
    channel.basic_consume("preferred", note("high"), arguments={"x-priority": 10})
    publish(channel, "preferred", b"1", b"2", b"3")
    until(lambda: shared.process_data_events(0.01) or len(by) == 3, "three messages")
    equal(by, ["high", "high", "low"])
    equal(closed_by(fresh().basic_consume, "preferred", note(""), exclusive=True), (403, "ACCESS_REFUSED"))
    channel.close()
    channel = fresh(confirmed=True)
    channel.queue_declare("single", arguments={"x-single-active-consumer": True})
    by.clear()
    first = channel.basic_consume("single", note("first"), auto_ack=True)
    channel.basic_consume("single", note("second"), auto_ack=True)
    publish(channel, "single", b"1", b"2")
    until(lambda: shared.process_data_events(0.01) or len(by) == 2, "two messages")
    channel.basic_cancel(first)
    publish(channel, "single", b"3")
    until(lambda: shared.process_data_events(0.01) or len(by) == 3, "the third message")
    equal(by, ["first", "first", "second"])


def cancel_notification():
    """a consumer hears of the deletion of its queue"""
    channel = fresh()
    channel.queue_declare("doomed")
    cancelled = []
    channel.add_on_cancel_callback(lambda frame: cancelled.append(frame.method.consumer_tag))
    tag = channel.basic_consume("doomed", lambda *_: None)
    equal(fresh().queue_delete("doomed").method.message_count, 0)
    until(lambda: shared.process_data_events(0.01) or cancelled, "the cancellation")
    equal(cancelled, [tag])
    channel.queue_declare("doomed")
    messages = channel.consume("doomed", inactivity_timeout=0.01)
    equal(next(messages), (None, None, None))
    fresh().queue_delete("doomed")
    equal(list(each for each in messages if each[0]), [])


def exclusive_queues():
    """exclusive, auto-delete and server-named queues"""
    owner = connect()
    channel = owner.channel()
    named = channel.queue_declare("", exclusive=True).method.queue
    equal(named[:8], "amq.gen-")
    channel.queue_declare("mine", exclusive=True)
    equal(closed_by(fresh().queue_declare, "mine", passive=True), (405, "RESOURCE_LOCKED"))
    equal(closed_by(fresh().basic_get, "mine"), (405, "RESOURCE_LOCKED"))
    owner.close()

    def gone():
        try:
            fresh().queue_declare("mine", passive=True)
        except ChannelClosedByBroker as error:
            return error.reply_code == 404

    until(gone, "the end of the exclusive queue")
    channel = fresh()
    channel.queue_declare("passing", auto_delete=True)
    channel.basic_cancel(channel.basic_consume("passing", lambda *_: None))
    equal(closed_by(channel.queue_declare, "passing", passive=True), (404, "NOT_FOUND"))


def expiry():
    """TTL of messages and of queues"""
    channel = fresh(confirmed=True)
    channel.queue_declare("ttl", arguments={"x-message-ttl": 60_000})
    publish(channel, "ttl", b"short", expiration="1")
    publish(channel, "ttl", b"long")
    until(lambda: channel.queue_declare("ttl", passive=True).method.message_count == 1, "the end of the short one")
    equal(bodies(channel, "ttl", 1), [b"long"])
    channel.queue_declare("idle", arguments={"x-expires": 100})
    time.sleep(0.2)

    def gone():
        try:
            fresh().queue_declare("idle", passive=True)
        except ChannelClosedByBroker as error:
            return error.reply_code == 404
        # Asking is a use of it.
        time.sleep(0.2)

    until(gone, "the end of the unused queue")


def transactions():
    """transactions: commit and rollback of publishes and acknowledgements"""
    channel = fresh()
    channel.queue_declare("tx")
    channel.tx_select()
    publish(channel, "tx", b"1", b"2")
    equal(fresh().queue_declare("tx", passive=True).method.message_count, 0)
    channel.tx_commit()
    publish(channel, "tx", b"lost")
    channel.tx_rollback()
    method, _, body = got(channel, "tx")
    channel.basic_ack(method.delivery_tag)
    channel.tx_commit()
    channel.close()
    equal(bodies(fresh(), "tx", 1), [b"2"])
    equal(closed_by(fresh(confirmed=True).tx_select), (406, "PRECONDITION_FAILED"))


def streams():
    """streams: offsets, reading again, without an effect on other readers"""
    channel = fresh(confirmed=True)
    channel.queue_declare("stream", durable=True, arguments={"x-queue-type": "stream", "x-max-length-bytes": 100_000_000})
    publish(channel, "stream", *[b"%d" % i for i in range(100)])

    def read(offset, count):
        """All of them: what pika has fetched and not handed out it nacks when a channel is closed, which streams refuse."""
        reader = fresh()
        reader.basic_qos(prefetch_count=10)
        found = []

        def note(_, method, properties, body):
            found.append((properties.headers["x-stream-offset"], int(body)))
            reader.basic_ack(method.delivery_tag)

        reader.basic_consume("stream", note, arguments={"x-stream-offset": offset})
        until(lambda: shared.process_data_events(0.01) or len(found) == count, f"{count} messages")
        reader.close()
        return found

    equal(read("first", 100), [(i, i) for i in range(100)])
    equal(read(90, 10), [(i, i) for i in range(90, 100)])
    equal(read(datetime.datetime(2020, 1, 1), 100), [(i, i) for i in range(100)])
    waiting = fresh()
    waiting.basic_qos(prefetch_count=10)
    found = []
    waiting.basic_consume("stream", lambda _, method, properties, body: found.append(body), arguments={"x-stream-offset": "next"})
    publish(channel, "stream", b"new")
    until(lambda: shared.process_data_events(0.01) or found, "what is new")
    equal(found, [b"new"])
    waiting.close()
    equal(closed_by(fresh().basic_consume, "stream", lambda *_: None), (406, "PRECONDITION_FAILED"))


def errors():
    """errors close the channel, and the connection goes on; wrong passwords and hosts are refused"""
    equal(closed_by(fresh().queue_declare, "nothing", passive=True), (404, "NOT_FOUND"))
    equal(closed_by(fresh().exchange_declare, "amq.direct", "fanout"), (406, "PRECONDITION_FAILED"))
    equal(closed_by(fresh().exchange_declare, "amq.mine", "fanout"), (403, "ACCESS_REFUSED"))
    equal(closed_by(fresh().queue_declare, "amq.mine"), (403, "ACCESS_REFUSED"))
    equal(closed_by(fresh().queue_declare, "bad", arguments={"x-message-ttl": -1}), (406, "PRECONDITION_FAILED"))
    equal(closed_by(fresh().queue_bind, "nothing", "amq.direct"), (404, "NOT_FOUND"))
    equal(closed_by(lambda c: (c.basic_publish("no", "", b""), c.queue_declare("")), fresh()), (404, "NOT_FOUND"))
    equal(shared.is_open, True)
    for wrong, kind, code in (
        ({"credentials": pika.PlainCredentials("guest", "wrong")}, ProbableAuthenticationError, "(403)"),
        ({"virtual_host": "nowhere"}, ProbableAccessDeniedError, "(530)"),
    ):
        try:
            connect(**wrong).close()
            raise AssertionError("it was let in")
        except kind as error:
            equal(code in str(error), True, str(error))


def threads():
    """work in a thread, acknowledged by add_callback_threadsafe; heartbeats meanwhile"""
    connection = connect(heartbeat=1)
    channel = connection.channel()
    channel.queue_declare("slow")
    channel.basic_qos(prefetch_count=1)
    publish(channel, "slow", b"1", b"2")
    done = []

    def work(tag, body):
        time.sleep(1.5)

        def finish():
            channel.basic_ack(tag)
            done.append(body)
            if len(done) == 2:
                channel.stop_consuming()

        connection.add_callback_threadsafe(finish)

    channel.basic_consume(
        "slow", lambda _, method, properties, body: threading.Thread(target=work, args=(method.delivery_tag, body)).start()
    )
    channel.start_consuming()
    equal(done, [b"1", b"2"])
    equal(channel.queue_declare("slow", passive=True).method.message_count, 0)
    connection.close()


def many():
    """10,000 messages published and consumed, acknowledged by the hundred"""
    channel = fresh()
    channel.queue_declare("many", durable=True)
    publish(channel, "many", *[b"%d" % i for i in range(MANY)], delivery_mode=2)
    channel.basic_qos(prefetch_count=500)
    seen = 0
    for method, _, body in channel.consume("many"):
        equal(int(body), seen)
        seen += 1
        if seen % 100 == 0:
            channel.basic_ack(method.delivery_tag, multiple=True)
        if seen == MANY:
            break
    channel.cancel()
    equal(channel.queue_declare("many", passive=True).method.message_count, 0)


def reconnect():
    """a connection that an operator closes, and the next one"""
    connection = connect("closed-by-operator")
    channel = connection.channel()
    channel.queue_declare("kept", durable=True)
    publish(channel, "kept", b"unsettled")
    got(channel, "kept")
    closing = threading.Thread(target=close_connection, args=("closed-by-operator",))
    closing.start()
    try:
        until(lambda: connection.process_data_events(0.01), "the end of the connection")
    except ConnectionClosedByBroker as error:
        equal((error.reply_code, error.reply_text[:17]), (320, "CONNECTION_FORCED"))
    closing.join()
    connection = connect("closed-by-operator")
    method, _, body = got(connection.channel(), "kept")
    equal((method.redelivered, body), (True, b"unsettled"))
    connection.close()


def select_adapter():
    """the select adapter: 10,000 publishes with asynchronous confirms"""
    state = {}
    unconfirmed = set(range(1, MANY + 1))

    def on_open(connection):
        connection.channel(on_open_callback=on_channel)

    def on_channel(channel):
        state["channel"] = channel
        channel.queue_declare("selected", durable=True, callback=on_queue)

    def on_queue(_):
        state["channel"].confirm_delivery(on_confirm, callback=on_confirming)

    def on_confirming(_):
        for i in range(MANY):
            publish(state["channel"], "selected", b"%d" % i, delivery_mode=2)

    def on_confirm(frame):
        equal(frame.method.NAME, "Basic.Ack")
        tag = frame.method.delivery_tag
        unconfirmed.difference_update(range(min(unconfirmed), tag + 1) if frame.method.multiple else [tag])
        if not unconfirmed:
            state["channel"].queue_purge("selected", callback=on_purged)

    def on_purged(frame):
        state["purged"] = frame.method.message_count
        connection.close()

    connection = pika.SelectConnection(
        parameters(), on_open_callback=on_open, on_close_callback=lambda connection, _: connection.ioloop.stop()
    )
    connection.ioloop.call_later(WAIT_SECONDS_MAX, connection.ioloop.stop)
    connection.ioloop.start()
    equal((len(unconfirmed), state.get("purged")), (0, MANY))


def asyncio_adapter():
    """the asyncio adapter: consuming with prefetch, an error that closes the channel"""

    async def main():
        loop = asyncio.get_running_loop()
        opened, ended, closed = loop.create_future(), loop.create_future(), loop.create_future()
        connection = AsyncioConnection(
            parameters(),
            on_open_callback=opened.set_result,
            on_open_error_callback=lambda _, error: opened.set_exception(error),
            on_close_callback=lambda _, reason: ended.set_result(reason),
        )
        await asyncio.wait_for(opened, WAIT_SECONDS_MAX)

        async def called(method, *args, name="callback", **kwargs):
            answer = loop.create_future()
            method(*args, **{name: answer.set_result}, **kwargs)
            return await asyncio.wait_for(answer, WAIT_SECONDS_MAX)

        channel = await called(connection.channel, name="on_open_callback")
        await called(channel.queue_declare, "looped")
        await called(channel.basic_qos, prefetch_count=20)
        found, whole = [], loop.create_future()

        def on_message(_, method, properties, body):
            found.append(int(body))
            channel.basic_ack(method.delivery_tag)
            if len(found) == 1000:
                whole.set_result(None)

        tag = channel.basic_consume("looped", on_message)
        for i in range(1000):
            publish(channel, "looped", b"%d" % i)
        await asyncio.wait_for(whole, WAIT_SECONDS_MAX)
        equal(found, list(range(1000)))
        await called(channel.basic_cancel, tag)
        channel.add_on_close_callback(lambda _, reason: closed.set_result(reason))
        channel.queue_declare("nothing", passive=True)
        reason = await asyncio.wait_for(closed, WAIT_SECONDS_MAX)
        equal((reason.reply_code, connection.is_open), (404, True))
        connection.close()
        equal((await asyncio.wait_for(ended, WAIT_SECONDS_MAX)).reply_code, 200)

    asyncio.run(main())


run(
    [
        confirms,
        returns_without_confirms,
        properties,
        prefetch,
        requeue,
        dead_letters,
        rpc,
        exchanges,
        consumer_priorities,
        cancel_notification,
        exclusive_queues,
        expiry,
        transactions,
        streams,
        errors,
        threads,
        many,
        reconnect,
        select_adapter,
        asyncio_adapter,
    ]
)
