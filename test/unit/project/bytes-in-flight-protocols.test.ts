/**
 * What each protocol's sessions hold of things that are not whole is in the account while they hold it, and no longer:
 * protocol x unfinished thing x how it ends.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type Peer, Rig } from "../../../fuzz/rig.ts";
import { ByteWriter } from "../../../src/base/bytes.ts";
import { limits } from "../../../src/base/limits.ts";
import type { Protocol } from "../../../src/protocols/contract.ts";
import type { RedisSession } from "../../../src/protocols/redis/session.ts";
import { encodeRequest } from "../../../src/protocols/kafka/wire/codec.ts";
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

const bodyBytes = 300_000;

interface Thing {
  readonly protocol: Protocol["name"];
  /** What comes before. */
  readonly before: Buffer;
  /** What is held after `begin`, and let go of after `end`. */
  readonly begin: Buffer;
  readonly end: Buffer;
  /** What another connection sends to the same end. */
  readonly byAnother?: Buffer;
  /** What the peer hears when it is refused. */
  readonly refusal: RegExp;
}

function words(...parts: (string | Buffer)[]): Buffer {
  const bulks = parts.map((part) =>
    Buffer.concat([Buffer.from(`$${Buffer.byteLength(part)}\r\n`), Buffer.from(part), Buffer.from("\r\n")]),
  );
  return Buffer.concat([Buffer.from(`*${parts.length}\r\n`), ...bulks]);
}

function cut(bytes: Buffer, at: number): { begin: Buffer; end: Buffer } {
  return { begin: bytes.subarray(0, at), end: bytes.subarray(at) };
}

const publish = Buffer.concat([
  method(1, 60, 40, uint(2, 0), shortText(""), shortText("q"), uint(1, 0)),
  frame(2, 1, uint(2, 60), uint(2, 0), uint(8, bodyBytes), uint(2, 0)),
  ...[0, 1, 2].map(() => frame(3, 1, Buffer.alloc(bodyBytes / 3))),
]);
const table = Buffer.concat([shortText("key"), Buffer.from("S"), longText(Buffer.alloc(20_000))]);
const publishWithHeaders = Buffer.concat([
  method(1, 60, 40, uint(2, 0), shortText(""), shortText("q"), uint(1, 0)),
  frame(2, 1, uint(2, 60), uint(2, 0), uint(8, 5), uint(2, 0x2000), longText(table)),
  frame(3, 1, Buffer.from("hello")),
]);
const handshake = Buffer.concat([
  protocolHeader,
  startOk("guest", "guest", ["authentication_failure_close"]),
  tuneOk(100, 131_072, 0),
  open("/"),
  method(1, 20, 10, shortText("")),
]);
const settled = (delivered: Buffer): Buffer => Buffer.concat([handshake, delivered]);

function kafkaFrame(): Buffer {
  const writer = new ByteWriter();
  const head = { version: 1, correlationId: 1, clientId: "x".repeat(30_000) };
  encodeRequest(writer, "SaslHandshake", head, { mechanism: "PLAIN" });
  return writer.copy();
}

const amqpRefusal = /RESOURCE_ERROR/;
const redisRefusal = /-OOM/;
const set = words("SET", "key", Buffer.alloc(bodyBytes));

