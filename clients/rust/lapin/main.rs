//! lapin, as an application uses it.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use check::{fails, next, until, within};
use futures_lite::StreamExt;
use lapin::message::{BasicGetMessage, Delivery, DeliveryResult};
use lapin::options::*;
use lapin::types::{AMQPValue, DecimalValue, FieldArray, FieldTable};
use lapin::{BasicProperties, Channel, Confirmation, Connection, ConnectionProperties, Consumer, Event, ExchangeKind};
use tokio::sync::OnceCell;

const MANY: usize = 10_000;
/// 400 MB, in messages.
const FILLING: usize = 4_000;

static SHARED: OnceCell<Connection> = OnceCell::const_new();

async fn connect(name: &str) -> Connection {
    let properties = ConnectionProperties::default().with_connection_name(name.into());
    Connection::connect(&check::amqp_url(), properties).await.expect("a connection")
}

async fn fresh() -> Channel {
    SHARED.get_or_init(|| connect("shared")).await.create_channel().await.expect("a channel")
}

async fn confirmed() -> Channel {
    let channel = fresh().await;
    channel.confirm_select(ConfirmSelectOptions::default()).await.expect("confirm.select");
    channel
}

fn table<const N: usize>(fields: [(&str, AMQPValue); N]) -> FieldTable {
    let mut table = FieldTable::default();
    for (name, value) in fields {
        table.insert(name.into(), value);
    }
    table
}

fn text(value: &str) -> AMQPValue {
    AMQPValue::LongString(value.into())
}

fn int(value: i32) -> AMQPValue {
    AMQPValue::LongInt(value)
}

fn persistent() -> BasicProperties {
    BasicProperties::default().with_delivery_mode(2)
}

async fn declare(channel: &Channel, name: &str, arguments: FieldTable) {
    channel.queue_declare(name.into(), QueueDeclareOptions::durable(), arguments).await.expect("a queue");
}

async fn exchange(channel: &Channel, name: &str, kind: ExchangeKind, arguments: FieldTable) {
    let options = ExchangeDeclareOptions { durable: true, ..Default::default() };
    channel.exchange_declare(name.into(), kind, options, arguments).await.expect("an exchange");
}

async fn bind(channel: &Channel, queue: &str, exchange: &str, key: &str, arguments: FieldTable) {
    channel.queue_bind(queue.into(), exchange.into(), key.into(), QueueBindOptions::default(), arguments).await.expect("a binding");
}

/// Publishes, and waits for the confirm of a channel that has them.
async fn send(channel: &Channel, exchange: &str, key: &str, body: &[u8], properties: BasicProperties) -> Confirmation {
    let options = BasicPublishOptions { mandatory: true, ..Default::default() };
    let confirm = channel.basic_publish(exchange.into(), key.into(), options, body, properties).await.expect("basic.publish");
    within("the confirm", confirm).await.expect("a confirm")
}

async fn publish(channel: &Channel, exchange: &str, key: &str, bodies: &[&str]) {
    for body in bodies {
        assert!(send(channel, exchange, key, body.as_bytes(), persistent()).await.is_ack());
    }
}

async fn consume(channel: &Channel, queue: &str, tag: &str, arguments: FieldTable) -> Consumer {
    channel.basic_consume(queue.into(), tag.into(), BasicConsumeOptions::default(), arguments).await.expect("a consumer")
}

async fn delivered(consumer: &mut Consumer) -> Delivery {
    next("a message", consumer).await.expect("a delivery")
}

fn body(delivery: &Delivery) -> &str {
    std::str::from_utf8(&delivery.data).expect("text")
}

async fn got(channel: &Channel, queue: &str) -> BasicGetMessage {
    let mut found = None;
    until(&format!("a message of {queue}"), async || {
        found = channel.basic_get(queue.into(), BasicGetOptions::default()).await.expect("basic.get");
        found.is_some()
    })
    .await;
    found.expect("a message")
}

async fn bodies(channel: &Channel, queue: &str) -> Vec<String> {
    let mut found = Vec::new();
    while let Some(message) = channel.basic_get(queue.into(), BasicGetOptions { no_ack: true }).await.expect("basic.get") {
        found.push(body(&message).to_owned());
    }
    found
}

