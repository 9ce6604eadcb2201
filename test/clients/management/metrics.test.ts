/** /metrics under the names that RabbitMQ's dashboards and the usual exporters have, whole, by object and by family. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import amqplib, { type Channel, type ChannelModel } from "amqplib";
import { startTestBroker, type TestBroker } from "../../support/broker.ts";
import { api } from "../../support/users.ts";

let broker: TestBroker;
let connection: ChannelModel;
let channel: Channel;

before(async () => {
  broker = await startTestBroker();
  await api(broker, "PUT", "vhosts/other", {});
  connection = await amqplib.connect(broker.amqpUrl);
  channel = await connection.createChannel();
  for (const name of ["m1", "m2"]) await channel.assertQueue(name);
  const confirms = await connection.createConfirmChannel();
  for (let i = 0; i < 5; i++) confirms.sendToQueue("m1", Buffer.from("m"));
  confirms.publish("", "nowhere", Buffer.from("m"));
  await confirms.waitForConfirms();
  await channel.get("m1");
});

after(async () => {
  await connection.close();
  await broker.stop();
});

async function page(path: string): Promise<string> {
  const answer = await fetch(`http://127.0.0.1:${broker.ports.http}${path}`);
  assert.equal(answer.status, 200);
  return answer.text();
}

function valueIn(text: string, series: string): number {
  const line = text.split("\n").find((each) => each.startsWith(`${series} `));
  assert.ok(line !== undefined, `${series} in ${text.slice(0, 2000)}`);
  return Number(line.slice(series.length));
}

test("sums, under RabbitMQ's names and those of the exporters of Redis and Kafka", async () => {
  const text = await page("/metrics");
  const expected: Record<string, number> = {
    rabbitmq_queues: 2,
    rabbitmq_connections: 1,
    rabbitmq_channels: 2,
    rabbitmq_consumers: 0,
    rabbitmq_queue_messages_ready: 4,
    rabbitmq_queue_messages_unacked: 1,
    rabbitmq_queue_messages: 5,
    rabbitmq_queue_messages_published_total: 5,
    rabbitmq_channel_messages_published_total: 6,
    rabbitmq_channel_messages_unroutable_dropped_total: 1,
    'rabbitmq_global_messages_received_total{protocol="amqp091"}': 6,
    'rabbitmq_global_messages_routed_total{protocol="amqp091"}': 5,
    rabbitmq_alarms_free_disk_space_watermark: 0,
    kafka_brokers: 1,
    redis_up: 1,
    'redis_db_keys{db="db0"}': 0,
  };
  for (const [series, value] of Object.entries(expected)) assert.equal(valueIn(text, series), value, series);
  const families = text.split("\n").filter((line) => line.startsWith("# TYPE "));
  assert.equal(new Set(families).size, families.length, "each family is there once");
});

test("a line for each queue and connection", async () => {
  const text = await page("/metrics/per-object");
  assert.equal(valueIn(text, 'rabbitmq_queue_messages_ready{vhost="/",queue="m1"}'), 4);
  assert.equal(valueIn(text, 'rabbitmq_queue_messages_ready{vhost="/",queue="m2"}'), 0);
  assert.match(text, /rabbitmq_connection_channels\{connection="127\.0\.0\.1:\d+ -> 127\.0\.0\.1:\d+"\} 2\n/);
});

test("only the families and virtual hosts that are asked for", async () => {
  const text = await page("/metrics/detailed?family=queue_coarse_metrics&family=vhost_status&vhost=%2F");
  assert.equal(valueIn(text, 'rabbitmq_detailed_queue_messages{vhost="/",queue="m1"}'), 5);
  assert.equal(valueIn(text, 'rabbitmq_cluster_vhost_status{vhost="/"}'), 1);
  assert.ok(!text.includes("queue_consumers") && !text.includes('vhost="other"'));
  const other = await page("/metrics/detailed?family=queue_coarse_metrics&vhost=other");
  assert.ok(!other.includes("m1"));
});

/**
 * What the published dashboard RabbitMQ-Overview (grafana.com 10991) asks for, as of RabbitMQ 3.10 and of 4.x together, but for the
 * histogram `message_size_bytes` of 4.1.
 */
