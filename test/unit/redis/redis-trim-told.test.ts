/** XADD with DELREF or ACKED trims on after its answer: caches and WATCH are told of what goes then. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { RedisClient, type RedisReply } from "../../../sim/clients/redis-client.ts";
import { DurableRig } from "../../support/durable-rig.ts";

const turnBounds = { turnWorkUnits: 100, turnWorkSliceUnits: 100 };
const entries = 2000;
const kept = 10;

interface Client {
  readonly pushed: RedisReply[];
  ask(...words: (string | number)[]): Promise<RedisReply>;
}

function connect(rig: DurableRig): Client {
  const pushed: RedisReply[] = [];
  const client = new RedisClient(rig.connect("redis"), (message) => pushed.push(message));
  const ask = async (...words: (string | number)[]): Promise<RedisReply> => {
    let answer: RedisReply | undefined;
    client.call(words, (reply) => (answer = reply));
    await rig.until(() => answer !== undefined, words.join(" "));
    return answer!;
  };
  return { pushed, ask };
}

/** A stream whose entries have been acknowledged (`ACKED` takes them), or not (`DELREF` has to look at each). */
async function fill(rig: DurableRig, references: string): Promise<void> {
  const writer = new RedisClient(rig.connect("redis"));
  let added = 0;
  for (let i = 1; i <= entries; i++) writer.call(["XADD", "s", `${i}-0`, "f", "v"], () => added++);
  await rig.until(() => added === entries, "the entries");
  await rig.redis("XGROUP", "CREATE", "s", "g", 0);
  const noAck = references === "ACKED" ? ["NOACK"] : [];
  await rig.redis("XREADGROUP", "GROUP", "g", "w", "COUNT", entries, ...noAck, "STREAMS", "s", ">");
}

for (const references of ["DELREF", "ACKED"]) {
  test(`XADD with ${references}: a cache and a WATCH amid the trim`, async () => {
    const rig = await DurableRig.open(1, { turnBounds });
    await fill(rig, references);
    const [adder, cache, watcher] = [connect(rig), connect(rig), connect(rig)];
    await cache.ask("HELLO", 3);
    await cache.ask("CLIENT", "TRACKING", "ON");
    await adder.ask("XADD", "s", "MAXLEN", "=", kept, references, "3000-0", "f", "v");
    assert.equal(await watcher.ask("WATCH", "s"), "OK");
    const cached = Number(await cache.ask("XLEN", "s"));
    assert.ok(cached > kept, `the trim has not ended: ${cached}`);
    const { log } = rig.broker.vhost("/")!.queue("s");
    await rig.until(() => log.length === kept, "the end of the trim");
    await rig.until(() => cache.pushed.length > 0, "the invalidation");
    assert.deepEqual(cache.pushed, [["invalidate", ["s"]]]);
    assert.equal(await cache.ask("XLEN", "s"), kept);
    await watcher.ask("MULTI");
    await watcher.ask("PING");
    assert.equal(await watcher.ask("EXEC"), null, "what it watched has changed");
  });
}