async fn passive(queue: &str) -> lapin::Result<lapin::Queue> {
    fresh().await.queue_declare(queue.into(), QueueDeclareOptions::default().passive(), FieldTable::default()).await
}

async fn count(queue: &str) -> u32 {
    passive(queue).await.expect("the queue").message_count()
}

async fn confirms() {
    let channel = confirmed().await;
    declare(&channel, "confirmed", FieldTable::default()).await;
    publish(&channel, "", "confirmed", &["1", "2"]).await;
    assert_eq!(bodies(&channel, "confirmed").await, ["1", "2"]);
    let Confirmation::Ack(Some(returned)) = send(&channel, "", "nobody", b"lost", persistent()).await else {
        panic!("no return");
    };
    assert_eq!((returned.reply_code, returned.reply_text.as_str(), body(&returned)), (312, "NO_ROUTE", "lost"));
    declare(&channel, "full", table([("x-max-length", int(1)), ("x-overflow", text("reject-publish"))])).await;
    publish(&channel, "", "full", &["fits"]).await;
    assert!(send(&channel, "", "full", b"too much", persistent()).await.is_nack());
    assert_eq!(bodies(&channel, "full").await, ["fits"]);
}

async fn properties() {
    let channel = confirmed().await;
    declare(&channel, "properties", FieldTable::default()).await;
    let mut list = FieldArray::default();
    list.push(int(1));
    list.push(AMQPValue::FieldTable(table([("deep", AMQPValue::Boolean(true))])));
    let headers = table([
        ("bool", AMQPValue::Boolean(true)),
        ("i8", AMQPValue::ShortShortInt(-7)),
        ("u8", AMQPValue::ShortShortUInt(200)),
        ("i16", AMQPValue::ShortInt(-300)),
        ("u16", AMQPValue::ShortUInt(60_000)),
        ("i32", int(70_000)),
        ("u32", AMQPValue::LongUInt(4_000_000_000)),
        ("i64", AMQPValue::LongLongInt(1 << 40)),
        ("f32", AMQPValue::Float(0.5)),
        ("f64", AMQPValue::Double(0.25)),
        ("decimal", AMQPValue::DecimalValue(DecimalValue { scale: 2, value: 125 })),
        ("text", text("größe")),
        ("time", AMQPValue::Timestamp(1_600_000_000)),
        ("bytes", AMQPValue::ByteArray(vec![0, 255].into())),
        ("void", AMQPValue::Void),
        ("list", AMQPValue::FieldArray(list)),
    ]);
    let sent = BasicProperties::default()
        .with_headers(headers)
        .with_content_type("text/plain".into())
        .with_content_encoding("utf-8".into())
        .with_delivery_mode(2)
        .with_priority(3)
        .with_correlation_id("c".into())
        .with_reply_to("r".into())
        .with_expiration("60000".into())
        .with_message_id("m".into())
        .with_timestamp(1_600_000_000)
        .with_type("t".into())
        .with_user_id("guest".into())
        .with_app_id("a".into());
    for size in [0, 2_000_000] {
        assert!(send(&channel, "", "properties", &vec![7; size], sent.clone()).await.is_ack());
        let found = got(&channel, "properties").await;
        found.ack(BasicAckOptions::default()).await.expect("ack");
        assert_eq!(found.properties, sent);
        assert_eq!(found.data.len(), size);
    }
}

async fn prefetch() {
    let channel = confirmed().await;
    declare(&channel, "prefetch", FieldTable::default()).await;
    publish(&channel, "", "prefetch", &["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"]).await;
    channel.basic_qos(3, BasicQosOptions::default()).await.expect("basic.qos");
    let mut consumer = consume(&channel, "prefetch", "me", FieldTable::default()).await;
    let (_first, second, third) = (delivered(&mut consumer).await, delivered(&mut consumer).await, delivered(&mut consumer).await);
    assert_eq!(count("prefetch").await, 7);
    second.ack(BasicAckOptions { multiple: true }).await.expect("ack");
    delivered(&mut consumer).await;
    delivered(&mut consumer).await;
    third.nack(BasicNackOptions { requeue: true, ..Default::default() }).await.expect("nack");
    let again = delivered(&mut consumer).await;
    assert_eq!((body(&again), again.redelivered), ("2", true));
    again.reject(BasicRejectOptions { requeue: false }).await.expect("reject");
    delivered(&mut consumer).await;
    channel.basic_cancel("me".into(), BasicCancelOptions::default()).await.expect("basic.cancel");
    channel.close(200, "OK".into()).await.expect("channel.close");
    until("what is there again", async || count("prefetch").await == 7).await;
}