const ofOverview: readonly string[] = [
  "build_info",
  "channel_consumers",
  "channels",
  "channels_closed_total",
  "channels_opened_total",
  "connections",
  "connections_closed_total",
  "connections_opened_total",
  "consumers",
  "disk_space_available_bytes",
  "disk_space_available_limit_bytes",
  "erlang_uptime_seconds",
  "global_consumers",
  "global_messages_acknowledged_total",
  "global_messages_confirmed_total",
  "global_messages_delivered_consume_auto_ack_total",
  "global_messages_delivered_consume_manual_ack_total",
  "global_messages_delivered_get_auto_ack_total",
  "global_messages_delivered_get_manual_ack_total",
  "global_messages_delivered_total",
  "global_messages_get_empty_total",
  "global_messages_received_confirm_total",
  "global_messages_received_total",
  "global_messages_redelivered_total",
  "global_messages_routed_total",
  "global_messages_unroutable_dropped_total",
  "global_messages_unroutable_returned_total",
  "global_publishers",
  "identity_info",
  "process_max_fds",
  "process_max_tcp_sockets",
  "process_open_fds",
  "process_open_tcp_sockets",
  "process_resident_memory_bytes",
  "queue_messages_ready",
  "queue_messages_unacked",
  "queues",
  "queues_created_total",
  "queues_declared_total",
  "queues_deleted_total",
  "resident_memory_limit_bytes",
];

test("the dashboard of RabbitMQ finds every name that it asks for, and the labels that it joins by", async () => {
  for (const [path, endpoint] of [
    ["/metrics", "aggregated"],
    ["/metrics/per-object", "per-object"],
  ] as const) {
    const text = await page(path);
    const names = new Set([...text.matchAll(/^(\w+)[{ ]/gm)].map(([, name]) => name!));
    assert.deepEqual(
      ofOverview.filter((name) => !names.has(`rabbitmq_${name}`)),
      [],
      path,
    );
    const identity = text.split("\n").find((line) => line.startsWith("rabbitmq_identity_info{"))!;
    assert.match(identity, /rabbitmq_node=".+",rabbitmq_cluster=".+"/);
    assert.ok(identity.includes(`rabbitmq_endpoint="${endpoint}"`), identity);
  }
});

test("global counters tell how messages came and went, and stay when a queue is deleted", async () => {
  const gone = await connection.createChannel();
  await gone.assertQueue("gone");
  gone.sendToQueue("gone", Buffer.from("m"));
  assert.ok(await gone.get("gone", { noAck: true }));
  assert.equal(await gone.get("gone"), false);
  const read = async (): Promise<Record<string, number>> => {
    const text = await page("/metrics");
    const names = [
      "received",
      "confirmed",
      "delivered_get_auto_ack",
      "delivered_get_manual_ack",
      "get_empty",
    ];
    return Object.fromEntries(
      names.map((name) => [
        name,
        valueIn(text, `rabbitmq_global_messages_${name}_total{protocol="amqp091"}`),
      ]),
    );
  };
  const expected = {
    received: 7,
    confirmed: 6,
    delivered_get_auto_ack: 1,
    delivered_get_manual_ack: 1,
    get_empty: 1,
  };
  const deletedBefore = valueIn(await page("/metrics"), "rabbitmq_queues_deleted_total");
  assert.deepEqual(await read(), expected);
  await gone.deleteQueue("gone");
  assert.deepEqual(await read(), expected);
  const text = await page("/metrics");
  assert.equal(valueIn(text, "rabbitmq_queues_deleted_total"), deletedBefore + 1);
  assert.equal(valueIn(text, "rabbitmq_channels_opened_total"), 3);
  assert.equal(valueIn(text, 'rabbitmq_global_publishers{protocol="amqp091"}'), 2);
});
