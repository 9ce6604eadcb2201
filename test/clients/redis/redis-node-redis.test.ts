/** Unmodified node-redis 6 against the broker, in RESP2 and RESP3. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { startTestBroker, type TestBroker } from "../../support/broker.ts";
import { openNodeRedis, until } from "../../support/redis-clients.ts";

let broker: TestBroker;
const clients: Awaited<ReturnType<typeof openNodeRedis>>[] = [];

before(async () => {
  broker = await startTestBroker();
});

after(async () => {
  for (const client of clients) if (client.isOpen) client.destroy();
  await broker.stop();
});

async function open(version: 2 | 3) {
  const client = await openNodeRedis(broker.ports.redis, version);
  clients.push(client);
  return client;
}

for (const version of [2, 3] as const) {
  test(`connection and server commands, RESP${version}`, async () => {
    const client = await open(version);
    assert.equal(await client.ping(), "PONG");
    await client.clientSetName("worker");
    assert.equal(await client.clientGetName(), "worker");
    const me = await client.clientInfo();
    assert.equal(me.name, "worker");
    assert.equal(me.libName, "node-redis");
    assert.equal(
      (await client.clientList()).some(({ id }) => id === me.id),
      true,
    );
    assert.match(await client.info(), /redis_mode:standalone/);
    assert.deepEqual({ ...(await client.configGet("databases")) }, { databases: "16" });
    assert.ok((await client.commandCount()) > 80);
    const [xadd] = await client.commandInfo(["xadd"]);
    assert.equal(xadd!.arity, -5);
    await client.close();
  });

  test(`sets, RESP${version}`, async () => {
    const client = await open(version);
    const key = (name: string): string => `set-${name}-${version}`;
    assert.equal(await client.sAdd(key("a"), ["3", "1", "2"]), 3);
    assert.equal(await client.sAdd(key("b"), ["2", "3", "x"]), 3);
    assert.deepEqual([...(await client.sMembers(key("a")))], ["1", "2", "3"]);
    assert.equal(await client.sIsMember(key("a"), "1"), 1);
    assert.deepEqual(await client.smIsMember(key("a"), ["1", "9"]), [1, 0]);
    assert.deepEqual([...(await client.sInter([key("a"), key("b")]))], ["2", "3"]);
    assert.equal(await client.sUnionStore(key("c"), [key("a"), key("b")]), 4);
    assert.equal(await client.sInterCard([key("a"), key("b")], 1), 1);
    assert.equal(await client.sMove(key("b"), key("a"), "x"), 1);
    const scanned: string[] = [];
    for await (const members of client.sScanIterator(key("a"))) scanned.push(...[members].flat());
    assert.deepEqual(scanned.toSorted(), ["1", "2", "3", "x"]);
    assert.equal((await client.sPopCount(key("a"), 2)).length, 2);
    assert.equal((await client.sRandMemberCount(key("c"), -7)).length, 7);
    assert.equal(await client.sCard(key("a")), 2);
    await client.close();
  });

  test(`lists, and a worker that waits, RESP${version}`, async () => {
    const client = await open(version);
    const worker = await open(version);
    const key = (name: string): string => `list-${name}-${version}`;
    assert.equal(await client.rPush(key("a"), ["1", "2", "3", "2"]), 4);
    assert.deepEqual(await client.lRange(key("a"), 0, -1), ["1", "2", "3", "2"]);
    assert.deepEqual(await client.lPosCount(key("a"), "2", 0), [1, 3]);
    assert.equal(await client.lRem(key("a"), -1, "2"), 1);
    assert.equal(await client.lSet(key("a"), 0, "one"), "OK");
    assert.deepEqual(await client.lPopCount(key("a"), 2), ["one", "2"]);
    const waiting = worker.blPop([key("jobs"), key("other")], 0);
    assert.equal(await client.rPush(key("other"), "job"), 1);
    assert.deepEqual({ ...(await waiting) }, { key: key("other"), element: "job" });
    assert.equal(await worker.blMove(key("jobs"), key("done"), "LEFT", "RIGHT", 0.01), null);
    assert.equal(await client.exists([key("other"), key("done")]), 0);
    await Promise.all([client.close(), worker.close()]);
  });

  test(`streams and groups, RESP${version}`, async () => {
    const client = await open(version);
    const key = `orders-${version}`;
    const ids: string[] = [];
    for (let i = 0; i < 4; i++) ids.push(await client.xAdd(key, "*", { n: String(i) }));
    assert.equal(await client.xAddNoMkStream("absent", "*", { a: "1" }), null);
    assert.equal(await client.xLen(key), 4);
    const [first] = (await client.xRange(key, "-", "+", { COUNT: 1 }))!;
    assert.deepEqual([first!.id, { ...first!.message }], [ids[0], { n: "0" }]);
    await client.xGroupCreate(key, "g", "0");
    const got = (await client.xReadGroup("g", "alice", { key, id: ">" }, { COUNT: 3 })) as {
      name: string;
      messages: { id: string }[];
    }[];
    assert.equal(got[0]!.name, key);
    assert.deepEqual(
      got[0]!.messages.map(({ id }) => id),
      ids.slice(0, 3),
    );
    assert.equal(await client.xAck(key, "g", ids[0]!), 1);
    const pending = await client.xPending(key, "g");
    assert.equal(pending.pending, 2);
    const range = await client.xPendingRange(key, "g", "-", "+", 10);
    assert.deepEqual(
      range.map(({ id, consumer, deliveriesCounter }) => [id, consumer, deliveriesCounter]),
      [
        [ids[1], "alice", 1],
        [ids[2], "alice", 1],
      ],
    );
    const claimed = await client.xAutoClaim(key, "g", "bob", 0, "0-0");
    assert.equal(claimed.nextId, "0-0");
    assert.equal(claimed.messages.length, 2);
    const [group] = await client.xInfoGroups(key);
    assert.deepEqual([group!.name, group!.pending, group!.lag], ["g", 2, 1]);
    const consumers = await client.xInfoConsumers(key, "g");
    assert.deepEqual(
      consumers.map(({ name, pending: held }) => [name, held]),
      [
        ["alice", 0],
        ["bob", 2],
      ],
    );
    const info = await client.xInfoStream(key);
    assert.deepEqual([info.length, info.groups, info["last-generated-id"]], [4, 1, ids[3]]);
    assert.equal(await client.xGroupDelConsumer(key, "g", "bob"), 2);
    assert.equal(await client.xGroupDestroy(key, "g"), 1);
  });

  test(`blocking, RESP${version}`, async () => {
    const reader = await open(version);
    const writer = await open(version);
    const key = `inbox-${version}`;
    const waiting = reader.xRead({ key, id: "$" }, { BLOCK: 5000 });
    await until(async () => (await writer.info("clients")).includes("blocked_clients:1"), "reader blocked");
    const id = await writer.xAdd(key, "*", { a: "1" });
    const read = (await waiting) as { messages: { id: string }[] }[];
    assert.equal(read[0]!.messages[0]!.id, id);
    assert.equal(await reader.xRead({ key, id: "$" }, { BLOCK: 30 }), null);
  });

  test(`transactions and Pub/Sub, RESP${version}`, async () => {
    const client = await open(version);
    const key = `tx-${version}`;
    assert.deepEqual(await client.multi().set(key, "1").incr(key).exec(), ["OK", 2]);
    const subscriber = await open(version);
    const got: string[] = [];
    await subscriber.subscribe(`news-${version}`, (message, channel) => got.push(`${channel} ${message}`));
    await subscriber.pSubscribe(`ne*-${version}`, (message, channel) => got.push(`p ${channel} ${message}`));
    await subscriber.sSubscribe(`shard-${version}`, (message, channel) =>
      got.push(`s ${channel} ${message}`),
    );
    assert.equal(await client.publish(`news-${version}`, "hello"), 2);
    assert.equal(await client.sPublish(`shard-${version}`, "hello"), 1);
    await until(() => got.length === 3, "three messages");
    assert.deepEqual(got, [`news-${version} hello`, `p news-${version} hello`, `s shard-${version} hello`]);
    await subscriber.unsubscribe();
    await subscriber.pUnsubscribe();
    await subscriber.sUnsubscribe();
    assert.equal(await client.publish(`news-${version}`, "gone"), 0);
  });
}
