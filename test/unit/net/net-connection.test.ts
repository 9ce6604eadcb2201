import assert from "node:assert/strict";
import { test } from "node:test";
import { BytesInFlight } from "../../../src/base/bytes-in-flight.ts";
import type { Timer, Timers } from "../../../src/base/clock.ts";
import { limits } from "../../../src/base/limits.ts";
import { sizes } from "../../../src/base/sizes.ts";
import { NetConnection, type Transport } from "../../../src/net/connection.ts";
import type { ConnectionHost, FlushableConnection } from "../../../src/base/connection.ts";

class FakeTransport implements Transport {
  readonly local = { host: "127.0.0.1", port: 1 };
  readonly remote = { host: "127.0.0.1", port: 2 };
  room = Infinity;
  sent = "";
  isPaused = false;
  isEnded = false;
  isDestroyed = false;

  write(bytes: Buffer, start: number, end: number): number {
    const taken = Math.min(end - start, this.room);
    this.sent += bytes.latin1Slice(start, start + taken);
    this.room -= taken;
    return taken;
  }

  pause(): void {
    this.isPaused = true;
  }

  resume(): void {
    this.isPaused = false;
  }

  end(): void {
    this.isEnded = true;
  }

  destroy(): void {
    this.isDestroyed = true;
  }
}

class FakeTimers implements Timers {
  readonly waiting = new Set<() => void>();

  after(_delayMs: number, action: () => void): Timer {
    this.waiting.add(action);
    return { cancel: () => void this.waiting.delete(action) };
  }

  atTickEnd(action: () => void): void {
    action();
  }

  /** What waits runs now. */
  fire(): void {
    const actions = [...this.waiting];
    this.waiting.clear();
    for (const action of actions) action();
  }
}

class FakeHost implements ConnectionHost {
  readonly timers = new FakeTimers();
  readonly inFlight = new BytesInFlight({ bytesMax: 0, timers: this.timers });
  durablePosition = 0;
  writtenPosition = 0;
  isStuck = false;
  unwrittenMark = 0;
  readonly held = new Set<FlushableConnection>();

  connectionTouched(): void {}

  connectionHeld(connection: FlushableConnection): void {
    this.held.add(connection);
  }
}

function make() {
  const transport = new FakeTransport();
  const host = new FakeHost();
  const events: string[] = [];
  const connection = new NetConnection(1, transport, host, 0, () => events.push("gone"));
  connection.session = {
    onData: () => events.push("data"),
    onWritable: () => events.push("writable"),
    onClosed: () => events.push("closed"),
  };
  return { transport, host, connection, events };
}

test("what waits for the disk is held back, what was before it is not, and order is kept", () => {
  const { transport, host, connection } = make();
  connection.output.latin1("a");
  connection.holdUntilDurable(10);
  connection.output.latin1("b");
  connection.holdUntilDurable(12);
  connection.output.latin1("c");
  connection.flush();
  host.writtenPosition = 12;
  assert.equal(transport.sent, "a");
  assert.equal(host.held.size, 1);
  connection.output.latin1("d");
  connection.holdUntilDurable(20);
  connection.output.latin1("e");
  host.durablePosition = 12;
  connection.flush();
  assert.equal(transport.sent, "abcd");
  host.durablePosition = 20;
  connection.flush();
  assert.equal(transport.sent, "abcde");
  assert.equal(connection.outputBytes, 0);
});

test("of holds in one group of the journal the highest position counts", () => {
  const { transport, host, connection } = make();
  host.writtenPosition = 5;
  connection.output.latin1("a");
  connection.holdUntilDurable(10);
  connection.output.latin1("b");
  connection.holdUntilDurable(12);
  connection.output.latin1("c");
  connection.flush();
  host.durablePosition = 11;
  connection.flush();
  assert.equal(transport.sent, "a");
  host.durablePosition = 12;
  connection.flush();
  assert.equal(transport.sent, "abc");
});

