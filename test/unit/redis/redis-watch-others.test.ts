/** WATCH of a stream that clients of other protocols, bounds and time change: EXEC runs nothing, whatever it was. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { RedisClient, type RedisReply } from "../../../sim/clients/redis-client.ts";
import { DurableRig } from "../../support/durable-rig.ts";

const changes: Readonly<Record<string, (rig: DurableRig) => unknown>> = {
  "records deleted by Kafka's DeleteRecords": (rig) =>
    rig.kafka("DeleteRecords", 2, {
      topics: [{ name: "s", partitions: [{ partitionIndex: 0, offset: 2 }] }],
      timeoutMs: 1000,
    }),
  "all records deleted by Kafka's DeleteRecords": (rig) =>
    rig.kafka("DeleteRecords", 2, {
      topics: [{ name: "s", partitions: [{ partitionIndex: 0, offset: -1 }] }],
      timeoutMs: 1000,
    }),
  "a topic that Kafka's DeleteTopics deletes": (rig) =>
    rig.kafka("DeleteTopics", 5, { topicNames: ["s"], timeoutMs: 1000 }),
  "a stream that AMQP deletes and declares again": ({ broker: { defaultVhost: vhost } }) => {
    const { kind, name, durable, exclusiveOwner, autoDelete, args } = vhost.queue("s");
    vhost.deleteQueue(vhost.queue("s"));
    vhost.declareQueue({ kind, name, durable, exclusiveOwner, autoDelete, args });
  },
  "an entry of another client": (rig) => rig.redis("XADD", "s", "*", "f", "v"),
  "an entry that another client deletes": (rig) => rig.redis("XDEL", "s", "2-1"),
  "an expiry whose time comes": (rig) => rig.redis("PEXPIRE", "s", -1),
};

for (const [what, change] of [["nothing", null], ...Object.entries(changes)] as const) {
  test(`a watched stream, and ${what}`, async () => {
    const rig = await DurableRig.open(1);
    for (let i = 1; i <= 3; i++) await rig.redis("XADD", "s", `${i}-1`, "f", "v");
    const client = new RedisClient(rig.connect("redis"));
    const ask = async (...words: string[]): Promise<RedisReply> => {
      let answer: RedisReply | undefined;
      client.call(words, (reply) => (answer = reply));
      await rig.until(() => answer !== undefined, words.join(" "));
      return answer!;
    };
    assert.equal(await ask("WATCH", "s"), "OK");
    await change?.(rig);
    await ask("MULTI");
    await ask("PING");
    assert.deepEqual(await ask("EXEC"), change === null ? ["PONG"] : null);
    // It has been told: the next transaction runs.
    await ask("MULTI");
    await ask("PING");
    assert.deepEqual(await ask("EXEC"), ["PONG"]);
  });
}
