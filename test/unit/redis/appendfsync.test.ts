/** `appendfsync` over a disk that syncs when the test lets it: who waits for stable storage, and who asks for it. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { RedisClient, type RedisReply } from "../../../sim/clients/redis-client.ts";
import { DurableRig } from "../../support/durable-rig.ts";

type Appendfsync = "always" | "everysec" | "no";

const changes: readonly (readonly (string | number)[][])[] = [
  [["SET", "text", 1]],
  [["MULTI"], ["RPUSH", "list", "a"], ["HSET", "hash", "f", "v"], ["EXEC"]],
  [["EVAL", "return redis.call('SADD', 'set', ARGV[1])", 0, "a"]],
];

/** A client that works through commands while the disk stands still. */
class Client {
  readonly #rig: DurableRig;
  readonly #client: RedisClient;
  readonly replies: RedisReply[] = [];

  constructor(rig: DurableRig) {
    this.#rig = rig;
    this.#client = new RedisClient(rig.connect("redis"));
  }

  send(commands: readonly (readonly (string | number)[])[]): void {
    for (const words of commands) this.#client.call(words, (reply) => this.replies.push(reply));
    this.turn();
  }

  /** Ticks, without the disk. */
  turn(): void {
    const { process, time } = this.#rig;
    for (let i = 0; i < 5; i++) {
      for (const link of process.links) while (link.isBusy) link.step();
      if (time.hasTickEnd) time.endTick();
    }
  }
}

async function opened(appendfsync: Appendfsync): Promise<DurableRig> {
  const rig = await DurableRig.open(1, { redisSettings: { appendfsync } });
  // What the start has left to sync.
  await rig.pass(2000);
  assert.equal(rig.disk.waiting, 0);
  return rig;
}

describe("appendfsync", () => {
  for (const commands of changes) {
    const name = commands.map(([word]) => word).join(" ");

    it(`always: ${name} is answered when it is on stable storage`, async () => {
      const rig = await opened("always");
      const client = new Client(rig);
      client.send(commands);
      assert.equal(client.replies.length < commands.length, true, "an answer before the disk has synced");
      assert.ok(rig.disk.waiting > 0, "nobody asked the disk");
      while (client.replies.length < commands.length) {
        assert.ok(rig.disk.waiting > 0, "the answer does not come");
        await rig.disk.step();
        client.turn();
      }
      rig.process.kill("power");
      await rig.start();
      const keys = (await rig.redis("KEYS", "*")) as string[];
      assert.equal(keys.length, commands.length === 1 ? 1 : 2);
    });

    it(`everysec: ${name} is answered at once, and synced within a second`, async () => {
      const rig = await opened("everysec");
      const client = new Client(rig);
      client.send(commands);
      assert.equal(client.replies.length, commands.length);
      assert.equal(rig.disk.waiting, 0);
      rig.time.advance(1000);
      assert.ok(rig.disk.waiting > 0);
    });

    it(`no: ${name} is answered at once, and nobody asks for a sync`, async () => {
      const rig = await opened("no");
      const client = new Client(rig);
      client.send(commands);
      assert.equal(client.replies.length, commands.length);
      for (let i = 0; i < 20; i++) {
        rig.time.advance(1000);
        client.turn();
        assert.equal(rig.disk.waiting, 0);
      }
    });
  }

  it("always: the answer to a client that waited for a key waits too", async () => {
    const rig = await opened("always");
    const waiting = new Client(rig);
    waiting.send([["BLPOP", "list", 0]]);
    const pushing = new Client(rig);
    pushing.send([["RPUSH", "list", "a"]]);
    assert.deepEqual([waiting.replies, pushing.replies], [[], []]);
    while (rig.disk.waiting > 0) await rig.disk.step();
    waiting.turn();
    assert.deepEqual([waiting.replies, pushing.replies], [[["list", "a"]], [1]]);
  });

  it("always: what changes nothing is answered at once", async () => {
    const rig = await opened("always");
    const client = new Client(rig);
    client.send([["GET", "text"]]);
    assert.deepEqual(client.replies, [null]);
  });
});
