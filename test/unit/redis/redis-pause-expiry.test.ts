/** CLIENT PAUSE over a clock that the test moves: nothing that is due goes while clients are paused, and no reader sees it. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { RedisClient, type RedisReply } from "../../../sim/clients/redis-client.ts";
import { databaseVhostName } from "../../../src/protocols/redis/core/names.ts";
import { DurableRig } from "../../support/durable-rig.ts";

/** So few that long commands take many turns. */
const turnBounds = { turnWorkUnits: 400, turnWorkSliceUnits: 100 };

class Asking {
  readonly replies: unknown[] = [];
  readonly #rig: DurableRig;
  readonly #client: RedisClient;

  constructor(rig: DurableRig) {
    this.#rig = rig;
    this.#client = new RedisClient(rig.connect("redis"));
  }

  send(line: string, ...more: readonly string[]): void {
    this.#client.call([...line.split(" "), ...more], (reply) => this.replies.push(plain(reply)));
  }

  async ask(line: string, ...more: readonly string[]): Promise<unknown> {
    let answer: readonly unknown[] = [];
    this.#client.call([...line.split(" "), ...more], (reply) => (answer = [plain(reply)]));
    await this.#rig.until(() => answer.length > 0, line);
    return answer[0];
  }
}

function plain(reply: RedisReply): unknown {
  if (Array.isArray(reply)) return reply.map(plain);
  return Buffer.isBuffer(reply) ? reply.latin1Slice() : reply;
}

const namesOf = (count: number): string[] => Array.from({ length: count }, (_, n) => `f${n}`);

test("keys, streams and fields that are due are hidden from readers, stay, and go after the pause", async () => {
  const rig = await DurableRig.open(1);
  const client = new Asking(rig);
  const names = namesOf(2000);
  await client.ask("SET string v PX 1000");
  await client.ask("XADD stream 1-1 a b");
  await client.ask("PEXPIRE stream 1000");
  await client.ask("HSET some a 1 b 2 c 3");
  await client.ask("HPEXPIRE some 1000 FIELDS 2 a b");
  await client.ask("HSET all a 1 b 2");
  await client.ask("HPEXPIRE all 1000 FIELDS 2 a b");
  await client.ask("HSET large stays 1", ...names.flatMap((name) => [name, "1"]));
  await client.ask(`HPEXPIRE large 1000 FIELDS ${names.length}`, ...names);
  await client.ask("CLIENT PAUSE 100000 WRITE");
  await rig.pass(30_000);
  assert.equal(await client.ask("GET string"), null);
  assert.equal(await client.ask("XLEN stream"), 0);
  assert.deepEqual(await client.ask("HMGET some a b c"), [null, null, "3"]);
  assert.deepEqual(await client.ask("HGETALL some"), ["c", "3"]);
  assert.deepEqual(await client.ask("HTTL some FIELDS 2 a c"), [-2, -1]);
  assert.equal(await client.ask("HLEN some"), 1);
  assert.deepEqual(await client.ask("HSCAN some 0"), ["0", ["c", "3"]]);
  assert.equal(await client.ask("HRANDFIELD some"), "c");
  assert.deepEqual(await client.ask("HGETALL all"), []);
  assert.equal(await client.ask("HLEN all"), 0);
  assert.equal(await client.ask("HGET large f1999"), null);
  assert.deepEqual(await client.ask("HGETALL large"), ["stays", "1"]);
  await rig.pass(1000);
  const { keyspace, broker } = rig;
  assert.deepEqual([keyspace.expired, keyspace.expiredFields], [0, 0]);
  assert.ok(broker.vhost(databaseVhostName(0))!.queues.has("stream"), "the stream has gone");
  await client.ask("CLIENT UNPAUSE");
  await rig.pass(30_000);
  assert.deepEqual([keyspace.expired, keyspace.expiredFields], [1, names.length + 4]);
  assert.deepEqual(await client.ask("HGETALL some"), ["c", "3"]);
  assert.deepEqual(await client.ask("HGETALL large"), ["stays", "1"]);
  assert.ok(!broker.vhost(databaseVhostName(0))!.queues.has("stream"));
  await rig.kill();
  assert.deepEqual(await new Asking(rig).ask("HGETALL some"), ["c", "3"]);
});

test("work over several turns that a pause meets removes nothing: a sweep of fields, a reader, an eviction", async () => {
  const rig = await DurableRig.open(2, { turnBounds });
  const [client, long] = [new Asking(rig), new Asking(rig)];
  const names = namesOf(3000);
  await client.ask("HSET large stays 1", ...names.flatMap((name) => [name, "1"]));
  await client.ask(`HPEXPIRE large 1000 FIELDS ${names.length}`, ...names);
  for (const name of ["f2990", "f2999"]) await client.ask(`SET w_${name} 1 PX 5000`);
  await client.ask("SADD members", ...names);
  const { keyspace } = rig;
  long.send("SORT_RO members BY nothing GET w_* GET v_*");
  await client.ask("PING");
  rig.time.advance(1000);
  client.send("HGET large f1");
  client.send("CLIENT PAUSE 100000 WRITE");
  await rig.until(() => client.replies.at(-1) === "OK", "the pause");
  rig.time.advance(5000);
  assert.equal(long.replies.length, 0, "it is long");
  const before = [keyspace.expired, keyspace.expiredFields];
  assert.ok(before[1]! < names.length, "the sweep is long");
  await rig.until(() => long.replies.length > 0, "the reader");
  await rig.pass(1000);
  assert.deepEqual([keyspace.expired, keyspace.expiredFields], before);
  assert.equal(await client.ask("HGET large f2999"), null);
  await client.ask("CLIENT UNPAUSE");
  await client.ask("HGET large f2999");
  await rig.until(() => keyspace.expiredFields === names.length, "all fields are removed");

  for (const name of names) client.send(`SET ${name} v`);
  await client.ask("CONFIG SET maxmemory-policy allkeys-random");
  client.send("CONFIG SET maxmemory 1");
  client.send("CLIENT PAUSE 100000 WRITE");
  await client.ask("PING");
  const { evicted } = keyspace.eviction;
  await rig.pass(1000);
  assert.equal(keyspace.eviction.evicted, evicted);
  await client.ask("CLIENT UNPAUSE");
  await client.ask("PING");
  await rig.until(() => keyspace.databases[0]!.size === 0, "all are evicted");
});
