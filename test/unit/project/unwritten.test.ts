/**
 * While the disk takes nothing: of what is not written nobody is told, whichever way it is looked at; all else is answered,
 * also where it takes several turns. What is not written is what came in the tick whose write failed, and what came since.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type Peer, Rig } from "../../../fuzz/rig.ts";
import { SimDisk, seeded } from "../../../sim/disk.ts";
import { ByteWriter } from "../../../src/base/bytes.ts";
import { type ApiName, encodeRequest, type RequestInput } from "../../../src/protocols/kafka/wire/codec.ts";
import { handshake, method, openChannel, publish, shortText, uint } from "../../support/amqp-frames.ts";
import { finish } from "../../support/finish.ts";

function words(...parts: (string | number)[]): Buffer {
  const bulks = parts.map((part) => `$${Buffer.byteLength(String(part))}\r\n${part}\r\n`);
  return Buffer.from(`*${parts.length}\r\n${bulks.join("")}`);
}

class FailingDisk {
  readonly disk = new SimDisk(seeded(1));
  rig!: Rig;

  static async open(...written: (string | number)[][]): Promise<FailingDisk> {
    const failing = new FailingDisk();
    failing.rig = await finish(failing.disk, Rig.open(0, failing.disk));
    for (const command of written) failing.ask(...command);
    return failing;
  }

  fail(): void {
    this.disk.writeErrors = 1;
  }

  recover(): void {
    this.disk.writeErrors = 0;
    this.rig.broker.ticker.request();
    this.rig.settle();
  }

  /** What a client of its own hears at once; the client too. */
  look(...command: (string | number)[]): { heard: string; peer: Peer } {
    const peer = this.rig.connect("redis");
    peer.send(words(...command));
    this.rig.settle();
    return { heard: peer.take().toString(), peer };
  }

  ask(...command: (string | number)[]): string {
    return this.look(...command).heard;
  }
}

const stream = [
  ["XADD", "s", "1-1", "f", "v"],
  ["XADD", "s", "2-1", "f", "v"],
  ["XGROUP", "CREATE", "s", "g", "0"],
  ["XREADGROUP", "GROUP", "g", "c", "STREAMS", "s", ">"],
];

const largeFields = 200;
/** Hashes, sets and sorted sets, small and large. */
const values = [
  ["HSET", "hash", "a", "1", "b", "2"],
  ["HSET", "large", ...Array.from({ length: largeFields }, (_, i) => [`f${i}`, "v"]).flat()],
  ["SADD", "set", "a", "b"],
  ["SADD", "largeSet", ...Array.from({ length: largeFields }, (_, i) => `m${i}`)],
  ["ZADD", "sorted", "1", "a", "2", "b"],
  ["ZADD", "largeSorted", ...Array.from({ length: largeFields }, (_, i) => [`${i}`, `m${i}`]).flat()],
];

