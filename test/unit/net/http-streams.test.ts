/** Bodies that stream, both ways, over real sockets: as fast as the other side takes them, up to the route's bound. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { type IncomingMessage, request } from "node:http";
import { connect, type Socket } from "node:net";
import { test } from "node:test";
import { BytesInFlight } from "../../../src/base/bytes-in-flight.ts";
import type { Timers } from "../../../src/base/clock.ts";
import { HttpBodyError, type HttpHandler } from "../../../src/base/http.ts";
import { limits } from "../../../src/base/limits.ts";
import { Logger } from "../../../src/base/logger.ts";
import { Entrance } from "../../../src/net/entrance.ts";
import { httpConnectionHost, httpProtocol } from "../../../src/net/http.ts";
import { Server } from "../../../src/net/listen.ts";
import { systemClock, systemTimers } from "../../../src/net/runtime.ts";

async function withHandler(
  handler: HttpHandler,
  act: (port: number, inFlight: BytesInFlight) => Promise<void>,
  timers: Timers = systemTimers,
): Promise<void> {
  const logger = new Logger({ level: "silent", clock: systemClock, sink: () => {} });
  const inFlight = new BytesInFlight({ bytesMax: 0, timers });
  const server = new Server({
    protocol: httpProtocol(handler, timers),
    host: "127.0.0.1",
    connectionHost: httpConnectionHost(timers, inFlight),
    clock: systemClock,
    entrance: new Entrance({ max: 10, maxName: "the test", perAddressMax: 0, logger, timers }),
  });
  try {
    await act(await server.listen(0), inFlight);
  } finally {
    await server.drain();
  }
}

/** Deadlines come a hundred times sooner. */
const fastTimers: Timers = { ...systemTimers, after: (ms, action) => systemTimers.after(ms / 100, action) };

async function soon(isSo: () => boolean, what: string): Promise<void> {
  for (let looked = 0; looked < 6000 && !isSo(); looked++)
    await new Promise((resolve) => setTimeout(resolve, 5));
  assert.ok(isSo(), what);
}

const chunk = Buffer.alloc(64 << 10, "c");
const chunksMax = 512;

test("a streamed answer is made as it is taken, and comes whole", async () => {
  let made = 0;
  async function* chunks() {
    for (; made < chunksMax; made++) yield chunk;
  }
  const handler: HttpHandler = async () => ({ status: 200, type: "application/octet-stream", chunks });
  await withHandler(handler, async (port, inFlight) => {
    const asked = request({ host: "127.0.0.1", port, agent: false });
    asked.end();
    const [response] = (await once(asked, "response")) as [IncomingMessage];
    let before = -1;
    await soon(() => {
      const isStill = made === before;
      before = made;
      return isStill && made > 0;
    }, "it goes on although nobody reads");
    // What the sockets of both sides and the output hold.
    assert.ok(made < chunksMax / 2, `${made} of ${chunksMax} chunks made for a client that reads nothing`);
    assert.ok(inFlight.total < 8 << 20, String(inFlight.total));
    let received = 0;
    for await (const part of response as AsyncIterable<Buffer>) received += part.length;
    assert.equal(received, chunksMax * chunk.length);
  });
});

test("one that cannot be made to its end is cut off; HEAD makes none; HTTP/1.0 has its end by the connection's", async () => {
  let made = 0;
  const handler: HttpHandler = async ({ url }) => ({
    status: 200,
    type: "text/plain",
    async *chunks() {
      made++;
      yield "first";
      if (url === "/broken") throw new Error("the disk");
    },
  });
  await withHandler(handler, async (port) => {
    await assert.rejects(fetch(`http://127.0.0.1:${port}/broken`).then((response) => response.text()));
    assert.equal(await (await fetch(`http://127.0.0.1:${port}/`)).text(), "first");
    assert.equal(made, 2);
    const head = await fetch(`http://127.0.0.1:${port}/`, { method: "HEAD" });
    assert.deepEqual([head.status, await head.text(), made], [200, "", 2]);
    const old = connect(port, "127.0.0.1");
    old.write("GET / HTTP/1.0\r\n\r\n");
    assert.match(await all(old), /\r\n\r\nfirst$/);
  });
});

