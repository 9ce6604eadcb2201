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