/** What the tick brings whose write fails, and the looks that would tell of it. */
const looks: Record<string, [change: (string | number)[], ...looks: (string | number)[][]]> = {
  "an entry, of the stream that was looked up last": [
    ["XADD", "s", "3-1", "f", "v"],
    ["XLEN", "s"],
    ["XRANGE", "s", "-", "+"],
    ["XINFO", "STREAM", "s"],
  ],
  "a deleted entry": [
    ["XDEL", "s", "1-1"],
    ["XLEN", "s"],
  ],
  "an acknowledgement": [
    ["XACK", "s", "g", "1-1"],
    ["XPENDING", "s", "g"],
    ["XINFO", "GROUPS", "s"],
    ["XINFO", "CONSUMERS", "s", "g"],
    ["XINFO", "STREAM", "s", "FULL"],
  ],
  "a new stream": [
    ["XADD", "new", "1-1", "f", "v"],
    ["XLEN", "new"],
    ["TYPE", "new"],
  ],
  "a new group": [
    ["XGROUP", "CREATE", "s", "g2", "0"],
    ["XPENDING", "s", "g2"],
    ["XINFO", "GROUPS", "s"],
  ],
  "a stream's expiry": [
    ["PEXPIRE", "s", 1e6],
    ["TTL", "s"],
    ["EXISTS", "s"],
    ["XLEN", "s"],
  ],
  "a stream that has expired": [
    ["PEXPIRE", "s", -1],
    ["XLEN", "s"],
    ["TYPE", "s"],
  ],
  "a stream's other name": [
    ["RENAME", "s", "renamed"],
    ["EXISTS", "s"],
    ["XLEN", "renamed"],
    ["XPENDING", "renamed", "g"],
  ],
  "a stream's copy": [
    ["COPY", "s", "copy"],
    ["EXISTS", "copy"],
    ["XLEN", "copy"],
    ["XINFO", "GROUPS", "copy"],
  ],
  "a key": [
    ["SET", "key", "v"],
    ["GET", "key"],
    ["STRLEN", "key"],
  ],
  "a new hash": [
    ["HSET", "new", "f", "v"],
    ["HGET", "new", "f"],
    ["TYPE", "new"],
  ],
  "a removed field": [
    ["HDEL", "hash", "a"],
    ["HLEN", "hash"],
    ["HMGET", "hash", "a", "b"],
  ],
  "a field of a large hash": [
    ["HINCRBY", "large", "n", 1],
    ["HGETALL", "large"],
    ["HSCAN", "large", 0],
  ],
  "a large hash's other name": [
    ["RENAME", "large", "renamed"],
    ["EXISTS", "large"],
    ["HLEN", "renamed"],
  ],
  "a new sorted set": [
    ["ZADD", "new", 1, "a"],
    ["ZSCORE", "new", "a"],
    ["ZUNION", 2, "sorted", "new"],
    ["GEOPOS", "new", "a"],
  ],
  "a score": [
    ["ZINCRBY", "sorted", 5, "a"],
    ["ZRANK", "sorted", "a"],
    ["ZRANGE", "sorted", 0, -1],
    ["ZCARD", "sorted"],
  ],
  "what a large sorted set has lost": [
    ["ZPOPMIN", "largeSorted", 3],
    ["ZRANGEBYSCORE", "largeSorted", 0, 9],
    ["ZCOUNT", "largeSorted", 0, 9],
    ["ZSCAN", "largeSorted", 0],
  ],
  "a stored range": [
    ["ZRANGESTORE", "to", "largeSorted", 0, -1],
    ["ZCARD", "to"],
    ["EXISTS", "to"],
  ],
  "a new set": [
    ["SADD", "new", "a"],
    ["SISMEMBER", "new", "a"],
    ["SUNION", "set", "new"],
  ],
  "a member that moved": [
    ["SMOVE", "set", "elsewhere", "a"],
    ["SCARD", "set"],
    ["SMEMBERS", "elsewhere"],
  ],
  "members of a large set": [
    ["SPOP", "largeSet", 3],
    ["SMEMBERS", "largeSet"],
    ["SSCAN", "largeSet", 0],
    ["SRANDMEMBER", "largeSet", 5],
  ],
  "a large set that was taken whole": [
    ["SPOP", "largeSet", 1000],
    ["EXISTS", "largeSet"],
  ],
  "what is stored of sets": [
    ["SUNIONSTORE", "stored", "set", "largeSet"],
    ["SCARD", "stored"],
    ["SINTERCARD", 2, "set", "stored"],
    ["SDIFF", "set", "stored"],
  ],
  "a large hash's copy": [
    ["COPY", "large", "copy"],
    ["HLEN", "copy"],
  ],
};

const takesName: ReadonlySet<string> = new Set(["a stream that has expired", "a stream's other name"]);

for (const [name, [change, ...asked]] of Object.entries(looks)) {
  for (const look of asked) {
    test(`${look.join(" ")} waits for ${name} that is not written`, async () => {
      const failing = await FailingDisk.open(...stream, ...values, ["SET", "present", "v"]);
      failing.fail();
      // In the same turn and in a later one.
      const changer = failing.rig.connect("redis");
      changer.send(words(...change));
      const first = failing.look(...look);
      const second = failing.look(...look);
      assert.deepEqual([first.heard, second.heard, changer.take().toString()], ["", "", ""]);
      assert.equal(failing.ask("GET", "present"), "$1\r\nv\r\n", "others are answered");
      // Where a stream's name is gone, any name that is not there may be it.
      if (!takesName.has(name)) assert.equal(failing.ask("GET", "other"), "$-1\r\n", "others are answered");
      failing.recover();
      for (const { peer } of [first, second]) assert.notEqual(peer.take().length, 0);
    });
  }
}

test("what changes while nothing can be written is not told either, before or behind the next attempt", async () => {
  const failing = await FailingDisk.open(...stream);
  failing.fail();
  failing.ask("SET", "key", "v");
  const changer = failing.rig.connect("redis");
  changer.send(words("XACK", "s", "g", "1-1"));
  // One turn with it.
  assert.equal(failing.ask("XPENDING", "s", "g"), "");
  assert.equal(failing.ask("XPENDING", "s", "g"), "");
});

