/** The pure parts of share groups: who reads which partition, settings of groups, sessions. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { limits } from "../../../src/base/limits.ts";
import { partitionsFor } from "../../../src/protocols/kafka/share/assignment.ts";
import {
  groupConfigFault,
  groupConfigs,
  settingsOf,
} from "../../../src/protocols/kafka/share/group-configs.ts";
import {
  type SessionHolder,
  ShareSession,
  ShareSessions,
} from "../../../src/protocols/kafka/share/share-sessions.ts";
import { usualShareSettings } from "../../../src/broker/groups/share/share-settings.ts";

test("each partition has a reader, each subscriber has a partition, and nobody has two more than another", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 40 }),
      fc.integer({ min: 1, max: 40 }),
      (subscribers, partitions) => {
        const own = Array.from({ length: subscribers }, (_, rank) =>
          partitionsFor(rank, subscribers, partitions),
        );
        assert.equal(new Set(own.flat()).size, partitions);
        const sizes = own.map(({ length }) => length);
        assert.ok(Math.min(...sizes) >= 1 && Math.max(...sizes) - Math.min(...sizes) <= 1);
      },
    ),
  );
  assert.deepEqual(partitionsFor(0, 1, 0), []);
});

test("the usual settings of a group are what their texts say", () => {
  const texts = Object.fromEntries(groupConfigs.map(({ name, value }) => [name, value]));
  for (const [name, value] of Object.entries(texts)) assert.equal(groupConfigFault(name, value), null);
  assert.deepEqual({ ...usualShareSettings, ...settingsOf(texts) }, usualShareSettings);
});

test("where a group begins is a word or an age", () => {
  const reset = (value: string) => settingsOf({ "share.auto.offset.reset": value }).reset;
  assert.deepEqual(reset("by_duration:P1DT2H3M4.5S"), { from: "age", ms: 93_784_500 });
  assert.deepEqual(reset("by_duration:PT0.1S"), { from: "age", ms: 100 });
  for (const wrong of [
    "",
    "now",
    "by_duration:",
    "by_duration:P",
    "by_duration:PT",
    "by_duration:-PT1H",
    "by_duration:P1Y",
  ])
    assert.match(groupConfigFault("share.auto.offset.reset", wrong) ?? "", /must be either/);
  for (const [name, wrong] of [
    ["share.record.lock.duration.ms", "99"],
    ["share.record.lock.duration.ms", "3600001"],
    ["share.delivery.count.limit", "0"],
    ["share.renew.acknowledge.enable", "yes"],
    ["share.colour", "red"],
  ] as const)
    assert.notEqual(groupConfigFault(name, wrong), null);
});

const holder = (): SessionHolder => ({ shareSessions: new Set<ShareSession>() });

function opened(sessions: ShareSessions, on: SessionHolder, memberId = "m"): ShareSession {
  const session = sessions.open(on, { groupId: "g", memberId, epoch: 0 });
  assert.ok(session instanceof ShareSession);
  return session;
}

test("a session goes by its epochs, and begins after its last with its first", () => {
  const sessions = new ShareSessions();
  const on = holder();
  const claim = { groupId: "g", memberId: "m" };
  assert.equal(sessions.open(on, { ...claim, epoch: 1 }), "SHARE_SESSION_NOT_FOUND");
  const session = opened(sessions, on);
  assert.equal(sessions.open(on, { ...claim, epoch: 2 }), "INVALID_SHARE_SESSION_EPOCH");
  assert.equal(sessions.open(on, { ...claim, epoch: 1 }), session);
  assert.equal(sessions.open(on, { ...claim, epoch: 1 }), "INVALID_SHARE_SESSION_EPOCH");
  session.epoch = 0x7fff_ffff;
  assert.equal(sessions.open(on, { ...claim, epoch: 0x7fff_ffff }), session);
  assert.equal(sessions.open(on, { ...claim, epoch: 1 }), session);
  const next = opened(sessions, on);
  assert.deepEqual(
    [session.isClosed, next.isClosed, sessions.size, on.shareSessions.size],
    [true, false, 1, 1],
  );
  session.close();
  assert.equal(sessions.open(on, { ...claim, epoch: -1 }), next);
  next.close();
  assert.deepEqual([sessions.size, on.shareSessions.size], [0, 0]);
});

test("sessions and their partitions are bounded, and what is closed makes room", () => {
  const sessions = new ShareSessions();
  const on = holder();
  const full = opened(sessions, on, "full");
  for (let i = 0; i < limits.kafkaFetchPartitionsMax; i++) assert.ok(full.add("t", i));
  assert.equal(full.add("t", -1), false);
  assert.ok(full.add("t", 7), "one that it has");
  for (let n = 1; n < limits.kafkaShareSessionPartitionsMax / limits.kafkaFetchPartitionsMax; n++) {
    const other = opened(sessions, on, `m${n}`);
    for (let i = 0; i < limits.kafkaFetchPartitionsMax; i++) other.add("t", i);
  }
  const late = opened(sessions, on, "late");
  assert.equal(late.add("t", 0), false);
  full.close();
  assert.ok(late.add("t", 0));
  for (let n = sessions.size; n < limits.kafkaShareSessionsMax; n++) opened(sessions, on, `n${n}`);
  assert.equal(sessions.open(on, { groupId: "g", memberId: "x", epoch: 0 }), "SHARE_SESSION_LIMIT_REACHED");
});