async fn died(channel: &Channel, queue: &str, reason: &str) {
    let letter = got(channel, "letters").await;
    letter.ack(BasicAckOptions::default()).await.expect("ack");
    let headers = letter.properties.headers().clone().expect("headers");
    let Some(AMQPValue::FieldArray(deaths)) = headers.inner().get("x-death") else {
        panic!("no x-death: {headers:?}");
    };
    let AMQPValue::FieldTable(death) = &deaths.as_slice()[0] else {
        panic!("no table: {deaths:?}");
    };
    assert_eq!(death.inner().get("queue"), Some(&text(queue)));
    assert_eq!(death.inner().get("reason"), Some(&text(reason)));
    assert_eq!(death.inner().get("count"), Some(&AMQPValue::LongLongInt(1)));
}

async fn dead_letters() {
    let channel = confirmed().await;
    exchange(&channel, "dead", ExchangeKind::Fanout, FieldTable::default()).await;
    declare(&channel, "letters", FieldTable::default()).await;
    bind(&channel, "letters", "dead", "", FieldTable::default()).await;
    let dead = || ("x-dead-letter-exchange", text("dead"));
    declare(&channel, "rejecting", table([dead()])).await;
    publish(&channel, "", "rejecting", &["no"]).await;
    got(&channel, "rejecting").await.reject(BasicRejectOptions { requeue: false }).await.expect("reject");
    died(&channel, "rejecting", "rejected").await;
    declare(&channel, "expiring", table([dead(), ("x-message-ttl", int(60_000))])).await;
    send(&channel, "", "expiring", b"late", persistent().with_expiration("20".into())).await;
    died(&channel, "expiring", "expired").await;
    declare(&channel, "short", table([dead(), ("x-max-length", int(1))])).await;
    publish(&channel, "", "short", &["old", "new"]).await;
    died(&channel, "short", "maxlen").await;
    declare(&channel, "poisoned", table([dead(), ("x-queue-type", text("quorum")), ("x-delivery-limit", int(1))])).await;
    publish(&channel, "", "poisoned", &["poison"]).await;
    for _ in 0..2 {
        got(&channel, "poisoned").await.nack(BasicNackOptions { requeue: true, ..Default::default() }).await.expect("nack");
    }
    died(&channel, "poisoned", "delivery_limit").await;
}

async fn rpc() {
    let (server, client) = (fresh().await, fresh().await);
    declare(&server, "upper", FieldTable::default()).await;
    let asked = consume(&server, "upper", "", FieldTable::default()).await;
    let answering = server.clone();
    asked.set_delegate(move |delivery: DeliveryResult| {
        let answering = answering.clone();
        async move {
            let Ok(Some(question)) = delivery else { return };
            let answer = body(&question).to_uppercase();
            let reply_to = question.properties.reply_to().clone().expect("reply-to");
            let correlation = question.properties.correlation_id().clone().expect("a correlation id");
            let properties = BasicProperties::default().with_correlation_id(correlation);
            answering.basic_publish("".into(), reply_to, BasicPublishOptions::default(), answer.as_bytes(), properties).await.expect("an answer");
            question.ack(BasicAckOptions::default()).await.expect("ack");
        }
    });
    let options = BasicConsumeOptions { no_ack: true, ..Default::default() };
    let mut replies = client.basic_consume("amq.rabbitmq.reply-to".into(), "".into(), options, FieldTable::default()).await.expect("a consumer");
    for i in 0..200 {
        let properties = BasicProperties::default().with_reply_to("amq.rabbitmq.reply-to".into()).with_correlation_id(i.to_string().into());
        send(&client, "", "upper", format!("a{i}").as_bytes(), properties).await;
    }
    // A delegate's futures run side by side, so the answers come in any order.
    let mut answered = HashSet::new();
    for _ in 0..200 {
        let reply = delivered(&mut replies).await;
        let correlation = reply.properties.correlation_id().clone().expect("a correlation id");
        assert_eq!(body(&reply), format!("A{}", correlation.as_str()));
        answered.insert(correlation.as_str().to_owned());
    }
    assert_eq!(answered.len(), 200);
    client.close(200, "OK".into()).await.expect("channel.close");
    server.close(200, "OK".into()).await.expect("channel.close");
}

