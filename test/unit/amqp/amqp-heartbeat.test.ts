/** When heartbeats leave and when silence ends a connection: looks are counted, no time passes. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { ByteWriter } from "../../../src/base/bytes.ts";
import type { SparseLog } from "../../../src/base/sparse-log.ts";
import type { Broker } from "../../../src/broker/broker.ts";
import { Heartbeat } from "../../../src/protocols/amqp/core/heartbeat.ts";
import type { Connection } from "../../../src/protocols/contract.ts";

const frameBytes = 8;

function start(intervalSeconds: number) {
  let look = (): void => {};
  const delaysMs: number[] = [];
  const timers = {
    after: (delayMs: number, action: () => void) => {
      delaysMs.push(delayMs);
      look = action;
      return { cancel: () => {} };
    },
  };
  const connection = {
    output: new ByteWriter(),
    bytesReceived: 0,
    bytesSent: 0,
    remote: { host: "", port: 0 },
    isDestroyed: false,
    get outputBytes(): number {
      return this.output.length;
    },
    touch() {},
    answerMark: 0,
    answerTo(_mark: number, write: () => void) {
      write();
    },
    destroy() {
      this.isDestroyed = true;
    },
  };
  const flow = { isBlocked: false };
  const broker = { timers, flow } as unknown as Broker;
  const silentLog = { add() {} } as unknown as SparseLog;
  new Heartbeat(connection as unknown as Connection, { broker, silentLog }).start(intervalSeconds);
  /** Half an interval passes; returns the heartbeats that left. */
  const pass = (): number => {
    look();
    const { length } = connection.output;
    connection.bytesSent += length;
    connection.output.reset();
    return length / frameBytes;
  };
  return { connection, delaysMs, flow, pass };
}

test("an idle connection sends a heartbeat at every half of the interval, its own being no traffic", () => {
  const { connection, delaysMs, pass } = start(1);
  for (let i = 0; i < 10; i++) {
    connection.bytesReceived += frameBytes;
    assert.equal(pass(), 1);
  }
  assert.deepEqual(new Set(delaysMs), new Set([500]));
});

test("what was sent since the last look stands for a heartbeat", () => {
  const { connection, pass } = start(10);
  const sent: number[] = [];
  for (let i = 0; i < 6; i++) {
    connection.bytesReceived += frameBytes;
    if (i % 2 === 0) connection.bytesSent += 100;
    sent.push(pass());
  }
  assert.deepEqual(sent, [0, 1, 0, 1, 0, 1]);
});

test("a peer that is silent for two intervals is gone", () => {
  const { connection, pass } = start(1);
  for (let i = 0; i < 4; i++) pass();
  assert.equal(connection.isDestroyed, false);
  pass();
  assert.equal(connection.isDestroyed, true);
});

test("silence while the broker reads from no publisher is not held against the peer", () => {
  const { connection, flow, pass } = start(1);
  flow.isBlocked = true;
  for (let i = 0; i < 20; i++) pass();
  assert.equal(connection.isDestroyed, false);
  flow.isBlocked = false;
  // Two intervals from now on.
  for (let i = 0; i < 4; i++) pass();
  assert.equal(connection.isDestroyed, false);
  pass();
  assert.equal(connection.isDestroyed, true);
});
