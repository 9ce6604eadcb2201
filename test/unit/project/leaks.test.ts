/**
 * What clients do and undo leaves nothing behind: after some rounds, in which pools fill, one more changes the size of no
 * table, set, list or buffer in the broker and the servers of all protocols.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type Peer, Rig } from "../../../fuzz/rig.ts";
import { ByteWriter } from "../../../src/base/bytes.ts";
import type { AmqpSession } from "../../../src/protocols/amqp/core/session.ts";
import {
  type ApiName,
  decodeResponse,
  encodeRequest,
  type RequestInput,
  type ResponseBody,
} from "../../../src/protocols/kafka/wire/codec.ts";
import type { RedisSession } from "../../../src/protocols/redis/session.ts";
import { makeBatch } from "../../../sim/clients/kafka-batch.ts";
import {
  frame,
  longText,
  method,
  open,
  protocolHeader,
  shortText,
  startOk,
  tuneOk,
  uint,
} from "../../support/amqp-frames.ts";
import { countMethods } from "../../support/counted-amqp.ts";
import { type Census, censusOf, differenceOf } from "../../support/census.ts";

const rounds = 3;
const inRound = 40;
const options = {
  skip: process.versions.bun === undefined ? false : "private fields are read by Node's inspector",
};

/** Never change, or are the test's own. */
const left = new Set([
  "RedisServer.commands",
  "RedisServer.commandRules",
  "RedisServer.firstSpec",
  "RedisServer.settings",
  "RedisServer.errorCounts",
  // Samples of unroutable messages, bounded in number and bytes (look-unroutable.test.ts).
  "UnroutableMessages.#all",
  "UnroutableMessages.#byExchange",
  "UnroutableRoom.#all",
]);

interface Servers {
  readonly rig: Rig;
  readonly roots: Readonly<Record<string, object>>;
}

async function serversOf(): Promise<Servers> {
  const rig = await Rig.open();
  const of = (name: "redis" | "amqp" | "kafka"): unknown => {
    const peer = rig.connect(name);
    const { session } = peer.connection;
    peer.end();
    return session;
  };
  const { server } = (of("redis") as RedisSession).context;
  const roots = {
    broker: rig.broker,
    time: rig.time,
    redis: server,
    kafka: (of("kafka") as { server: object }).server,
    amqp: (of("amqp") as AmqpSession).server,
  };
  return { rig, roots };
}

async function assertLeavesNothing(round: (rig: Rig, number: number) => void): Promise<void> {
  const { rig, roots } = await serversOf();
  const rest = (): Census => {
    rig.settle();
    // Whatever has a time to live, or a session, is over.
    for (let i = 0; i < 40; i++) {
      rig.time.advance(1000);
      rig.settle();
    }
    return censusOf(roots, left);
  };
  for (let i = 0; i < rounds; i++) round(rig, i);
  const before = rest();
  assert.ok(Object.keys(before).length > 100, `a census of ${Object.keys(before).length} things`);
  round(rig, rounds);
  assert.deepEqual(differenceOf(before, rest()), {});
  assert.deepEqual(rig.errors, []);
}

// Redis

function words(...parts: (string | number)[]): Buffer {
  const bulks = parts.map((part) => `$${Buffer.byteLength(String(part))}\r\n${part}\r\n`);
  return Buffer.from(`*${parts.length}\r\n${bulks.join("")}`);
}

type Ask = (...parts: (string | number)[]) => string;

function redis(rig: Rig): { peer: Peer; ask: Ask } {
  const peer = rig.connect("redis");
  const ask: Ask = (...parts) => {
    peer.send(words(...parts));
    rig.settle();
    const reply = peer.take().toString();
    assert.ok(!reply.startsWith("-"), `${parts.join(" ")}: ${reply}`);
    return reply;
  };
  return { peer, ask };
}

function redisRound(use: (ask: Ask, key: string) => void): (rig: Rig, number: number) => void {
  return (rig, number) => {
    const { peer, ask } = redis(rig);
    for (let i = 0; i < inRound; i++) use(ask, `k${number}.${i}`);
    peer.end();
    rig.settle();
  };
}