async fn exchanges() {
    let channel = confirmed().await;
    exchange(&channel, "rest", ExchangeKind::Fanout, FieldTable::default()).await;
    exchange(&channel, "topic", ExchangeKind::Topic, table([("alternate-exchange", text("rest"))])).await;
    exchange(&channel, "headers", ExchangeKind::Headers, FieldTable::default()).await;
    for queue in ["stars", "hashes", "rest", "match"] {
        declare(&channel, queue, FieldTable::default()).await;
    }
    bind(&channel, "stars", "topic", "a.*.c", FieldTable::default()).await;
    bind(&channel, "hashes", "topic", "a.#", FieldTable::default()).await;
    bind(&channel, "rest", "rest", "", FieldTable::default()).await;
    bind(&channel, "match", "headers", "", table([("x-match", text("all")), ("kind", text("pdf")), ("pages", int(3))])).await;
    for key in ["a.b.c", "a", "b"] {
        publish(&channel, "topic", key, &[key]).await;
    }
    assert_eq!(bodies(&channel, "stars").await, ["a.b.c"]);
    assert_eq!(bodies(&channel, "hashes").await, ["a.b.c", "a"]);
    assert_eq!(bodies(&channel, "rest").await, ["b"]);
    channel.exchange_bind("headers".into(), "topic".into(), "h.#".into(), ExchangeBindOptions::default(), FieldTable::default()).await.expect("exchange.bind");
    for pages in [3, 4] {
        let properties = BasicProperties::default().with_headers(table([("kind", text("pdf")), ("pages", int(pages))]));
        assert!(send(&channel, "topic", "h.1", pages.to_string().as_bytes(), properties).await.is_ack());
    }
    assert_eq!(bodies(&channel, "match").await, ["3"]);
    channel
        .exchange_unbind("headers".into(), "topic".into(), "h.#".into(), ExchangeUnbindOptions::default(), FieldTable::default())
        .await
        .expect("exchange.unbind");
    channel.exchange_delete("topic".into(), ExchangeDeleteOptions::default()).await.expect("exchange.delete");
}

async fn consumers() {
    let channel = confirmed().await;
    channel.basic_qos(1, BasicQosOptions::default()).await.expect("basic.qos");
    declare(&channel, "preferred", FieldTable::default()).await;
    let mut low = consume(&channel, "preferred", "low", table([("x-priority", int(1))])).await;
    let mut high = consume(&channel, "preferred", "high", table([("x-priority", int(9))])).await;
    publish(&channel, "", "preferred", &["1", "2"]).await;
    assert_eq!(body(&delivered(&mut high).await), "1");
    assert_eq!(body(&delivered(&mut low).await), "2");
    fresh().await.queue_delete("preferred".into(), QueueDeleteOptions::default()).await.expect("queue.delete");
    // Both are told, and so end.
    for mut consumer in [low, high] {
        assert!(within("the cancellation", consumer.next()).await.is_none());
    }
    declare(&channel, "single", table([("x-single-active-consumer", AMQPValue::Boolean(true))])).await;
    let mut first = consume(&channel, "single", "first", FieldTable::default()).await;
    let mut second = consume(&channel, "single", "second", FieldTable::default()).await;
    publish(&channel, "", "single", &["a", "b"]).await;
    let held = delivered(&mut first).await;
    held.ack(BasicAckOptions::default()).await.expect("ack");
    assert_eq!(body(&delivered(&mut first).await), "b");
    channel.basic_cancel("first".into(), BasicCancelOptions::default()).await.expect("basic.cancel");
    publish(&channel, "", "single", &["c"]).await;
    assert_eq!(body(&delivered(&mut second).await), "c");
}

