/** Invariants that head comments state are looked at: one planted violation for each room is caught where asserts are on. */
import assert from "node:assert/strict";
import { test } from "node:test";
import "../../support/asserts-on.ts";

// Read when the sources are: so these come after it was set.
const { assertsAreOn } = await import("../../../src/base/assert.ts");
const { BytesInFlight } = await import("../../../src/base/bytes-in-flight.ts");
const { giveLargeBuffer } = await import("../../../src/base/large-buffers.ts");
const { ByteWriter } = await import("../../../src/base/bytes.ts");
const { EntryId } = await import("../../../src/message/entry-id.ts");
const { KafkaBatchBuilder } = await import("../../../src/message/kafka/batch-builder.ts");
const { FrameIndex } = await import("../../../src/storage/log/frame-index.ts");
const { OffsetSet } = await import("../../../src/storage/log/offset-set.ts");
const { KeyTable } = await import("../../../src/keyspace/key-table.ts");
const { NetConnection } = await import("../../../src/net/connection.ts");
const { Unacked } = await import("../../../src/protocols/amqp/channel/unacked.ts");
const { Confirms } = await import("../../../src/protocols/amqp/channel/confirms.ts");
const { GroupRoom } = await import("../../../src/protocols/kafka/groups/room.ts");
const { Group } = await import("../../../src/protocols/kafka/groups/group.ts");

// Under Bun all files of a run may share one process that has read them before.
const options = { skip: assertsAreOn ? false : "run it by npm test, which turns asserts on" };

function assertCaught(violate: () => void, what: RegExp): void {
  assert.throws(violate, (error: Error) => error.name === "InvariantError" && what.test(error.message));
}

const timers = { after: () => ({ cancel: () => {} }), atTickEnd: () => {} };

test("base: an account that is not the sum of its shares, and a buffer given twice", options, () => {
  const account = new BytesInFlight({ bytesMax: 0, timers });
  const share = account.open({} as never);
  share.set(10, 0);
  account.total++;
  assertCaught(() => share.set(20, 0), /sum of its shares/);
  const buffer = Buffer.alloc(300 << 10);
  giveLargeBuffer(buffer);
  assertCaught(() => giveLargeBuffer(buffer), /given once/);
});

test("message: words that are not 32 bits, and a batch that somebody else wrote into", options, () => {
  assertCaught(() => new EntryId().set(-1, 0), /32 bits/);
  const writer = new ByteWriter();
  const builder = new KafkaBatchBuilder();
  builder.begin(writer, { baseOffset: 0, baseTimestamp: 0, partitionLeaderEpoch: 0 }).record(0, 0);
  writer.uint8(1);
  assertCaught(() => builder.finish(), /nobody else appends/);
});

test("storage: offsets that are counted wrongly, and frames out of order", options, () => {
  const set = new OffsetSet();
  set.add(5);
  set.countAbove = 0;
  assertCaught(() => set.add(0), /without bits/);
  const index = new FrameIndex();
  index.push(10, 100, 8, new EntryId(), 0);
  assertCaught(() => index.push(10, 200, 8, new EntryId(), 0), /above the one before/);
});

test("keyspace: a table that miscounts", options, () => {
  const table = new KeyTable(1);
  const key = Buffer.from("k");
  const entry = table.insert(table.hash(key, 0, 1), key, 0, 1, 0, 3);
  table.usedBytes += 1;
  assertCaught(() => table.remove(entry), /uses no bytes/);
});

test("net: reading that goes on more often than it was paused", options, () => {
  const account = new BytesInFlight({ bytesMax: 0, timers });
  const transport = { local: {}, remote: {}, resume: () => {} };
  const connection = new NetConnection(1, transport as never, { inFlight: account } as never, 0, () => {});
  assertCaught(() => connection.resumeReading(), /as often as it was paused/);
});

test("amqp: a source that holds nothing of what is taken from it, and confirms out of order", options, () => {
  const unacked = new Unacked();
  const source = { held: 0, slot: 0 };
  const tag = unacked.add(source as never, 7);
  source.held = 0;
  assertCaught(() => unacked.take(tag), /holds what is taken/);
  const confirms = new Confirms(1);
  confirms.add(10, 0, true);
  assertCaught(() => confirms.add(NaN, 0, true), /in the order/);
});

test("kafka: members that are counted wrongly, and a generation without a leader", options, () => {
  const room = new GroupRoom({ memberBytes: 0 });
  assertCaught(() => room.left({ bytes: 10 } as never), /all groups'/);
  const due: (() => void)[] = [];
  const group = new Group("g", {
    memberBytes: 0,
    clock: { now: () => 0, monotonic: () => 0 },
    timers: {
      after: (_ms: number, action: () => void) => (due.push(action), { cancel: () => {} }),
      atTickEnd: () => {},
    },
    random: { below: () => 0, bytes: (size: number) => Buffer.alloc(size) },
    groupEmptied: () => {},
  });
  const details = {
    clientId: "c",
    clientHost: "h",
    groupInstanceId: null,
    sessionTimeoutMs: 1000,
    rebalanceTimeoutMs: 1000,
    protocolType: "consumer",
    protocols: [{ name: "range", metadata: Buffer.alloc(0) }],
  };
  let memberId = "";
  group.join("", details, false, (result) => (memberId = result.memberId));
  for (const action of due.splice(0)) action();
  assert.equal(group.state, "CompletingRebalance");
  group.leaderId = null;
  const claim = { memberId, groupInstanceId: null, generationId: group.generation };
  assertCaught(() => group.heartbeat(claim), /has a leader/);
});