const redisUses: Readonly<Record<string, (ask: Ask, key: string) => void>> = {
  "keys that are set and deleted": (ask, key) => {
    ask("SET", key, "x".repeat(300));
    ask("DEL", key);
  },
  "keys that expire": (ask, key) => void ask("SET", key, "v", "PX", 500),
  "keys that are watched": (ask, key) => {
    ask("WATCH", key, `${key}.other`);
    ask("UNWATCH");
    ask("WATCH", key);
    ask("MULTI");
    ask("GET", key);
    ask("EXEC");
    ask("WATCH", key);
  },
  "channels and patterns": (ask, key) => {
    ask("HELLO", 3);
    ask("SUBSCRIBE", key);
    ask("PSUBSCRIBE", `${key}*`);
    ask("SSUBSCRIBE", key);
    ask("PUBLISH", key, "m");
    ask("UNSUBSCRIBE", key);
    ask("PUNSUBSCRIBE", `${key}*`);
    ask("SUNSUBSCRIBE", key);
  },
  "subscribers that go without a word": (ask, key) => {
    ask("SUBSCRIBE", key);
    ask("PSUBSCRIBE", `${key}*`);
    ask("SSUBSCRIBE", key);
  },
  "streams with groups": (ask, key) => {
    ask("XADD", key, "*", "f", "v");
    ask("XGROUP", "CREATE", key, "g", 0);
    ask("XREADGROUP", "GROUP", "g", "c", "STREAMS", key, ">");
    ask("XGROUP", "DELCONSUMER", key, "g", "c");
    ask("XGROUP", "DESTROY", key, "g");
    ask("DEL", key);
  },
  "streams that expire, are renamed and copied": (ask, key) => {
    for (const [command, ...rest] of [
      ["XADD", key, "1-1", "f", "v"],
      ["XADD", key, "2-1", "f", "v"],
      ["XGROUP", "CREATE", key, "g", 0],
      ["XREADGROUP", "GROUP", "g", "c", "STREAMS", key, ">"],
      ["XDEL", key, "1-1"],
      ["PEXPIRE", key, 100_000],
      ["PEXPIRE", key, 200_000],
      ["RENAME", key, `${key}.renamed`],
      ["COPY", `${key}.renamed`, `${key}.copy`],
      ["COPY", `${key}.renamed`, `${key}.copy`, "REPLACE"],
      ["MOVE", `${key}.copy`, 1],
      ["DUMP", `${key}.renamed`],
      ["PEXPIRE", `${key}.renamed`, 500],
      ["SELECT", 1],
      ["PERSIST", `${key}.copy`],
      ["DEL", `${key}.copy`],
      ["SELECT", 0],
    ] as const)
      ask(command, ...rest);
  },
  "a group of one stream that stays": (ask, key) => {
    ask("XADD", "stays", "*", "f", "v");
    ask("XGROUP", "CREATE", "stays", key, 0);
    ask("XREADGROUP", "GROUP", key, "c", "COUNT", 1, "STREAMS", "stays", ">");
    ask("XGROUP", "DESTROY", "stays", key);
    ask("XTRIM", "stays", "MAXLEN", 0);
  },
  "reads that wait and time out": (ask, key) =>
    void ask("XREAD", "BLOCK", 100, "STREAMS", "none", key, "$", "$"),
  "databases that are swapped and flushed": (ask, key) => {
    ask("SET", key, "v");
    ask("SWAPDB", 0, 3);
    ask("SWAPDB", 0, 3);
    ask("FLUSHDB");
  },
};

for (const [what, use] of Object.entries(redisUses))
  test(`redis: ${what}`, options, () => assertLeavesNothing(redisRound(use)));

test("redis: connections that go while they wait", options, () =>
  assertLeavesNothing((rig, number) => {
    for (let i = 0; i < inRound; i++) {
      const { peer, ask } = redis(rig);
      ask("WATCH", `k${number}.${i}`);
      ask("XREAD", "BLOCK", 0, "STREAMS", `s${number}.${i}`, "$");
      peer.end();
      rig.settle();
    }
  }),
);