const things: Readonly<Record<string, Thing>> = {
  "an AMQP body": {
    protocol: "amqp",
    before: handshake,
    ...cut(publish, 250_000),
    refusal: amqpRefusal,
  },
  "an AMQP frame": {
    protocol: "amqp",
    before: handshake,
    ...cut(publish, 50_000),
    refusal: amqpRefusal,
  },
  "a large AMQP content header": {
    protocol: "amqp",
    before: handshake,
    ...cut(publishWithHeaders, publishWithHeaders.indexOf(Buffer.of(0xce, 3, 0, 1)) + 1),
    refusal: amqpRefusal,
  },
  "an AMQP transaction that is committed": {
    protocol: "amqp",
    before: settled(method(1, 90, 10)),
    begin: publish,
    end: method(1, 90, 20),
    refusal: amqpRefusal,
  },
  "an AMQP transaction that is rolled back": {
    protocol: "amqp",
    before: settled(method(1, 90, 10)),
    begin: publish,
    end: method(1, 90, 30),
    refusal: amqpRefusal,
  },
  "an AMQP body and a transaction whose channel closes": {
    protocol: "amqp",
    before: settled(method(1, 90, 10)),
    begin: Buffer.concat([publish, method(2, 20, 10, shortText("")), cut(publish, 250_000).begin]),
    end: Buffer.concat([
      cut(publish, 250_000).end,
      method(1, 20, 40, uint(2, 200), shortText(""), uint(4, 0)),
    ]),
    refusal: amqpRefusal,
  },
  "a Redis request": {
    protocol: "redis",
    before: words("PING"),
    ...cut(set, 200_000),
    refusal: redisRefusal,
  },
  "a Redis request of many arguments": {
    protocol: "redis",
    before: words("PING"),
    ...cut(words("DEL", ...Array.from({ length: 20_000 }, (_, i) => `k${i}`)), 150_000),
    refusal: redisRefusal,
  },
  "a MULTI queue that runs": {
    protocol: "redis",
    before: words("MULTI"),
    begin: Buffer.concat([set, set]),
    end: words("EXEC"),
    refusal: redisRefusal,
  },
  "a MULTI queue that is discarded": {
    protocol: "redis",
    before: words("MULTI"),
    begin: set,
    end: words("DISCARD"),
    refusal: redisRefusal,
  },
  "Redis requests behind a read that blocks": {
    protocol: "redis",
    before: words("DEL", "s"),
    begin: Buffer.concat([words("XREAD", "BLOCK", "0", "STREAMS", "s", "$"), set]),
    end: Buffer.alloc(0),
    byAnother: words("XADD", "s", "*", "field", "value"),
    refusal: redisRefusal,
  },
  "a Kafka frame": {
    protocol: "kafka",
    before: kafkaFrame(),
    ...cut(kafkaFrame(), 20_000),
    refusal: /^/,
  },
};

const endings: Readonly<Record<string, (rig: Rig, peer: Peer, thing: Thing) => void>> = {
  "it becomes whole": (rig, peer, { protocol, end, byAnother }) => {
    peer.send(Buffer.from(end));
    if (byAnother !== undefined) rig.connect(protocol).send(Buffer.from(byAnother));
    rig.settle();
    assert.equal(peer.isClosed, false);
  },
  "the connection dies": (_rig, peer) => peer.destroy(),
  "it is refused": (rig, peer, { refusal }) => {
    peer.take();
    peer.connection.refuse();
    rig.settle();
    assert.match(peer.take().toString("latin1"), refusal);
  },
};

for (const [name, thing] of Object.entries(things)) {
  for (const [how, finish] of Object.entries(endings)) {
    test(`${name} is accounted until ${how}`, async () => {
      const rig = await Rig.open();
      const peer = rig.connect(thing.protocol);
      peer.send(Buffer.from(thing.before));
      rig.settle();
      const { inFlight } = rig.broker;
      assert.equal(inFlight.total, 0);
      peer.send(Buffer.from(thing.begin));
      rig.settle();
      assert.ok(inFlight.total >= 16_000, `${inFlight.total} bytes`);
      finish(rig, peer, thing);
      // Of a frame that is cut the rest may still come, before the answer to our close.
      const bytesLeftMax = thing.protocol === "amqp" && !peer.isClosed ? limits.amqpFrameBytesMax : 0;
      assert.ok(inFlight.total <= bytesLeftMax, `${inFlight.total} bytes`);
      peer.destroy();
      assert.equal(inFlight.total, 0);
    });
  }
}

test("what members of Kafka groups leave behind is in the account until they are gone", async () => {
  const rig = await Rig.open();
  const { inFlight } = rig.broker;
  const peer = rig.connect("kafka");
  const writer = new ByteWriter();
  encodeRequest(
    writer,
    "JoinGroup",
    { version: 3, correlationId: 1, clientId: "" },
    {
      groupId: "g",
      sessionTimeoutMs: 30_000,
      rebalanceTimeoutMs: 30_000,
      memberId: "",
      protocolType: "consumer",
      protocols: [{ name: "range", metadata: Buffer.alloc(500_000) }],
    },
  );
  peer.send(writer.copy());
  rig.settle();
  assert.ok(inFlight.total >= 500_000, `${inFlight.total} bytes`);
  peer.destroy();
  rig.settle();
  assert.ok(inFlight.total >= 500_000, "until its session ends");
  for (let i = 0; i < 100 && inFlight.total > 0; i++) {
    rig.time.advance(1000);
    rig.settle();
  }
  assert.equal(inFlight.total, 0);
});