test("a position that is durable already holds nothing", () => {
  const { transport, host, connection } = make();
  host.durablePosition = 10;
  connection.holdUntilDurable(10);
  connection.output.latin1("a");
  connection.flush();
  assert.equal(transport.sent, "a");
});

test("a hold before an empty output holds what comes later", () => {
  const { transport, host, connection } = make();
  connection.output.latin1("sent");
  connection.holdUntilDurable(5);
  connection.flush();
  connection.output.latin1("held");
  connection.flush();
  assert.equal(transport.sent, "sent");
  host.durablePosition = 5;
  connection.flush();
  assert.equal(transport.sent, "sentheld");
});

test("a hold stays right when the sent part of the output is dropped", () => {
  const { transport, host, connection } = make();
  const big = "x".repeat(sizes.outputBytesKept + 10);
  connection.output.latin1(big);
  connection.holdUntilDurable(5);
  connection.output.latin1("held");
  connection.flush();
  assert.equal(transport.sent.length, big.length);
  connection.output.latin1("later");
  // The hold is where the sent part ended, which is the beginning now.
  connection.flush();
  assert.equal(transport.sent.slice(big.length), "");
  host.durablePosition = 5;
  connection.flush();
  assert.equal(transport.sent.slice(big.length), "heldlater");
});

test("a peer that does not read is not read from until it does", () => {
  const { transport, connection, events } = make();
  transport.room = 100;
  connection.output.latin1("y".repeat(limits.outputHighWaterBytes + 1000));
  connection.flush();
  assert.equal(transport.isPaused, true);
  transport.room = limits.outputHighWaterBytes;
  connection.flush();
  assert.equal(transport.isPaused, false);
  assert.deepEqual(events, ["writable"]);
});

test("ending sends what is held first", () => {
  const { transport, host, connection, events } = make();
  connection.holdUntilDurable(5);
  connection.output.latin1("held");
  connection.end();
  connection.flush();
  assert.equal(transport.isEnded, false);
  host.durablePosition = 5;
  connection.flush();
  assert.equal(transport.sent, "held");
  assert.equal(transport.isEnded, true);
  connection.closed();
  connection.closed();
  assert.deepEqual(events, ["closed", "gone"]);
});

test("what comes after the end is thrown away, from a peer that was paused too, and reading goes on until it ends", () => {
  const { transport, connection, events } = make();
  connection.pauseReading();
  assert.equal(transport.isPaused, true);
  connection.output.latin1("last reply");
  connection.end();
  assert.equal(transport.isPaused, false);
  connection.received(Buffer.alloc(10));
  connection.flush();
  assert.equal(transport.isEnded, true);
  connection.received(Buffer.alloc(10));
  connection.pauseReading();
  connection.resumeReading();
  assert.equal(transport.isPaused, false);
  assert.equal(transport.isDestroyed, false);
  assert.deepEqual(events, ["closed"]);
  connection.closed();
  assert.deepEqual(events, ["closed", "gone"]);
});

test("an ended peer that goes on sending is cut off by bytes", () => {
  const { transport, connection, events } = make();
  connection.end();
  connection.flush();
  const chunk = Buffer.alloc(1 << 20);
  for (let sent = 0; sent < limits.lingerBytesMax; sent += chunk.length) connection.received(chunk);
  assert.equal(transport.isDestroyed, false);
  connection.received(chunk);
  assert.equal(transport.isDestroyed, true);
  assert.deepEqual(events, ["closed", "gone"]);
});

test("an ended peer that neither ends nor takes anything is cut off in time, but not while the disk is waited for", () => {
  const { transport, host, connection } = make();
  connection.holdUntilDurable(5);
  connection.output.latin1("held");
  connection.end();
  host.timers.fire();
  connection.flush();
  host.timers.fire();
  assert.equal(transport.isDestroyed, false);
  host.durablePosition = 5;
  transport.room = 2;
  connection.flush();
  host.timers.fire();
  assert.equal(transport.sent, "he");
  assert.equal(transport.isDestroyed, false);
  host.timers.fire();
  assert.equal(transport.isDestroyed, true);
  assert.equal(host.timers.waiting.size, 0);
});
