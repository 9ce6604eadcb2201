/**
 * What waits for a virtual host in the broker's own virtual hosts (delayed messages, dead letters that no queue takes, recent messages)
 * goes with it: the next one of that name gets nothing of it, whenever a kill comes.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { ExchangeType } from "../../../src/broker/exchange/definition.ts";
import { AmqpRecordMessage } from "../../../src/broker/exchange/outgoing-message.ts";
import {
  factsOfProperties,
  propertiesOfParts,
} from "../../../src/broker/exchange/routing/message-headers.ts";
import { ExchangeStations } from "../../../src/broker/exchange/stations/exchange-stations.ts";
import { companionPrefixes } from "../../../src/broker/names.ts";
import type { Queue } from "../../../src/broker/queue/queue.ts";
import type { Vhost } from "../../../src/broker/vhost.ts";
import { shortText, uint } from "../../support/amqp-frames.ts";
import { type BareBroker, openBareBroker, publishTo } from "../../support/bare-broker.ts";

const queueOptions = { kind: "queue", durable: true, exclusiveOwner: 0, autoDelete: false } as const;
const delayMs = 6000;
const surely = {
  "x-queue-type": "quorum",
  "x-dead-letter-strategy": "at-least-once",
  "x-overflow": "reject-publish",
  "x-dead-letter-exchange": "letters",
  "x-message-ttl": 100,
};

async function openWithStations(disk?: BareBroker["disk"]): Promise<BareBroker> {
  const bare = await openBareBroker(disk);
  bare.broker.stations = new ExchangeStations(bare.broker);
  return bare;
}

function declareExchange(vhost: Vhost, name: string, type: ExchangeType): void {
  const args = type === "x-delayed-message" ? { "x-delayed-type": "direct" } : {};
  vhost.declareExchange({ name, type, durable: true, autoDelete: false, internal: false, args });
}

function publish(vhost: Vhost, name: string): void {
  const delay = Buffer.concat([shortText("x-delay"), Buffer.from("I"), uint(4, delayMs)]);
  const header = Buffer.concat([uint(8, 6), uint(2, 0x2000), uint(4, delay.length), delay]);
  const record = Buffer.concat([
    shortText(name),
    shortText("k"),
    uint(4, header.length),
    header,
    Buffer.from("secret"),
  ]);
  const message = new AmqpRecordMessage().show(record, 0, record.length);
  const properties = propertiesOfParts(message.asAmqp());
  const exchange = vhost.exchange(name);
  const facts = factsOfProperties(() => properties);
  vhost.publication.publish(exchange, vhost.routes.quick(exchange, ["k"], facts), message);
}

/** A delayed message, a dead letter and a recent message wait. */
function fill({ broker, pass }: BareBroker, sources = 1): void {
  broker.addVhost("v");
  const vhost = broker.vhost("v")!;
  declareExchange(vhost, "delayed", "x-delayed-message");
  declareExchange(vhost, "recent", "x-recent-history");
  declareExchange(vhost, "plain", "direct");
  const args = { "x-delay-allowed": true };
  const delaying = vhost.declareQueue({ ...queueOptions, name: "delaying", args });
  vhost.bindings.bind(vhost.exchange("plain"), delaying, "k", {});
  for (const name of ["delayed", "recent", "plain"]) publish(vhost, name);
  const all = Array.from({ length: sources }, (_, i) =>
    vhost.declareQueue({ ...queueOptions, name: `source ${i}`, args: surely }),
  );
  for (const source of all) assert.ok(publishTo(source, "letter"));
  pass(200);
  for (const source of all) source.catchUp();
  const { scheduled: _, ...prefixes } = companionPrefixes;
  for (const prefix of Object.values(prefixes)) {
    const { queues } = broker.vhost(`${prefix}v`)!;
    assert.equal(queues.size, prefix === companionPrefixes.undelivered ? sources : 1, prefix);
  }
}

/** What the exchanges of the same names bring to a new virtual host in the time in which everything would have come. */
async function gotByNext({ broker, pass, turnsUntil }: BareBroker): Promise<number> {
  assert.ok(broker.addVhost("v"));
  const vhost = broker.vhost("v")!;
  const got: Queue = vhost.declareQueue({ ...queueOptions, name: "got", args: {} });
  declareExchange(vhost, "delayed", "x-delayed-message");
  declareExchange(vhost, "recent", "x-recent-history");
  declareExchange(vhost, "letters", "fanout");
  for (const name of ["delayed", "recent", "letters"])
    vhost.bindings.bind(vhost.exchange(name), got, "k", {});
  for (let i = 0; i < 5; i++) {
    pass(delayMs);
    await turnsUntil(() => broker.work.waitingCount === 0);
  }
  got.catchUp();
  return got.readyCount;
}

function companions({ broker }: BareBroker): string[] {
  return [...broker.vhosts.keys()].filter((name) => name.startsWith("\0") && name.endsWith("/v"));
}

test("a virtual host is deleted and made again at once: nothing of the old one comes", async () => {
  const bare = await openWithStations();
  fill(bare);
  const { broker } = bare;
  void broker.vhostDeletions.delete(broker.vhost("v")!);
  assert.equal(await gotByNext(bare), 0);
  // Nor is anything left: what waits there now is the new one's.
  assert.deepEqual(companions(bare), []);
  assert.equal(broker.wallTimers.size, 0);
  await bare.close();
});

test("the same where a kill cuts the deletion short", async () => {
  const bare = await openWithStations();
  fill(bare, 600);
  const { broker } = bare;
  await bare.turnsUntil(() => broker.storage.durable >= broker.storage.pending);
  void broker.vhostDeletions.delete(broker.vhost("v")!);
  broker.ticker.run();
  assert.ok(companions(bare).length > 0, "it takes several turns");
  bare.disk.crash("kill");
  const again = await openWithStations(bare.disk);
  assert.equal(await gotByNext(again), 0);
  assert.deepEqual(companions(again), []);
  await again.close();
  const last = await openWithStations(bare.disk);
  assert.deepEqual([...last.broker.vhost("v")!.queues.keys()], ["got"]);
  assert.deepEqual(companions(last), []);
  await last.close();
});

test("a delayed exchange is deleted: its message is dropped, or goes by the bindings of the next one, as with the plugin", async () => {
  for (const isMadeAgain of [false, true]) {
    const bare = await openWithStations();
    const { broker, pass, turnsUntil } = bare;
    const vhost = broker.defaultVhost;
    const got = vhost.declareQueue({ ...queueOptions, name: "got", args: {} });
    declareExchange(vhost, "delayed", "x-delayed-message");
    vhost.bindings.bind(vhost.exchange("delayed"), got, "k", {});
    publish(vhost, "delayed");
    vhost.deleteExchange(vhost.exchange("delayed"));
    if (isMadeAgain) {
      declareExchange(vhost, "delayed", "x-delayed-message");
      vhost.bindings.bind(vhost.exchange("delayed"), got, "k", {});
    }
    pass(delayMs);
    await turnsUntil(() => broker.work.waitingCount === 0);
    got.catchUp();
    assert.equal(got.readyCount, isMadeAgain ? 1 : 0);
    await bare.close();
  }
});