async fn queues() {
    let owner = connect("owner").await;
    let channel = owner.create_channel().await.expect("a channel");
    let named = channel.queue_declare("".into(), QueueDeclareOptions::exclusive(), FieldTable::default()).await.expect("a queue").name().clone();
    fails(passive(named.as_str()).await, "RESOURCE_LOCKED");
    owner.close(200, "OK".into()).await.expect("connection.close");
    until("the end of the exclusive queue", async || matches!(passive(named.as_str()).await, Err(error) if error.to_string().contains("NOT_FOUND"))).await;
    let channel = confirmed().await;
    channel.queue_declare("auto".into(), QueueDeclareOptions::default().auto_delete(), FieldTable::default()).await.expect("a queue");
    let _kept = consume(&channel, "auto", "only", FieldTable::default()).await;
    assert_eq!(passive("auto").await.expect("the queue").consumer_count(), 1);
    channel.basic_cancel("only".into(), BasicCancelOptions::default()).await.expect("basic.cancel");
    fails(passive("auto").await, "no queue 'auto'");
    declare(&channel, "emptied", FieldTable::default()).await;
    publish(&channel, "", "emptied", &["a", "b", "c"]).await;
    let if_empty = QueueDeleteOptions { if_empty: true, ..Default::default() };
    fails(fresh().await.queue_delete("emptied".into(), if_empty).await, "not empty");
    assert_eq!(channel.queue_purge("emptied".into(), QueuePurgeOptions::default()).await.expect("queue.purge"), 3);
    assert_eq!(channel.queue_delete("emptied".into(), if_empty).await.expect("queue.delete"), 0);
    declare(&channel, "urgent", table([("x-max-priority", int(5))])).await;
    for priority in [0, 5, 2] {
        send(&channel, "", "urgent", priority.to_string().as_bytes(), persistent().with_priority(priority)).await;
    }
    assert_eq!(bodies(&channel, "urgent").await, ["5", "2", "0"]);
}

async fn errors() {
    declare(&fresh().await, "same", FieldTable::default()).await;
    let refused = fresh().await.queue_declare("same".into(), QueueDeclareOptions::durable(), table([("x-max-length", int(1))])).await;
    fails(refused, "inequivalent arg 'x-max-length'");
    let unbound = fresh().await.queue_bind("same".into(), "nothing".into(), "".into(), QueueBindOptions::default(), FieldTable::default()).await;
    fails(unbound, "no exchange 'nothing'");
    let closed = fresh().await;
    closed.basic_ack(99, BasicAckOptions::default()).await.expect("an ack that is sent");
    until("the end of the channel", async || !closed.status().connected()).await;
    let wrong = check::amqp_url().replace("guest:guest", "guest:wrong");
    fails(Connection::connect(&wrong, ConnectionProperties::default()).await, "ACCESS_REFUSED");
    let nowhere = check::amqp_url().replace("%2f", "nowhere");
    fails(Connection::connect(&nowhere, ConnectionProperties::default()).await, "vhost nowhere not found");
}

async fn transactions() {
    let channel = fresh().await;
    declare(&channel, "tx", FieldTable::default()).await;
    channel.tx_select().await.expect("tx.select");
    send(&channel, "", "tx", b"kept", persistent()).await;
    assert_eq!(count("tx").await, 0);
    channel.tx_commit().await.expect("tx.commit");
    send(&channel, "", "tx", b"lost", persistent()).await;
    channel.tx_rollback().await.expect("tx.rollback");
    assert_eq!(count("tx").await, 1);
    got(&channel, "tx").await.ack(BasicAckOptions::default()).await.expect("ack");
    channel.tx_commit().await.expect("tx.commit");
    channel.close(200, "OK".into()).await.expect("channel.close");
    assert_eq!(count("tx").await, 0);
}

