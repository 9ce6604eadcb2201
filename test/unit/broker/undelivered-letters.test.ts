/** Dead letters that no queue takes wait on the disk by the name of their virtual host: what becomes of them when it is deleted. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { ExchangeStations } from "../../../src/broker/exchange/stations/exchange-stations.ts";
import { takeOnce } from "../../../src/broker/queue/delivery.ts";
import type { Queue } from "../../../src/broker/queue/queue.ts";
import type { Vhost } from "../../../src/broker/vhost.ts";
import { openBareBroker, publishTo } from "../../support/bare-broker.ts";

const common = { kind: "queue", durable: true, exclusiveOwner: 0, autoDelete: false } as const;

/** A queue whose messages are dead-lettered at once, to an exchange that is not there. */
function declareSource(vhost: Vhost): Queue {
  const args = {
    "x-queue-type": "quorum",
    "x-dead-letter-strategy": "at-least-once",
    "x-overflow": "reject-publish",
    "x-dead-letter-exchange": "letters",
    "x-message-ttl": 100,
  };
  return vhost.declareQueue({ ...common, name: "source", args });
}

function declareTarget(vhost: Vhost): Queue {
  const options = { durable: true, autoDelete: false, internal: false, args: {} };
  const exchange = vhost.declareExchange({ ...options, name: "letters", type: "fanout" });
  const target = vhost.declareQueue({ ...common, name: "target", args: {} });
  vhost.bindings.bind(exchange, target, "", {});
  return target;
}

for (const isDeleted of [false, true]) {
  const what = isDeleted ? "it is deleted and made again: they went with it" : "it stays: they come";
  test(`letters that wait in a virtual host, and ${what}`, async () => {
    const bare = await openBareBroker();
    const { broker, pass, turnsUntil } = bare;
    broker.stations = new ExchangeStations(broker);
    broker.addVhost("v");
    const vhost = broker.vhost("v")!;
    const source = declareSource(vhost);
    for (let i = 0; i < 3; i++) assert.ok(publishTo(source, `letter ${i}`));
    assert.equal(source.readyCount, 3);
    pass(200);
    source.catchUp();
    assert.equal(source.readyCount, 0);
    const letters = broker.vhost("\0undelivered/v")!.queues.get("source")!;
    letters.log.store.seal();
    assert.equal(letters.log.length, 3);
    if (isDeleted) {
      let isOver = false;
      void broker.vhostDeletions.delete(vhost).then(() => (isOver = true));
      await turnsUntil(() => isOver);
      pass(5000);
      await turnsUntil(() => broker.work.waitingCount === 0);
      assert.equal(letters.log.length, 0, "they are tried for ever");
      broker.addVhost("v");
    }
    const target = declareTarget(broker.vhost("v")!);
    for (let i = 0; i < 5; i++) {
      pass(2000);
      await turnsUntil(() => broker.work.waitingCount === 0);
    }
    target.catchUp();
    assert.equal(target.readyCount, isDeleted ? 0 : 3);
    await bare.close();
  });
}

test("a letter that leads back to its queue has the room that it has itself, though the queue is full of letters", async () => {
  const bare = await openBareBroker();
  const { broker, pass, turnsUntil } = bare;
  broker.stations = new ExchangeStations(broker);
  const args = {
    "x-queue-type": "quorum",
    "x-dead-letter-strategy": "at-least-once",
    "x-overflow": "reject-publish",
    "x-dead-letter-exchange": "letters",
    "x-max-length": 2,
  };
  const vhost = broker.defaultVhost;
  const source = vhost.declareQueue({ ...common, name: "source", args });
  for (let i = 0; i < 2; i++) {
    assert.ok(publishTo(source, `letter ${i}`));
    assert.equal(takeOnce(source, 1), "taken");
    assert.ok(broker.retention.discard(source, source.cursor!.record.offset, "rejected"));
  }
  assert.equal(source.lettersWaiting, 2);
  assert.ok(!publishTo(source, "one more"));
  const options = { durable: true, autoDelete: false, internal: false, args: {} };
  const exchange = vhost.declareExchange({ ...options, name: "letters", type: "fanout" });
  vhost.bindings.bind(exchange, source, "", {});
  for (let i = 0; i < 5; i++) {
    pass(2000);
    await turnsUntil(() => broker.work.waitingCount === 0);
  }
  source.catchUp();
  assert.equal(source.readyCount, 2);
  assert.equal(source.lettersWaiting, 0);
  await bare.close();
});

test("letters count for a bound on bytes, and go with their queue, also at a kill", async () => {
  let bare = await openBareBroker();
  const openStations = (): void => {
    bare.broker.stations = new ExchangeStations(bare.broker);
  };
  openStations();
  const args = {
    "x-queue-type": "quorum",
    "x-dead-letter-strategy": "at-least-once",
    "x-overflow": "reject-publish",
    "x-dead-letter-exchange": "letters",
    "x-max-length-bytes": 1000,
  };
  const fill = (): number => {
    const source = bare.broker.defaultVhost.declareQueue({ ...common, name: "source", args });
    let accepted = 0;
    while (accepted < 10 && publishTo(source, "x".repeat(100))) {
      accepted++;
      assert.equal(takeOnce(source, 1), "taken");
      assert.ok(bare.broker.retention.discard(source, source.cursor!.record.offset, "rejected"));
    }
    return accepted;
  };
  const accepted = fill();
  assert.ok(accepted > 0 && accepted < 10, `${accepted}`);
  for (const isKilled of [false, true]) {
    const { broker } = bare;
    const source = broker.defaultVhost.queue("source");
    assert.equal(source.lettersWaiting, accepted);
    assert.ok(source.letterBytesWaiting >= accepted * 100);
    broker.ticker.run();
    const written = broker.storage.pending;
    broker.storage.startSync();
    await bare.turnsUntil(() => broker.storage.durable >= written);
    broker.defaultVhost.deleteQueue(source);
    if (isKilled) {
      broker.ticker.run();
      bare.disk.crash("kill");
      bare = await openBareBroker(bare.disk);
      openStations();
    }
    assert.equal(bare.broker.vhost("\0undelivered//")?.queues.size ?? 0, 0);
    assert.equal(fill(), accepted);
  }
  await bare.close();
});
