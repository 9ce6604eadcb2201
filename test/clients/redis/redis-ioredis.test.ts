/** Unmodified ioredis 6 against the broker, in RESP2 and RESP3: one test for each group of commands. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { Redis } from "ioredis";
import { startTestBroker, type TestBroker } from "../../support/broker.ts";
import { openIoredis, until } from "../../support/redis-clients.ts";

let broker: TestBroker;
const clients: Redis[] = [];

before(async () => {
  broker = await startTestBroker();
});

after(async () => {
  for (const client of clients) client.disconnect();
  await broker.stop();
});

function open(protocol: 2 | 3, options: object = {}): Redis {
  const client = openIoredis(broker.ports.redis, { protocol, ...options });
  clients.push(client);
  return client;
}

const flat = (entries: unknown): unknown => JSON.parse(JSON.stringify(entries));

for (const protocol of [2, 3] as const) {
  test(`connection and server commands, RESP${protocol}`, async () => {
    const client = open(protocol, { connectionName: `app-${protocol}`, db: 3 });
    assert.equal(await client.ping(), "PONG");
    assert.equal(await client.echo("hi"), "hi");
    assert.equal(await client.client("GETNAME"), `app-${protocol}`);
    const id = await client.client("ID");
    assert.equal(typeof id, "number");
    const list = String(await client.client("LIST"));
    assert.match(list, new RegExp(`name=app-${protocol} .*db=3 .*resp=${protocol} lib-name=ioredis`));
    assert.match(await client.info("server"), /redis_version:7\.4\.0\r\ntroikamq_version:/);
    assert.equal(await client.select(0), "OK");
    const [seconds] = await client.time();
    assert.ok(Math.abs(Number(seconds) - Date.now() / 1000) < 5);
    assert.ok(Number(await client.command("COUNT")) > 80);
    assert.deepEqual(await client.command("GETKEYS", "XADD", "s", "*", "a", "1"), ["s"]);
    await assert.rejects(
      client.call("NOSUCH", "x"),
      /ERR unknown command 'NOSUCH', with args beginning with: 'x'/,
    );
    await assert.rejects(client.call("AUTH", "guest", "wrong"), /WRONGPASS/);
    assert.equal(await client.call("AUTH", "guest", "guest"), "OK");
    assert.equal(await client.quit(), "OK");
  });

  test(`streams and groups, RESP${protocol}`, async () => {
    const client = open(protocol);
    const key = `orders-${protocol}`;
    const ids: string[] = [];
    for (let i = 0; i < 5; i++) ids.push((await client.xadd(key, "*", "n", String(i), "t", "é"))!);
    assert.deepEqual(ids.toSorted(), ids);
    assert.equal(await client.xlen(key), 5);
    assert.deepEqual(flat(await client.xrange(key, ids[1]!, ids[2]!)), [
      [ids[1], ["n", "1", "t", "é"]],
      [ids[2], ["n", "2", "t", "é"]],
    ]);
    assert.equal((await client.xrevrange(key, "+", "-", "COUNT", 1))[0]![0], ids[4]);
    const read = await client.xread("COUNT", 2, "STREAMS", key, ids[2]!);
    assert.deepEqual(
      read![0]![1].map(([id]) => id),
      [ids[3], ids[4]],
    );
    assert.equal(await client.xgroup("CREATE", key, "g", "0"), "OK");
    await assert.rejects(client.xgroup("CREATE", key, "g", "0"), /BUSYGROUP/);
    const got = (await client.xreadgroup("GROUP", "g", "alice", "COUNT", 3, "STREAMS", key, ">")) as [
      string,
      unknown[],
    ][];
    assert.equal(got[0]![1].length, 3);
    assert.equal(await client.xack(key, "g", ids[0]!), 1);
    const pending = await client.xpending(key, "g");
    assert.deepEqual(flat(pending), [2, ids[1], ids[2], [["alice", "2"]]]);
    assert.equal((await client.xclaim(key, "g", "bob", 0, ids[1]!)).length, 1);
    const [cursor, claimed] = (await client.xautoclaim(key, "g", "bob", 0, "0")) as [string, unknown[]];
    assert.deepEqual([cursor, claimed.length], ["0-0", 2]);
    assert.equal(await client.xdel(key, ids[4]!), 1);
    assert.equal(await client.xtrim(key, "MAXLEN", 2), 2);
    const info = flat(await client.xinfo("STREAM", key)) as unknown[];
    assert.equal(info[info.indexOf("length") + 1], 2);
    assert.equal(await client.del(key), 1);
    assert.equal(await client.exists(key), 0);
  });

  test(`a blocked read is woken by what comes, RESP${protocol}`, async () => {
    const reader = open(protocol);
    const writer = open(protocol);
    const key = `inbox-${protocol}`;
    const waiting = reader.xread("BLOCK", 5000, "STREAMS", key, "$");
    await until(async () => /blocked_clients:1/.test(await writer.info("clients")), "reader blocked");
    const id = await writer.xadd(key, "*", "a", "1");
    assert.deepEqual(flat(await waiting), [[key, [[id, ["a", "1"]]]]]);
    const started = Date.now();
    assert.equal(await reader.xread("BLOCK", 60, "STREAMS", key, "$"), null);
    assert.ok(Date.now() - started >= 55);
  });

  test(`waiting consumers of a group are served in the order in which they came, RESP${protocol}`, async () => {
    const writer = open(protocol);
    const key = `jobs-${protocol}`;
    await writer.xgroup("CREATE", key, "g", "$", "MKSTREAM");
    const order: string[] = [];
    const readers = ["a", "b", "c"].map((name) => ({ name, client: open(protocol) }));
    const waits: Promise<void>[] = [];
    for (const { name, client } of readers) {
      const wait = client.xreadgroup("GROUP", "g", name, "COUNT", 1, "BLOCK", 5000, "STREAMS", key, ">");
      waits.push(wait.then(() => void order.push(name)));
      const wanted = waits.length;
      await until(
        async () => (await writer.info("clients")).includes(`blocked_clients:${wanted}`),
        `${name} blocked`,
      );
    }
    for (let i = 0; i < 3; i++) await writer.xadd(key, "*", "i", String(i));
    await Promise.all(waits);
    assert.deepEqual(order, ["a", "b", "c"]);
  });

  test(`requests behind a blocked read wait for it, RESP${protocol}`, async () => {
    const reader = open(protocol);
    const writer = open(protocol);
    const key = `line-${protocol}`;
    const done: string[] = [];
    const first = reader.xread("BLOCK", 5000, "STREAMS", key, "$").then(() => void done.push("read"));
    const second = reader.ping().then(() => void done.push("ping"));
    await until(async () => /blocked_clients:1/.test(await writer.info("clients")), "reader blocked");
    assert.deepEqual(done, []);
    await writer.xadd(key, "*", "a", "1");
    await Promise.all([first, second]);
    assert.deepEqual(done, ["read", "ping"]);
  });

  test(`transactions, RESP${protocol}`, async () => {
    const client = open(protocol);
    const other = open(protocol);
    const key = `tx-${protocol}`;
    const results = await client.multi().set(key, "1").incr(key).xlen("nothing").exec();
    assert.deepEqual(results, [
      [null, "OK"],
      [null, 2],
      [null, 0],
    ]);
    await client.watch(key);
    await other.set(key, "changed");
    assert.equal(await client.multi().get(key).exec(), null);
    const mixed = await client.multi().set(key, "text").incr(key).get(key).exec();
    assert.match(String(mixed![1]![0]), /not an integer/);
    assert.deepEqual(mixed![2], [null, "text"]);
  });

  test(`Pub/Sub by channel and pattern, RESP${protocol}`, async () => {
    const subscriber = open(protocol);
    const publisher = open(protocol);
    const got: string[] = [];
    subscriber.on("message", (channel, message) => got.push(`${channel} ${message}`));
    subscriber.on("pmessage", (pattern, channel, message) => got.push(`${pattern} ${channel} ${message}`));
    assert.equal(await subscriber.subscribe(`news-${protocol}`, "other"), 2);
    assert.equal(await subscriber.psubscribe(`ne?s-${protocol}`), 3);
    assert.equal(await publisher.publish(`news-${protocol}`, "hello"), 2);
    assert.equal(await publisher.publish("nobody", "x"), 0);
    await until(() => got.length === 2, "both messages");
    assert.deepEqual(got, [`news-${protocol} hello`, `ne?s-${protocol} news-${protocol} hello`]);
    assert.deepEqual(await publisher.pubsub("NUMSUB", `news-${protocol}`), [`news-${protocol}`, 1]);
    assert.equal(await publisher.pubsub("NUMPAT"), 1);
    await subscriber.punsubscribe(`ne?s-${protocol}`);
    await subscriber.unsubscribe(`news-${protocol}`, "other");
    assert.equal(await publisher.publish(`news-${protocol}`, "gone"), 0);
    assert.equal(await subscriber.ping(), "PONG");
  });

  test(`a pipeline of ten thousand entries, RESP${protocol}`, async () => {
    const client = open(protocol);
    const key = `bulk-${protocol}`;
    const pipeline = client.pipeline();
    for (let i = 0; i < 10_000; i++) pipeline.xadd(key, "*", "i", String(i));
    const results = await pipeline.exec();
    assert.equal(results!.length, 10_000);
    const entries = await client.xrange(key, "-", "+");
    assert.deepEqual(
      entries.map(([, fields]) => Number(fields[1])),
      Array.from({ length: 10_000 }, (_, i) => i),
    );
    assert.deepEqual(
      entries.map(([id]) => id),
      results!.map(([, id]) => id),
    );
  });
}

for (const protocol of [2, 3] as const) {
  test(`sets, RESP${protocol}`, async () => {
    const client = open(protocol);
    const key = (name: string): string => `set-${name}-${protocol}`;
    assert.equal(await client.sadd(key("a"), 3, "1", 2), 3);
    await client.sadd(key("b"), Buffer.from([0xff, 0]), "2");
    assert.deepEqual(await client.smembers(key("a")), ["1", "2", "3"]);
    const raw = await client.smembersBuffer(key("b"));
    assert.ok(raw.some((member) => member.equals(Buffer.from([0xff, 0]))));
    assert.deepEqual(await client.sinter(key("a"), key("b")), ["2"]);
    assert.deepEqual(await client.sdiff(key("a"), key("b")), ["1", "3"]);
    assert.equal(await client.sinterstore(key("c"), key("a"), key("b")), 1);
    const replies = await client.multi().srem(key("c"), "2").exists(key("c")).exec();
    assert.deepEqual(replies, [
      [null, 1],
      [null, 0],
    ]);
    const scanned: string[] = [];
    for await (const members of client.sscanStream(key("a"), { count: 1 })) scanned.push(...members);
    assert.deepEqual(scanned, ["1", "2", "3"]);
    assert.deepEqual(await client.spop(key("a"), 3), ["1", "2", "3"]);
    assert.equal(await client.spop(key("a")), null);
    assert.equal(await client.srandmember(key("a")), null);
  });

  test(`sorted sets: a leaderboard, a queue by time, places, RESP${protocol}`, async () => {
    const client = open(protocol);
    const key = (name: string): string => `zset-${protocol}-${name}`;
    assert.equal(await client.zadd(key("board"), 10, "ann", 20, "bob", 15.5, "cyd"), 3);
    assert.equal(Number(await client.zincrby(key("board"), 7, "ann")), 17);
    assert.deepEqual(await client.zrevrange(key("board"), 0, 1), ["bob", "ann"]);
    assert.equal(await client.zrank(key("board"), "cyd"), 0);
    assert.equal(await client.zcount(key("board"), "(15.5", "+inf"), 2);
    assert.equal(await client.zunionstore(key("all"), 2, key("board"), key("board")), 3);
    assert.equal(Number(await client.zscore(key("all"), "bob")), 40);
    const waiting = open(protocol).bzpopmin(key("queue"), 0);
    await client.zadd(key("queue"), 2, "later", 1, "first");
    const [from, member, score] = (await waiting)!;
    assert.deepEqual([from, member, Number(score)], [key("queue"), "first", 1]);
    assert.equal(await client.zremrangebyscore(key("queue"), "-inf", 2), 1);
    await client.geoadd(key("places"), 13.361389, 38.115556, "Palermo", 15.087269, 37.502669, "Catania");
    const near = await client.geosearch(key("places"), "FROMLONLAT", 15, 37, "BYRADIUS", 100, "km", "ASC");
    assert.deepEqual(near, ["Catania"]);
  });

  test(`lists, and a worker that waits, RESP${protocol}`, async () => {
    const client = open(protocol);
    const worker = open(protocol);
    const key = (name: string): string => `list-${name}-${protocol}`;
    assert.equal(await client.rpush(key("a"), "1", 2, Buffer.from([0xff, 0])), 3);
    assert.deepEqual((await client.lrangeBuffer(key("a"), -1, -1))[0], Buffer.from([0xff, 0]));
    assert.equal(await client.linsert(key("a"), "BEFORE", "2", "1.5"), 4);
    assert.equal(await client.lpos(key("a"), "2"), 2);
    assert.equal(await client.lmove(key("a"), key("b"), "LEFT", "RIGHT"), "1");
    assert.deepEqual(await client.lpop(key("a"), 2), ["1.5", "2"]);
    assert.deepEqual(await client.lmpop(2, key("none"), key("b"), "LEFT"), [key("b"), ["1"]]);
    const waiting = worker.blpop(key("jobs"), 0);
    const moving = worker.blmove(key("jobs"), key("done"), "LEFT", "RIGHT", 0);
    const replies = await client.multi().lpush(key("jobs"), "x", "y").llen(key("jobs")).exec();
    assert.deepEqual(replies, [
      [null, 2],
      [null, 2],
    ]);
    assert.deepEqual(await waiting, [key("jobs"), "y"]);
    assert.equal(await moving, "x");
    assert.deepEqual(await client.lrange(key("done"), 0, -1), ["x"]);
    assert.equal(await worker.brpop(key("jobs"), 0.01), null);
  });
}

test("databases are apart, streams too", async () => {
  const zero = open(3);
  const one = open(3, { db: 1 });
  await zero.xadd("same", "1-1", "from", "zero");
  await one.xadd("same", "1-1", "from", "one");
  assert.deepEqual((await one.xrange("same", "-", "+"))[0]![1], ["from", "one"]);
  assert.deepEqual((await zero.xrange("same", "-", "+"))[0]![1], ["from", "zero"]);
  await assert.rejects(zero.xadd("same", "1-1", "a", "1"), /equal or smaller/);
});

test("a subscriber that does not read is disconnected; publishers go on", async () => {
  const slow = open(2, { retryStrategy: null });
  await slow.subscribe("firehose");
  const closed = new Promise((resolve) => slow.once("close", resolve));
  slow.on("error", () => {});
  const { stream } = slow as unknown as { stream: { pause(): void } };
  stream.pause();
  const publisher = open(3);
  const message = "x".repeat(1 << 20);
  for (let i = 0; i < 200; i++) if ((await publisher.publish("firehose", message)) === 0) break;
  assert.equal(await publisher.publish("firehose", "last"), 0);
  slow.disconnect();
  await closed;
});
