import assert from "node:assert/strict";
import { test } from "node:test";
import { limits } from "../../src/base/limits.ts";
import { NetConnection, type Transport } from "../../src/net/connection.ts";
import type { ConnectionHost, FlushableConnection } from "../../src/base/connection.ts";

class FakeTransport implements Transport {
  readonly local = { host: "127.0.0.1", port: 1 };
  readonly remote = { host: "127.0.0.1", port: 2 };
  room = Infinity;
  sent = "";
  isPaused = false;
  isEnded = false;

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
    this.isEnded = true;
  }
}

class FakeHost implements ConnectionHost {
  durablePosition = 0;
  writtenPosition = 0;
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
  const big = "x".repeat(limits.outputBytesKept + 10);
  connection.output.latin1(big);
  connection.holdUntilDurable(5);
  connection.output.latin1("held");
  connection.flush();
  assert.equal(transport.sent.length, big.length);
  connection.output.latin1("later");
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