// AMQP

const noArguments = uint(4, 0);
const argument = (name: string, value: Buffer): Buffer => Buffer.concat([shortText(name), value]);

function amqp(rig: Rig): { peer: Peer; ask: (...pieces: Buffer[]) => Buffer } {
  const peer = rig.connect("amqp");
  const ask = (...pieces: Buffer[]): Buffer => {
    peer.send(Buffer.concat(pieces));
    rig.settle();
    const answer = peer.take();
    assert.equal(countMethods(answer, 20, 40) + countMethods(answer, 10, 50), 0, answer.toString("latin1"));
    return answer;
  };
  ask(Buffer.from(protocolHeader));
  ask(startOk("guest", "guest"));
  ask(tuneOk(100, 131_072, 0), open("/"));
  ask(method(1, 20, 10, shortText("")));
  return { peer, ask };
}

const declare = (name: string, table: Buffer = noArguments, bits = 0): Buffer =>
  method(1, 50, 10, uint(2, 0), shortText(name), Buffer.of(bits), table);
const remove = (name: string): Buffer => method(1, 50, 40, uint(2, 0), shortText(name), Buffer.of(0));
const publish = (exchange: string, key: string): Buffer =>
  Buffer.concat([
    method(1, 60, 40, uint(2, 0), shortText(exchange), shortText(key), Buffer.of(0)),
    frame(2, 1, uint(2, 60), uint(2, 0), uint(8, 3), uint(2, 0)),
    frame(3, 1, Buffer.from("abc")),
  ]);
const bind = (id: number, queue: string, exchange: string, key: string): Buffer =>
  id === 20
    ? method(
        1,
        50,
        20,
        uint(2, 0),
        shortText(queue),
        shortText(exchange),
        shortText(key),
        Buffer.of(0),
        noArguments,
      )
    : method(1, 50, 50, uint(2, 0), shortText(queue), shortText(exchange), shortText(key), noArguments);
const consume = (queue: string, tag: string, table: Buffer = noArguments): Buffer =>
  method(1, 60, 20, uint(2, 0), shortText(queue), shortText(tag), Buffer.of(0), table);
const cancel = (tag: string): Buffer => method(1, 60, 30, shortText(tag), Buffer.of(0));
const get = (queue: string): Buffer => method(1, 60, 70, uint(2, 0), shortText(queue), Buffer.of(0));
const ackAll: Buffer = method(1, 60, 80, uint(8, 0), Buffer.of(1));
const priority = (value: number): Buffer =>
  longText(argument("x-priority", Buffer.concat([Buffer.from("I"), uint(4, value)])));

type Use = (ask: (...pieces: Buffer[]) => Buffer, name: string, i: number) => void;
/** No two consumers have the same. */
let priorities = 0;