test("of records of every kind in one tick, each tells of its own keys alone", async () => {
  const failing = await FailingDisk.open(...stream, ...values, ["SET", "old", "v"], ["SET", "gone", "v"]);
  failing.fail();
  const changer = failing.rig.connect("redis");
  const changes = [
    ["HSET", "one", "f", "v", "g", "w"],
    ["SET", "two", "value", "PX", 1e6],
    ["HDEL", "hash", "a"],
    ["APPEND", "old", "more"],
    ["COPY", "large", "three"],
    ["PEXPIRE", "three", 1e6],
    ["RENAME", "three", "four"],
    ["DEL", "gone"],
    ["HSET", "five", "f", "v"],
    ["SADD", "six", "f", "g"],
    ["SREM", "set", "a"],
    ["SUNIONSTORE", "seven", "largeSet", "set"],
    ["ZADD", "eight", 1, "f", 2, "g"],
    ["ZREM", "sorted", "a"],
    ["ZUNIONSTORE", "nine", 1, "largeSorted"],
  ];
  changer.send(Buffer.concat(changes.map((change) => words(...change))));
  failing.rig.settle();
  const asked = [
    "one",
    "two",
    "hash",
    "old",
    "large",
    "three",
    "four",
    "gone",
    "five",
    "six",
    "set",
    "seven",
    "eight",
    "sorted",
    "nine",
  ];
  for (const key of asked) assert.equal(failing.ask("EXISTS", key), "", key);
  for (const key of ["f", "g", "v", "value", "more", "other"])
    assert.equal(failing.ask("EXISTS", key), ":0\r\n", key);
});

test("a long hash is read in slices while nothing can be written", async () => {
  const failing = await FailingDisk.open(...values);
  failing.fail();
  failing.ask("SET", "key", "v");
  const pair = (i: number): number => words(`f${i}`, "v").length - "*2\r\n".length;
  const bytes = Array.from({ length: largeFields }, (_, i) => pair(i)).reduce((sum, size) => sum + size);
  assert.equal(failing.ask("HGETALL", "large").length, `*${2 * largeFields}\r\n`.length + bytes);
});

test("a pipeline that takes several turns is answered while nothing can be written, and so is a long reply", async () => {
  const entries = Array.from({ length: 3000 }, (_, i) => ["XADD", "long", `${i + 1}-1`, "f", "v"]);
  const failing = await FailingDisk.open(...entries);
  failing.fail();
  failing.ask("SET", "key", "v");
  assert.equal(failing.ask("PING"), "+PONG\r\n");

  const count = 50_000;
  const peer = failing.rig.connect("redis");
  const { turnsContinued } = failing.rig.broker.work;
  const one = words("GET", "other");
  peer.send(Buffer.alloc(one.length * count, one));
  for (let i = 0; i < 100; i++) failing.rig.settle();
  assert.ok(failing.rig.broker.work.turnsContinued > turnsContinued, "it took one turn");
  assert.equal(peer.take().length, "$-1\r\n".length * count);

  const reader = failing.rig.connect("redis");
  reader.send(words("XRANGE", "long", "-", "+"));
  for (let i = 0; i < 100; i++) failing.rig.settle();
  assert.match(reader.take().toString(), /^\*3000\r\n/);
});

test("a client that ends its side gets its last answer while nothing can be written", async () => {
  const failing = await FailingDisk.open();
  failing.fail();
  failing.ask("SET", "key", "v");
  const peer = failing.rig.connect("redis");
  peer.send(words("PING"));
  peer.connection.peerEnded();
  failing.rig.settle();
  assert.equal(peer.take().toString(), "+PONG\r\n");
});

function kafkaFrame<N extends ApiName>(name: N, version: number, body: RequestInput<N>): Buffer {
  const writer = new ByteWriter();
  encodeRequest(writer, name, { version, correlationId: 1, clientId: "c" }, body);
  return writer.copy();
}

const fetchOffsets = (topics: RequestInput<"OffsetFetch">["topics"]): Buffer =>
  kafkaFrame("OffsetFetch", 5, { groupId: "g", topics });
const offsetFetches = {
  "a named partition": () => fetchOffsets([{ name: "s", partitionIndexes: [0] }]),
  "all that the group has": () => fetchOffsets(null),
};

for (const [name, frame] of Object.entries(offsetFetches)) {
  test(`OffsetFetch of ${name} waits for a commit that is not written`, async () => {
    const failing = await FailingDisk.open(["XADD", "s", "1-1", "f", "v"]);
    const { rig } = failing;
    const commit = (committedOffset: number): Peer => {
      const peer = rig.connect("kafka");
      const partitions = [{ partitionIndex: 0, committedOffset, committedMetadata: "" }];
      peer.send(
        kafkaFrame("OffsetCommit", 2, {
          groupId: "g",
          generationIdOrMemberEpoch: -1,
          memberId: "",
          retentionTimeMs: -1,
          topics: [{ name: "s", partitions }],
        }),
      );
      return peer;
    };
    const fetched = (): Buffer => {
      const peer = rig.connect("kafka");
      peer.send(frame());
      rig.settle();
      return peer.take();
    };
    commit(5);
    rig.settle();
    const before = fetched();
    assert.ok(before.length > 0);
    failing.fail();
    failing.ask("SET", "key", "v");
    assert.deepEqual(fetched(), before, "what is written is told");
    commit(7);
    assert.equal(fetched().length, 0);
    assert.equal(fetched().length, 0);
    failing.recover();
    assert.notDeepEqual(fetched(), before);
  });
}