async fn streams() {
    let channel = confirmed().await;
    declare(&channel, "stream", table([("x-queue-type", text("stream"))])).await;
    for i in 0..100 {
        publish(&channel, "", "stream", &[&i.to_string()]).await;
    }
    for (offset, first) in [(text("first"), 0), (AMQPValue::LongLongInt(60), 60), (AMQPValue::Timestamp(1_500_000_000), 0)] {
        let reader = fresh().await;
        reader.basic_qos(20, BasicQosOptions::default()).await.expect("basic.qos");
        let mut records = consume(&reader, "stream", "", table([("x-stream-offset", offset)])).await;
        for i in first..100 {
            let record = delivered(&mut records).await;
            let headers = record.properties.headers().clone().expect("headers");
            assert_eq!((headers.inner().get("x-stream-offset"), body(&record)), (Some(&AMQPValue::LongLongInt(i)), i.to_string().as_str()));
            record.ack(BasicAckOptions::default()).await.expect("ack");
        }
        reader.close(200, "OK".into()).await.expect("channel.close");
    }
}

async fn secret() {
    let connection = connect("with a secret").await;
    connection.update_secret("guest".into(), "a token that is renewed".into()).await.expect("update-secret");
    let channel = connection.create_channel().await.expect("a channel");
    declare(&channel, "after-secret", FieldTable::default()).await;
    connection.close(200, "OK".into()).await.expect("connection.close");
}

async fn many() {
    let (publisher, consumer) = (confirmed().await, fresh().await);
    declare(&publisher, "many", FieldTable::default()).await;
    let publishing = tokio::spawn(async move {
        let mut confirms = Vec::with_capacity(MANY);
        for i in 0..MANY {
            let confirm = publisher.basic_publish("".into(), "many".into(), BasicPublishOptions::default(), i.to_string().as_bytes(), persistent()).await;
            confirms.push(confirm.expect("basic.publish"));
        }
        for confirm in confirms {
            assert!(within("the confirm", confirm).await.expect("a confirm").is_ack());
        }
    });
    consumer.basic_qos(500, BasicQosOptions::default()).await.expect("basic.qos");
    let mut deliveries = consume(&consumer, "many", "", FieldTable::default()).await;
    for i in 0..MANY {
        let delivery = delivered(&mut deliveries).await;
        assert_eq!(body(&delivery), i.to_string());
        if i % 100 == 99 {
            delivery.ack(BasicAckOptions { multiple: true }).await.expect("ack");
        }
    }
    publishing.await.expect("all confirms");
    consumer.close(200, "OK".into()).await.expect("channel.close");
    assert_eq!(count("many").await, 0);
}

/// More than the server may hold in memory is published, so that it stops publishers, until a consumer takes what there is.
async fn blocked() {
    let connection = connect("publisher").await;
    let mut events = connection.events_listener();
    let channel = connection.create_channel().await.expect("a channel");
    let transient = QueueDeclareOptions::default();
    channel.queue_declare("filled".into(), transient, FieldTable::default()).await.expect("a queue");
    let published = Arc::new(AtomicUsize::new(0));
    let is_told = Arc::new(AtomicBool::new(false));
    let publishing = tokio::spawn({
        let (published, is_told) = (published.clone(), is_told.clone());
        async move {
            while !is_told.load(Ordering::Relaxed) && published.load(Ordering::Relaxed) < FILLING {
                let properties = BasicProperties::default();
                channel.basic_publish("".into(), "filled".into(), BasicPublishOptions::default(), &[0; 100_000], properties).await.expect("basic.publish");
                published.fetch_add(1, Ordering::Relaxed);
            }
            channel
        }
    });
    loop {
        if let Event::ConnectionBlocked(reason) = next("connection.blocked", &mut events).await {
            assert_eq!(reason, "low on memory");
            break;
        }
    }
    is_told.store(true, Ordering::Relaxed);
    let consuming = connect("consumer").await;
    let reader = consuming.create_channel().await.expect("a channel");
    let options = BasicConsumeOptions { no_ack: true, ..Default::default() };
    let mut consumer = reader.basic_consume("filled".into(), "".into(), options, FieldTable::default()).await.expect("a consumer");
    let mut seen = 0;
    let channel = within("the end of publishing", async {
        while !publishing.is_finished() {
            delivered(&mut consumer).await;
            seen += 1;
        }
        publishing.await.expect("all published")
    })
    .await;
    while seen < published.load(Ordering::Relaxed) {
        delivered(&mut consumer).await;
        seen += 1;
    }
    while !matches!(next("connection.unblocked", &mut events).await, Event::ConnectionUnblocked) {}
    channel.close(200, "OK".into()).await.expect("channel.close");
    connection.close(200, "OK".into()).await.expect("connection.close");
}