const amqpUses: Readonly<Record<string, Use>> = {
  "queues that are declared, used and deleted": (ask, name) => {
    ask(declare(name), publish("", name), get(name), ackAll, publish("", name), remove(name));
  },
  "bindings of a queue that stays": (ask, name) => {
    ask(declare("stays"));
    for (const exchange of ["amq.topic", "amq.direct", "amq.fanout"]) {
      const key = `${name}.*.#`;
      ask(
        bind(20, "stays", exchange, key),
        publish(exchange, `${name}.a.b`),
        bind(50, "stays", exchange, key),
      );
    }
    ask(method(1, 50, 30, uint(2, 0), shortText("stays"), Buffer.of(0)));
  },
  "consumers with priorities of a queue that stays": (ask, name) => {
    ask(
      declare("stays"),
      consume("stays", name, priority(++priorities)),
      publish("", "stays"),
      ackAll,
      cancel(name),
    );
  },
  "deliveries of many tags of which one is not acknowledged for long": (ask, name, i) => {
    ask(declare("stays"));
    if (i > 0) return;
    ask(consume("stays", name), ...Array.from({ length: 2000 }, () => publish("", "stays")));
    const acks = Array.from({ length: 2000 }, (_, tag) => method(1, 60, 80, uint(8, tag + 1), Buffer.of(0)));
    ask(...acks.slice(1), acks[0]!, cancel(name));
  },
  "transactions, rolled back and committed": (ask, name) => {
    ask(declare("stays"), method(1, 90, 10), publish("", "stays"), method(1, 90, 20), get("stays"), ackAll);
    ask(method(1, 90, 30), ackAll, method(1, 90, 20), declare(name), remove(name));
  },
  "channels that end with all that they have": (ask, name) => {
    ask(declare("stays"), consume("stays", name), publish("", "stays"), publish("", "stays"), get("stays"));
    ask(method(1, 20, 40, uint(2, 200), shortText(""), uint(2, 0), uint(2, 0)));
    ask(method(1, 20, 10, shortText("")), method(1, 50, 30, uint(2, 0), shortText("stays"), Buffer.of(0)));
  },
  "exclusive queues, exchanges and queues that delete themselves": (ask, name) => {
    ask(declare(name, noArguments, 4), declare(`${name}.auto`, noArguments, 8));
    ask(method(1, 40, 10, uint(2, 0), shortText(`${name}.x`), shortText("topic"), Buffer.of(0), noArguments));
    ask(
      bind(20, name, `${name}.x`, "a.#"),
      publish(`${name}.x`, "a.b"),
      consume(`${name}.auto`, name),
      cancel(name),
    );
    ask(method(1, 40, 20, uint(2, 0), shortText(`${name}.x`), Buffer.of(0)), remove(name));
  },
};

for (const [what, use] of Object.entries(amqpUses))
  test(`amqp: ${what}`, options, () =>
    assertLeavesNothing((rig, number) => {
      const { peer, ask } = amqp(rig);
      for (let i = 0; i < inRound; i++) use(ask, `q${number}.${i}`, i);
      peer.end();
      rig.settle();
    }),
  );

// Kafka

class Kafka {
  readonly peer: Peer;
  readonly #rig: Rig;
  #correlationId = 0;

  constructor(rig: Rig) {
    this.#rig = rig;
    this.peer = rig.connect("kafka");
  }