const replyKeys = 60;

/** A connection that asked for 18 MB and takes none of it. */
function longReply(rig: Rig): Peer {
  const peer = rig.connect("redis");
  peer.send(Buffer.from(set));
  rig.settle();
  peer.take();
  peer.isStuck = true;
  peer.send(words("MGET", ...Array.from({ length: replyKeys }, () => "key")));
  rig.settle();
  return peer;
}

test("a long Redis reply is in the account until it is taken, and so is the request that it answers", async () => {
  const rig = await Rig.open();
  const { inFlight } = rig.broker;
  const peer = longReply(rig);
  assert.ok(inFlight.total >= replyKeys * bodyBytes, `${inFlight.total} bytes`);
  peer.isStuck = false;
  for (let i = 0; i < 100 && inFlight.total > 0; i++) {
    peer.connection.drained();
    rig.settle();
  }
  assert.ok(peer.sizeReceived > replyKeys * bodyBytes);
  assert.equal(inFlight.total, 0);

  const names = Array.from({ length: 20_000 }, (_, i) => `absent${i}`);
  peer.send(words("DEL", ...names));
  assert.ok(inFlight.total >= 300_000, `${inFlight.total} bytes`);
  rig.settle();
  assert.equal(inFlight.total, 0);
  // The connection is idle now.
  const { context } = peer.connection.session as RedisSession;
  assert.ok(context.request.memoryBytes < 10_000, `${context.request.memoryBytes} bytes`);
});

test("a long Redis reply is let go of with its connection", async () => {
  const rig = await Rig.open();
  const { inFlight } = rig.broker;
  longReply(rig).destroy();
  assert.equal(inFlight.total, 0);
});

test("long Redis replies are gathered up to the bound, not for each connection", async () => {
  const rig = await Rig.open(64 << 20);
  const { inFlight } = rig.broker;
  const peers = Array.from({ length: 8 }, () => longReply(rig));
  assert.ok(inFlight.total <= inFlight.bytesMax, `${inFlight.total} bytes`);
  for (const peer of peers) {
    peer.isStuck = false;
    for (let i = 0; i < 100 && peer.sizeReceived < 100; i++) {
      peer.connection.drained();
      rig.settle();
    }
  }
  const refused = peers.filter((peer) => peer.take().toString("latin1", 0, 10).startsWith("-OOM"));
  assert.ok(refused.length >= 4 && refused.length < 8, `${refused.length} refused`);
});

/** What leaves a buffer behind that is kept for the next one: below the size of those that go from hand to hand. */
const idlers: Readonly<Record<string, (rig: Rig) => Peer>> = {
  "a Redis reply": (rig) => {
    const peer = rig.connect("redis");
    peer.send(words("SETNX", "key", Buffer.alloc(100_000)));
    rig.settle();
    peer.send(words("GET", "key"));
    return peer;
  },
  "an AMQP message": (rig) => {
    const peer = rig.connect("amqp");
    peer.send(Buffer.from(handshake));
    peer.send(method(1, 60, 40, uint(2, 0), shortText(""), shortText("q"), uint(1, 0)));
    peer.send(frame(2, 1, uint(2, 60), uint(2, 0), uint(8, 100_000), uint(2, 0)));
    for (const part of [1, 2]) peer.send(frame(3, 1, Buffer.alloc(50_000, part)));
    return peer;
  },
};

for (const [name, begin] of Object.entries(idlers)) {
  test(`connections that keep a buffer of ${name} do not make memory short for others`, async () => {
    const rig = await Rig.open(64 << 20);
    const { inFlight } = rig.broker;
    let most = 0;
    for (let i = 0; i < 400; i++) {
      const peer = begin(rig);
      rig.settle();
      assert.equal(peer.connection.outputBytes, 0);
      most = Math.max(most, inFlight.total);
    }
    assert.ok(most > 10 << 20, `${most} bytes: there is nothing to give back`);
    assert.equal(inFlight.isOver, false, `${inFlight.total} bytes`);
  });
}