test("who waits for something to tell hears that the client is gone", async () => {
  const told: string[] = [];
  const handler: HttpHandler = async () => ({
    status: 200,
    type: "text/event-stream",
    async *chunks(gone) {
      yield "data: 1\n\n";
      await once(gone, "abort");
      told.push("gone");
    },
  });
  await withHandler(handler, async (port) => {
    const socket = connect(port, "127.0.0.1");
    socket.write("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    await once(socket, "data");
    socket.destroy();
    await soon(() => told.length === 1, "the handler still waits");
  });
});

async function all(socket: Socket): Promise<string> {
  let text = "";
  socket.setEncoding("latin1");
  socket.on("error", () => {});
  socket.on("data", (part: string) => (text += part));
  await new Promise((resolve) => socket.on("close", resolve));
  return text;
}

/** Takes a body in chunks, up to a bound. */
function taking(bytesMax: number, took: (bytes: number) => Promise<void> | void): HttpHandler {
  return async (asked) => {
    try {
      for await (const part of asked.chunks(bytesMax)) await took(part.length);
    } catch (error) {
      if (!(error instanceof HttpBodyError)) throw error;
      return { status: error.fault === "too long" ? 413 : 400, type: "text/plain", body: error.fault };
    }
    return { status: 201, type: "text/plain", body: "taken" };
  };
}

test("a streamed body is read as it is taken, and what was not taken is bounded", async () => {
  let taken = 0;
  let goOn = (): void => {};
  const waits = new Promise<void>((resolve) => (goOn = resolve));
  const handler = taking(1 << 30, async (bytes) => {
    taken += bytes;
    await waits;
  });
  await withHandler(handler, async (port, inFlight) => {
    const size = chunksMax * chunk.length;
    const asked = request({
      host: "127.0.0.1",
      port,
      method: "PUT",
      agent: false,
      headers: { "content-length": size },
    });
    const answered = once(asked, "response");
    for (let sent = 0; sent < chunksMax; sent++) asked.write(chunk);
    asked.end();
    await soon(() => taken > 0, "nothing came");
    const held = inFlight.total;
    assert.ok(held < 2 << 20, String(held));
    goOn();
    const [response] = (await answered) as [IncomingMessage];
    assert.deepEqual([response.statusCode, taken], [201, size]);
    response.resume();
    await once(response, "end");
  });
});

test("a body past its route's bound is told so, in chunks and as a text, and a longer text may have a bound of its own", async () => {
  await withHandler(
    taking(100_000, () => {}),
    async (port) => {
      const put = (size: number) =>
        fetch(`http://127.0.0.1:${port}/`, { method: "PUT", body: "x".repeat(size) }).then(
          ({ status }) => status,
        );
      assert.deepEqual([await put(100_000), await put(0)], [201, 201]);
      const socket = connect(port, "127.0.0.1");
      socket.write(`PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 200000\r\n\r\n${"x".repeat(150_000)}`);
      assert.match(await all(socket), /^HTTP\/1\.1 413 .*too long$/s);
    },
  );
});

test("who brings a body too slowly, or takes nothing of an answer, is cut off; who keeps on is not", async () => {
  let taken = 0;
  const upload = taking(1 << 30, (bytes) => void (taken += bytes));
  await withHandler(
    upload,
    async (port) => {
      const slow = connect(port, "127.0.0.1");
      slow.write("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\nx");
      assert.equal(await all(slow), "");
      const steady = connect(port, "127.0.0.1");
      const size = limits.httpStreamedBytesLeast * 20;
      const answer = all(steady);
      steady.write(`PUT / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: ${size}\r\n\r\n`);
      for (let sent = 0; sent < 20; sent++) {
        steady.write("x".repeat(limits.httpStreamedBytesLeast));
        await new Promise((resolve) => setTimeout(resolve, 30));
      }
      assert.match(await answer, /^HTTP\/1\.1 201 /);
    },
    fastTimers,
  );
  let isEnded = false;
  async function* endless() {
    try {
      for (;;) yield chunk;
    } finally {
      isEnded = true;
    }
  }
  const handler: HttpHandler = async () => ({ status: 200, type: "text/plain", chunks: endless });
  await withHandler(
    handler,
    async (port) => {
      const socket = connect(port, "127.0.0.1");
      socket.on("error", () => {});
      socket.pause();
      socket.write("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
      await soon(() => isEnded, "an answer that nobody takes is still being made");
      socket.destroy();
    },
    fastTimers,
  );
});
