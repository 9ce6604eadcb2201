/** A WebSocket connection over a socket that takes what it likes: order, holds, answers between frames, and each way to end. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { BytesInFlight } from "../../../src/base/bytes-in-flight.ts";
import type { Timer, Timers } from "../../../src/base/clock.ts";
import type { ConnectionHost } from "../../../src/base/connection.ts";
import { limits } from "../../../src/base/limits.ts";
import { NetConnection, type Transport } from "../../../src/net/connection.ts";
import { WebSocketTransport } from "../../../src/net/websocket/transport.ts";

class FakeSocket implements Transport {
  readonly local = { host: "127.0.0.1", port: 1 };
  readonly remote = { host: "127.0.0.1", port: 2 };
  room = Infinity;
  readonly sent: Buffer[] = [];
  isEnded = false;
  isDestroyed = false;
  isPaused = false;

  write(bytes: Buffer, start: number, end: number): number {
    const taken = Math.min(end - start, this.room);
    this.room -= taken;
    this.sent.push(Buffer.from(bytes.subarray(start, start + taken)));
    return taken;
  }

  pause(): void {
    this.isPaused = true;
  }

  resume(): void {
    this.isPaused = false;
  }

  end(): void {
    assert.ok(!this.isEnded);
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

  fire(): void {
    const actions = [...this.waiting];
    this.waiting.clear();
    for (const action of actions) action();
  }
}

interface Frame {
  readonly first: number;
  readonly payload: Buffer;
}

/** What a client would read; it has to be whole frames, none masked. */
function framesIn(sent: readonly Buffer[]): Frame[] {
  const bytes = Buffer.concat(sent);
  const frames: Frame[] = [];
  for (let at = 0; at < bytes.length;) {
    const short = bytes[at + 1]!;
    assert.ok(short < 128);
    const read =
      short === 127 ? () => Number(bytes.readBigUInt64BE(at + 2)) : () => bytes.readUInt16BE(at + 2);
    const size = short < 126 ? short : read();
    const start = at + (short < 126 ? 2 : short === 126 ? 4 : 10);
    frames.push({ first: bytes[at]!, payload: bytes.subarray(start, start + size) });
    assert.ok(start + size <= bytes.length, "a frame is not whole");
    at = start + size;
  }
  return frames;
}

function make(sends: "binary" | "text" = "binary") {
  const socket = new FakeSocket();
  const timers = new FakeTimers();
  const wsTimers = new FakeTimers();
  const host = {
    timers,
    inFlight: new BytesInFlight({ bytesMax: 0, timers }),
    durablePosition: 0,
    writtenPosition: 0,
    isStuck: false,
    unwrittenMark: 0,
    connectionTouched() {},
    connectionHeld() {},
  } satisfies ConnectionHost;
  const form = { names: ["x"], isNameNeeded: false, sends, takesText: true };
  const transport = new WebSocketTransport(socket, form, wsTimers, Buffer.alloc(0));
  const told: string[] = [];
  const connection = new NetConnection(1, transport, host, 0, () => told.push("gone"));
  connection.session = {
    onData: (bytes) => told.push(bytes.toString()),
    onWritable() {},
    onPeerEnded: () => told.push("peer ended"),
    onClosed: () => told.push("closed"),
  };
  transport.start(connection);
  return { socket, timers: wsTimers, host, transport, connection, told };
}

const ping = (text: string) =>
  Buffer.concat([Buffer.from([0x89, 0x80 | text.length, 0, 0, 0, 0]), Buffer.from(text)]);
const message = (text: string) =>
  Buffer.concat([Buffer.from([0x82, 0x80 | text.length, 0, 0, 0, 0]), Buffer.from(text)]);
const close = () => Buffer.from([0x88, 0x82, 0, 0, 0, 0, 0x03, 0xe8]);

test("whatever the socket takes at a time, the bytes come in order, and pongs between frames", () => {
  const step = fc.record({
    append: fc.integer({ min: 0, max: 9000 }),
    room: fc.integer({ min: 0, max: 12_000 }),
    isPinged: fc.boolean(),
  });
  for (const sends of ["binary", "text"] as const) {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30, size: "max" }), (steps) => {
        const { socket, connection, transport } = make(sends);
        let appended = "";
        let pings = 0;
        for (const { append, room, isPinged } of steps) {
          const text = String(appended.length % 10).repeat(append);
          appended += text;
          connection.output.latin1(text);
          socket.room = room;
          if (isPinged) transport.received(ping(`p${pings++}`));
          transport.drained();
          connection.flush();
        }
        socket.room = Infinity;
        transport.drained();
        connection.flush();
        const frames = framesIn(socket.sent);
        const isData = ({ first }: Frame): boolean => (first & 0x0f) < 8;
        const data = frames.filter(isData).map(({ payload }) => payload);
        assert.equal(Buffer.concat(data).toString(), appended);
        const pongs = frames.filter((each) => !isData(each));
        assert.ok(pongs.every(({ first }) => first === 0x8a));
        assert.equal(pongs.at(-1)?.payload.toString(), pings === 0 ? undefined : `p${pings - 1}`);
      }),
      { numRuns: 200 },
    );
  }
});

test("what waits for the disk is held back, and a pong is not", () => {
  const { socket, connection, transport, host } = make();
  connection.holdUntilDurable(5);
  connection.output.latin1("held");
  connection.flush();
  transport.received(ping("p"));
  assert.deepEqual(
    framesIn(socket.sent).map(({ payload }) => payload.toString()),
    ["p"],
  );
  host.durablePosition = 5;
  connection.flush();
  assert.deepEqual(
    framesIn(socket.sent).map(({ payload }) => payload.toString()),
    ["p", "held"],
  );
});