async fn recovery() {
    let properties = ConnectionProperties::default()
        .with_connection_name("closed-by-operator".into())
        .enable_auto_recover()
        .configure_backoff(|backoff| backoff.with_min_delay(Duration::from_millis(10)).with_max_delay(Duration::from_millis(100)).with_max_times(600));
    let connection = Connection::connect(&check::amqp_url(), properties).await.expect("a connection");
    let channel = connection.create_channel().await.expect("a channel");
    channel
        .exchange_declare("recovered".into(), ExchangeKind::Fanout, ExchangeDeclareOptions { auto_delete: true, ..Default::default() }, FieldTable::default())
        .await
        .expect("an exchange");
    channel.queue_declare("mine".into(), QueueDeclareOptions::exclusive(), FieldTable::default()).await.expect("a queue");
    bind(&channel, "mine", "recovered", "", FieldTable::default()).await;
    let mut consumer = consume(&channel, "mine", "", FieldTable::default()).await;
    let heard = Arc::new(Mutex::new(Vec::new()));
    let hearing = heard.clone();
    tokio::spawn(async move {
        while let Some(result) = consumer.next().await {
            // An error tells that the connection is lost; the consumer goes on when it is there again.
            let Ok(delivery) = result else { continue };
            hearing.lock().expect("the list").push(body(&delivery).to_owned());
            let _ = delivery.ack(BasicAckOptions::default()).await;
        }
    });
    send(&channel, "recovered", "", b"before", persistent()).await;
    until("the first message", async || *heard.lock().expect("the list") == ["before"]).await;
    check::close_connection("closed-by-operator").await;
    // What is published meanwhile may be lost: until one arrives.
    until("the next message", async || {
        let options = BasicPublishOptions::default();
        match channel.basic_publish("recovered".into(), "".into(), options, b"after", persistent()).await {
            Ok(_) => tokio::time::sleep(Duration::from_millis(50)).await,
            Err(error) => within("the recovery", channel.wait_for_recovery(error)).await.expect("a recovery"),
        }
        heard.lock().expect("the list").iter().any(|each| each == "after")
    })
    .await;
    connection.close(200, "OK".into()).await.expect("connection.close");
}

#[tokio::main]
async fn main() {
    check::scenario("confirms, mandatory returns, refusals of a full queue", confirms()).await;
    check::scenario("every property and kind of header, an empty and a large body", properties()).await;
    check::scenario("prefetch, acknowledgement of many, nack with requeue", prefetch()).await;
    check::scenario("dead letters: rejected, expired, dropped, delivered too often", dead_letters()).await;
    check::scenario("RPC over direct reply-to, with a delegate", rpc()).await;
    check::scenario("topic, headers and alternate exchanges, bindings between them", exchanges()).await;
    check::scenario("priorities of consumers, cancellation by the server, a single active consumer", consumers()).await;
    check::scenario("exclusive and passing queues, purge, conditional deletion, priorities", queues()).await;
    check::scenario("errors, refused logins", errors()).await;
    check::scenario("transactions", transactions()).await;
    check::scenario("streams with offsets", streams()).await;
    check::scenario("a renewed secret", secret()).await;
    check::scenario("10,000 messages with confirms, consumed meanwhile", many()).await;
    check::scenario("automatic recovery of a connection that an operator closes, with its topology", recovery()).await;
    check::scenario("publishers that are blocked, and unblocked", blocked()).await;
    check::end();
}