async function amqpPeer(rig: Rig): Promise<Peer> {
  const peer = rig.connect("amqp");
  for (const bytes of [handshake(), openChannel(1)]) {
    peer.send(bytes);
    rig.settle();
  }
  return peer;
}

const declareDurable = method(1, 50, 10, uint(2, 0), shortText("q"), Buffer.of(2), uint(4, 0));
const lookAtQueue = method(1, 50, 10, uint(2, 0), shortText("q"), Buffer.of(1), uint(4, 0));

test("a passive declare waits for what was taken out of the queue and is not written", async () => {
  const failing = await FailingDisk.open();
  const { rig } = failing;
  const peer = await amqpPeer(rig);
  const message = publish(1, "", "q", Buffer.from("m"));
  peer.send(Buffer.concat([declareDurable, message, message]));
  rig.settle();
  const counted = async (): Promise<Buffer> => {
    const looker = await amqpPeer(rig);
    looker.take();
    looker.send(Buffer.from(lookAtQueue));
    rig.settle();
    return looker.take();
  };
  const before = await counted();
  failing.fail();
  failing.ask("SET", "key", "v");
  assert.deepEqual(await counted(), before, "what is written is told");
  peer.send(method(1, 60, 70, uint(2, 0), shortText("q"), Buffer.of(1)));
  assert.equal((await counted()).length, 0);
  assert.equal((await counted()).length, 0);
  failing.recover();
  assert.notDeepEqual(await counted(), before);
});

test("a change without an answer of its own: the later answers of its connection wait, those of others do not", async () => {
  const qos = method(1, 60, 10, uint(4, 0), uint(2, 1), Buffer.of(0));
  for (const isKnown of [false, true]) {
    const failing = await FailingDisk.open();
    const { rig } = failing;
    const changer = await amqpPeer(rig);
    const other = await amqpPeer(rig);
    changer.send(Buffer.concat([declareDurable, publish(1, "", "q", Buffer.from("m"))]));
    changer.send(method(1, 60, 70, uint(2, 0), shortText("q"), Buffer.of(0)));
    rig.settle();
    for (const peer of [changer, other]) peer.take();
    failing.fail();
    if (isKnown) failing.ask("SET", "key", "v");
    const acknowledgement = method(1, 60, 80, uint(8, 1), Buffer.of(0));
    changer.send(Buffer.from(acknowledgement));
    rig.settle();
    for (const peer of [changer, other]) peer.send(Buffer.from(qos));
    rig.settle();
    assert.equal(changer.take().length, 0);
    assert.notEqual(other.take().length, 0);
    failing.recover();
    assert.notEqual(changer.take().length, 0);
  }
});

test("an AMQP client's frames that take several turns are answered while nothing can be written", async () => {
  const failing = await FailingDisk.open();
  const { rig } = failing;
  const peer = await amqpPeer(rig);
  peer.send(Buffer.from(declareDurable));
  rig.settle();
  peer.take();
  failing.fail();
  failing.ask("SET", "key", "v");
  const count = 20_000;
  const { turnsContinued } = rig.broker.work;
  peer.send(Buffer.alloc(lookAtQueue.length * count, lookAtQueue));
  for (let i = 0; i < 100; i++) rig.settle();
  assert.ok(rig.broker.work.turnsContinued > turnsContinued, "it took one turn");
  const answer = method(1, 50, 11, shortText("q"), uint(4, 0), uint(4, 0));
  assert.equal(peer.take().length, answer.length * count);
});

test("the changes that are not written are read once, however often a client asks after keys amid more of them", async () => {
  const count = 2000;
  const failing = await FailingDisk.open();
  const { rig } = failing;
  const { unwritten } = rig.broker.storage;
  let bytes = 0;
  const each = unwritten.eachNewChange.bind(unwritten);
  unwritten.eachNewChange = (source, seen, visit) =>
    each(source, seen, (changes, start, end) => {
      bytes += end - start;
      visit(changes, start, end);
    });
  failing.fail();
  const many = Array.from({ length: count }, (_, i) => words("SET", `key${i}`, "v", "PX", 1000 + i));
  const setter = rig.connect("redis");
  setter.send(Buffer.concat(many));
  rig.settle();
  // Each look removes a key whose time has come, which is one change more.
  rig.time.jump(60_000);
  const peer = rig.connect("redis");
  for (let i = 0; i < count; i++) peer.send(words("GET", `key${i}`));
  const changed = count * 100;
  assert.ok(bytes > 0 && bytes < changed * 3, `${bytes} bytes were read of about ${changed}`);
});