  send<N extends ApiName>(name: N, version: number, body: RequestInput<N>): void {
    const writer = new ByteWriter();
    encodeRequest(writer, name, { version, correlationId: ++this.#correlationId, clientId: "t" }, body);
    this.peer.send(writer.copy());
    this.#rig.settle();
  }

  ask<N extends ApiName>(name: N, version: number, body: RequestInput<N>): ResponseBody<N> {
    this.send(name, version, body);
    const bytes = this.peer.take();
    assert.ok(bytes.length > 4, `${name} was not answered`);
    return decodeResponse(bytes, 4, 4 + bytes.readUInt32BE(0), name, version).body;
  }
}

const join = (groupId: string, memberId: string): RequestInput<"JoinGroup"> => ({
  groupId,
  sessionTimeoutMs: 6000,
  rebalanceTimeoutMs: 6000,
  memberId,
  groupInstanceId: null,
  protocolType: "consumer",
  protocols: [{ name: "range", metadata: Buffer.from("m") }],
});
const createTopic = (name: string, numPartitions: number): RequestInput<"CreateTopics"> => ({
  topics: [{ name, numPartitions, replicationFactor: 1, assignments: [], configs: [] }],
  timeoutMs: 1000,
});
const commit = (groupId: string, name: string): RequestInput<"OffsetCommit"> => ({
  groupId,
  generationIdOrMemberEpoch: -1,
  memberId: "",
  topics: [{ name, partitions: [{ partitionIndex: 0, committedOffset: 1, committedMetadata: "" }] }],
});

const kafkaUses: Readonly<Record<string, (kafka: Kafka, name: string, rig: Rig) => void>> = {
  "topics that are made, written, read and deleted": (kafka, name) => {
    kafka.ask("CreateTopics", 5, createTopic(name, 3));
    const records = makeBatch({
      values: ["a", "b"],
      producerId: 7,
      producerEpoch: 0,
      baseSequence: 0,
      timestamp: 1,
    });
    kafka.ask("Produce", 8, {
      transactionalId: null,
      acks: 1,
      timeoutMs: 1000,
      topicData: [{ name, partitionData: [{ index: 0, records }] }],
    });
    kafka.ask("OffsetCommit", 5, commit(name, name));
    kafka.ask("DeleteTopics", 5, { topicNames: [name], timeoutMs: 1000 });
  },
  "groups that commit and are deleted": (kafka, name) => {
    kafka.send("CreateTopics", 5, createTopic("stays", 1));
    kafka.peer.take();
    kafka.ask("OffsetCommit", 5, commit(name, "stays"));
    kafka.ask("DeleteGroups", 2, { groupsNames: [name] });
  },
  "members that come and leave, and ids that nobody uses": (kafka, name, rig) => {
    kafka.ask("JoinGroup", 5, join(`${name}.idle`, ""));
    const { memberId } = kafka.ask("JoinGroup", 5, join(name, ""));
    kafka.send("JoinGroup", 5, join(name, memberId));
    rig.time.advance(200);
    rig.settle();
    kafka.peer.take();
    kafka.ask("LeaveGroup", 3, { groupId: name, members: [{ memberId, groupInstanceId: null }] });
  },
  "fetches that wait": (kafka, _name, rig) => {
    kafka.send("CreateTopics", 5, createTopic("stays", 1));
    kafka.peer.take();
    kafka.send("Fetch", 11, {
      replicaId: -1,
      maxWaitMs: 100,
      minBytes: 1,
      maxBytes: 1000,
      isolationLevel: 0,
      sessionId: 0,
      sessionEpoch: -1,
      topics: [
        {
          topic: "stays",
          partitions: [
            {
              partition: 0,
              currentLeaderEpoch: -1,
              fetchOffset: 0,
              logStartOffset: -1,
              partitionMaxBytes: 1000,
            },
          ],
        },
      ],
      forgottenTopicsData: [],
      rackId: "",
    });
    rig.time.advance(200);
    rig.settle();
    kafka.peer.take();
  },
};

for (const [what, use] of Object.entries(kafkaUses))
  test(`kafka: ${what}`, options, () =>
    assertLeavesNothing((rig, number) => {
      const kafka = new Kafka(rig);
      for (let i = 0; i < inRound; i++) use(kafka, `t${number}.${i}`, rig);
      kafka.peer.end();
      rig.settle();
    }),
  );

test(
  "the census sees what is left behind: a channel that nobody listens to, in a private field",
  options,
  async () => {
    const { rig, roots } = await serversOf();
    const before = censusOf(roots, left);
    rig.broker.defaultVhost.live.subscribe("c", { liveMessage: () => {} });
    rig.broker.defaultVhost.live.subscribePattern("c*", { liveMessage: () => {} });
    const difference = differenceOf(before, censusOf(roots, left));
    assert.equal(difference["LiveChannels.channels"], "0 -> 1");
    assert.equal(difference["LivePatterns.#byName"], "0 -> 1");
  },
);

test(
  "kafka: ids of exchanges that are gone are no more than of those that are there, and a little",
  options,
  () =>
    serversOf().then(({ rig, roots }) => {
      const vhost = rig.broker.defaultVhost;
      const kafka = new Kafka(rig);
      for (let i = 0; i < 400; i++) {
        const name = `x${i}`;
        const exchange = {
          name,
          type: "fanout" as const,
          durable: false,
          autoDelete: false,
          internal: false,
          args: {},
        };
        vhost.declareExchange(exchange);
        const topics = [{ topicId: "0".repeat(32), name }];
        const {
          topics: [found],
        } = kafka.ask("Metadata", 10, { topics, allowAutoTopicCreation: false });
        assert.equal(found?.errorCode, 0);
        vhost.deleteExchange(vhost.exchange(name));
      }
      // With the exchange that was there when they were looked through last.
      const most = 2 * (vhost.exchanges.size + 1) + 64;
      const census = censusOf(roots, left);
      assert.ok(census["TopicDirectory.#exchangeNumbers"]! <= most, JSON.stringify(census));
      assert.ok(census["TopicDirectory.#nameById"]! <= most);
    }),
);