test("a large text is one message of several frames, large bytes are several messages", () => {
  const size = limits.webSocketSentFrameBytesMax * 2 + 10;
  for (const [sends, firsts] of [
    ["binary", [0x82, 0x82, 0x82]],
    ["text", [0x01, 0x00, 0x80]],
  ] as const) {
    const { socket, connection } = make(sends);
    connection.output.latin1("y".repeat(size));
    connection.flush();
    const frames = framesIn(socket.sent);
    assert.deepEqual(
      frames.map(({ first }) => first),
      firsts,
    );
    assert.equal(Buffer.concat(frames.map(({ payload }) => payload)).length, size);
  }
});

for (const sends of ["binary", "text"] as const) {
  test(`what is due amid a frame leaves right behind it, also when nothing follows (${sends})`, () => {
    const size = 5000;
    type Made = ReturnType<typeof make>;
    for (const [what, comes, first] of [
      ["a ping", ({ transport }: Made) => transport.received(ping("p")), 0x8a],
      ["silence", ({ timers }: Made) => (timers.fire(), timers.fire()), 0x89],
      ["the session's end", ({ connection }: Made) => connection.end(), 0x88],
    ] as const) {
      for (const room of [1, 2, 3, 4, 5, size / 2, size + 3]) {
        const made = make(sends);
        const { socket, connection, transport } = made;
        socket.room = room;
        connection.output.latin1("y".repeat(size));
        connection.flush();
        comes(made);
        connection.flush();
        assert.equal(Buffer.concat(socket.sent).length, room);
        // The socket says it once, when all that it had is gone.
        socket.room = Infinity;
        transport.drained();
        connection.flush();
        const frames = framesIn(socket.sent);
        assert.equal(frames.length, 2, `${what} behind ${room} bytes`);
        assert.equal(frames[0]!.payload.length, size);
        assert.equal(frames[1]!.first, first);
      }
    }
  });
}

test("pings of a peer that does not read make nothing grow", () => {
  const { socket, transport } = make();
  socket.room = 0;
  for (let i = 0; i < 10_000; i++) transport.received(ping("x".repeat(100)));
  assert.ok(transport.unsentBytes < 300);
  socket.room = Infinity;
  transport.drained();
  assert.ok(framesIn(socket.sent).length <= 2);
});

test("the peer closes: what it is owed leaves first, then our close with its code, and the socket is half-closed", () => {
  const { socket, connection, transport, host, told } = make();
  connection.holdUntilDurable(5);
  connection.output.latin1("owed");
  transport.received(Buffer.concat([message("last"), close()]));
  assert.deepEqual(told, ["last", "peer ended"]);
  connection.end();
  connection.flush();
  assert.equal(socket.isEnded, false);
  host.durablePosition = 5;
  connection.flush();
  assert.deepEqual(
    framesIn(socket.sent).map(({ first, payload }) => [first, payload.toString("latin1")]),
    [
      [0x82, "owed"],
      [0x88, "\x03\xe8"],
    ],
  );
  assert.equal(socket.isEnded, true);
  transport.peerEnded();
  transport.closed();
  assert.deepEqual(told, ["last", "peer ended", "closed", "gone"]);
});

test("we close: the socket stays for the peer's close, which may come behind data, and a stop says 1001", () => {
  for (const [isShutdown, code] of [
    [false, 1000],
    [true, 1001],
  ] as const) {
    const { socket, connection, transport, told } = make();
    if (isShutdown) connection.shutdown();
    else connection.end();
    connection.flush();
    const [frame] = framesIn(socket.sent);
    assert.deepEqual([frame!.first, frame!.payload.readUInt16BE(0)], [0x88, code]);
    assert.equal(socket.isEnded, false);
    transport.received(Buffer.concat([message("too late"), close()]));
    assert.equal(socket.isEnded, true);
    assert.equal(framesIn(socket.sent).length, 1);
    assert.deepEqual(told, ["closed"]);
  }
});

test("a fault is told after what was answered, and nothing of what follows is heard", () => {
  const { socket, connection, transport, told } = make();
  connection.output.latin1("answer");
  transport.received(
    Buffer.concat([message("asked"), Buffer.from([0x83, 0x80, 0, 0, 0, 0]), message("more")]),
  );
  transport.received(message("more"));
  connection.flush();
  const frames = framesIn(socket.sent);
  assert.deepEqual(
    frames.map(({ first }) => first),
    [0x82, 0x88],
  );
  assert.equal(frames[1]!.payload.readUInt16BE(0), 1002);
  assert.equal(socket.isEnded, true);
  assert.deepEqual(told, ["asked", "closed"]);
  const after = make();
  after.transport.received(close());
  after.transport.received(message("more"));
  assert.equal(after.socket.isDestroyed, true);
});

test("a peer that ends without a close is closed too, and one that is silent is asked before it is given up", () => {
  const ended = make();
  ended.transport.peerEnded();
  ended.connection.end();
  ended.connection.flush();
  assert.equal(framesIn(ended.socket.sent)[0]!.first, 0x88);
  assert.equal(ended.socket.isEnded, true);

  const { socket, timers, transport, told } = make();
  timers.fire();
  assert.equal(socket.sent.length, 0);
  timers.fire();
  assert.equal(framesIn(socket.sent)[0]!.first, 0x89);
  transport.received(Buffer.from([0x8a, 0x80, 0, 0, 0, 0]));
  timers.fire();
  timers.fire();
  assert.equal(socket.isDestroyed, false);
  timers.fire();
  assert.equal(socket.isDestroyed, true);
  assert.equal(timers.waiting.size, 0);
  assert.deepEqual(told, ["closed", "gone"]);

  const paused = make();
  paused.connection.pauseReading();
  for (let i = 0; i < 4; i++) paused.timers.fire();
  assert.equal(paused.socket.isDestroyed, false);
});
