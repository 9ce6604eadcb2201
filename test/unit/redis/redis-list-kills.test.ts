/**
 * Lists and those who wait for them, over kills: what was answered is so after each, while the cleaner writes lists again and deletes the
 * files from which they came.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { RedisClient, type RedisReply } from "../../../sim/clients/redis-client.ts";
import { Seeded } from "../../../sim/seeded.ts";
import { DurableRig } from "../../support/durable-rig.ts";

/** So small that lists become large and have many blocks, and that the cleaner comes by all the time. */
const options = {
  journalBytesMax: 1 << 14,
  keyspaceBounds: {
    packedCountMax: 5,
    packedBytesMax: 200,
    segmentBytesMax: 256,
    rewriteBytes: 600,
    rewriteLooks: 20,
  },
};

function texts(reply: RedisReply): string[] {
  return (reply as readonly RedisReply[]).map(String);
}

test("random commands beside arrays, killed again and again", async () => {
  let filesDeleted = 0;
  for (let seed = 1; seed <= 4; seed++) {
    const rig = await DurableRig.open(seed, options);
    const random = new Seeded(seed);
    const pick = <T>(all: readonly T[]): T => all[random.below(all.length)]!;
    const model = new Map<string, string[]>(["a", "b", "c"].map((name) => [name, []]));
    let kills = 0;
    for (let step = 0; step < 350; step++) {
      const name = pick(["a", "b", "c"]);
      const list = model.get(name)!;
      const value = random.below(8) === 0 ? "v".repeat(random.below(300)) : `v${random.below(9)}`;
      const isLeft = random.below(2) === 0;
      switch (random.below(list.length > 60 ? 9 : 7)) {
        case 0:
        case 1:
        case 2: {
          const values = Array.from({ length: 1 + random.below(9) }, (_, i) => `${value}${i}`);
          await rig.redis(isLeft ? "LPUSH" : "RPUSH", name, ...values);
          for (const each of values)
            if (isLeft) list.unshift(each);
            else list.push(each);
          break;
        }
        case 3: {
          if (list.length === 0) break;
          const index = random.below(list.length);
          await rig.redis("LSET", name, index, value);
          list[index] = value;
          break;
        }
        case 4: {
          if (list.length === 0) break;
          const pivot = pick(list);
          await rig.redis("LINSERT", name, "BEFORE", pivot, value);
          list.splice(list.indexOf(pivot), 0, value);
          break;
        }
        case 5: {
          const other = pick(["a", "b", "c"]);
          await rig.redis("LMOVE", name, other, isLeft ? "LEFT" : "RIGHT", "RIGHT");
          const moved = isLeft ? list.shift() : list.pop();
          if (moved !== undefined) model.get(other)!.push(moved);
          break;
        }
        case 6: {
          if (list.length === 0) break;
          const gone = pick(list);
          await rig.redis("LREM", name, 0, gone);
          model.set(
            name,
            list.filter((each) => each !== gone),
          );
          break;
        }
        default: {
          const count = 1 + random.below(30);
          await rig.redis(isLeft ? "LPOP" : "RPOP", name, count);
          if (isLeft) list.splice(0, count);
          else list.splice(-count);
        }
      }
      // Files are deleted meanwhile, or a kill comes upon their being written.
      if (random.below(10) === 0) await rig.pass(100);
      if (step % 50 !== 49) continue;
      filesDeleted += rig.broker.storage.cleaner!.filesDeleted;
      await rig.kill();
      kills++;
      for (const [key, wanted] of model)
        assert.deepEqual(
          texts(await rig.redis("LRANGE", key, 0, -1)),
          wanted,
          `seed ${seed}, kill ${kills}, ${key}`,
        );
    }
    assert.deepEqual(rig.errors, []);
  }
  assert.ok(filesDeleted > 10, `${filesDeleted} files deleted`);
});

test("a job that a worker got is in no queue, and no other is lost, whenever the broker is killed", async () => {
  const rig = await DurableRig.open(7, options);
  const random = new Seeded(7);
  const got: string[] = [];
  const pushed: string[] = [];
  let mayBeLost = 0;
  for (let round = 0; round < 12; round++) {
    const workers = Array.from({ length: 3 }, () => new RedisClient(rig.connect("redis")));
    let waiting = 0;
    const work = (client: RedisClient): void => {
      waiting++;
      client.call(["BLPOP", "jobs", 0], (reply) => {
        waiting--;
        if (!Array.isArray(reply)) return;
        got.push(String(reply[1]));
        if (got.length % 3 !== 0) work(client);
      });
    };
    for (const worker of workers) work(worker);
    for (let i = 0; i < 8; i++) {
      const names = Array.from({ length: 1 + random.below(6) }, (_, n) => `job ${round}.${i}.${n}`);
      await rig.redis("RPUSH", "jobs", ...names);
      pushed.push(...names);
    }
    // Others are pushed, and may be on their way to a worker, when the broker goes.
    const last = new RedisClient(rig.connect("redis"));
    const names = Array.from({ length: 4 }, (_, n) => `last ${round}.${n}`);
    let isAnswered = false;
    last.call(["RPUSH", "jobs", ...names], () => (isAnswered = true));
    const wanted = random.below(12);
    for (let steps = 0; steps < wanted; steps++) await rig.pass(1);
    mayBeLost += waiting + names.length;
    await rig.kill();
    if (isAnswered) pushed.push(...names);
    for (const client of [...workers, last]) client.cut();
    const left = texts(await rig.redis("LRANGE", "jobs", 0, -1));
    assert.equal(new Set(got).size, got.length, "a job was given out twice");
    const gotten = new Set(got);
    assert.deepEqual(
      left.filter((job) => gotten.has(job)),
      [],
      "a job is in the queue that a worker has",
    );
    const known = new Set([...got, ...left]);
    const lost = pushed.filter((job) => !known.has(job));
    // Taken for a worker, who was not told before the broker was gone.
    assert.ok(lost.length <= mayBeLost, `lost: ${lost.join()}`);
  }
  assert.ok(got.length > 50, `${got.length} jobs`);
  assert.deepEqual(rig.errors, []);
});
