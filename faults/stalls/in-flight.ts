/**
 * Requests that never become whole, by few connections and by many: the memory that they take is bounded, and others are
 * served. The bound is `--memory-bytes-max`; the processes' usual 60 MB and what the system keeps come on top.
 */
import net from "node:net";
import { frame, method, shortText, uint } from "../../test/support/amqp-frames.ts";
import type { Attack, AttackContext } from "./attack.ts";

const mebibyte = 1 << 20;
const args = ["--memory-bytes-max", "256MiB"];
const rssBytesMax = 640 * mebibyte;

async function metric({ broker }: AttackContext, name: string): Promise<number> {
  const response = await fetch(`http://127.0.0.1:${broker.ports.http}/metrics`);
  return Number(new RegExp(`^troikamq_${name} (\\d+)$`, "m").exec(await response.text())![1]);
}

/** Sends to a connection of its own until all is taken, or the broker takes no more of it. */
async function sendAll(context: AttackContext, port: number, pieces: Iterable<Buffer>): Promise<net.Socket> {
  const socket = net.connect(port, "127.0.0.1");
  context.atEnd(() => socket.destroy());
  socket.on("error", () => {}).resume();
  await new Promise((resolve) => socket.once("connect", resolve).once("close", resolve));
  for (const piece of pieces) socket.write(piece);
  return socket;
}

async function settled(context: AttackContext, sockets: readonly net.Socket[]): Promise<string> {
  // Until nothing moves: all was taken, refused, or is held back.
  for (let before = -1, same = 0; same < 5;) {
    await new Promise((resolve) => setTimeout(resolve, 100));
    const now = sockets.reduce((sum, socket) => sum + socket.bytesWritten - socket.writableLength, 0);
    same = now === before ? same + 1 : 0;
    before = now;
  }
  const held = Math.round((await metric(context, "bytes_in_flight")) / mebibyte);
  const closed = sockets.filter(({ closed: isClosed }) => isClosed).length;
  return `${held} MiB in flight, ${await metric(context, "connections_held_back")} held back, ${closed} closed`;
}

const openChannel = (channel: number): Buffer => method(channel, 20, 10, shortText(""));

function publishHead(channel: number, bodySize: number): Buffer {
  return Buffer.concat([
    method(channel, 60, 40, uint(2, 0), shortText(""), shortText("nobody's"), uint(1, 0)),
    frame(2, channel, uint(2, 60), uint(2, 0), uint(8, bodySize), uint(2, 0)),
  ]);
}

function bulk(size: number): Buffer {
  return Buffer.from(`*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$${size}\r\n`);
}

const piece = Buffer.alloc(mebibyte, "x");

export default [
  {
    name: "amqp-bodies-unfinished",
    what: "bodies begun on 99 channels of one connection, 10 MB of 20 MB each",
    args,
    rssBytesMax,
    async attack(context) {
      const client = await context.amqp();
      const body = Buffer.alloc(100_000);
      for (let channel = 2; channel <= 100; channel++) {
        client.send(openChannel(channel), publishHead(channel, 200 * body.length));
        for (let i = 0; i < 100; i++) client.send(frame(3, channel, body));
        if (client.isClosed || client.frames().some(({ method: name }) => name === "10.50")) break;
        await new Promise((resolve) => setImmediate(resolve));
      }
      return await client.closing();
    },
  },
  {
    name: "amqp-transaction-held",
    what: "a transaction of 1 GB that is never committed",
    args,
    rssBytesMax,
    async attack(context) {
      const client = await context.amqp();
      client.send(method(1, 90, 10));
      const body = Buffer.alloc(100_000);
      const message = Buffer.concat([publishHead(1, body.length), frame(3, 1, body)]);
      for (let i = 0; i < 10_000; i++) {
        client.send(message);
        if (i % 100 > 0) continue;
        if (client.isClosed || client.frames().some(({ method: name }) => name === "10.50")) break;
        await new Promise((resolve) => setImmediate(resolve));
      }
      return await client.closing();
    },
  },
  {
    name: "redis-requests-unfinished",
    what: "fifty connections with 20 MB of a SET of 100 MB each",
    args,
    rssBytesMax,
    async attack(context) {
      const pieces = [bulk(100 * mebibyte), ...Array.from({ length: 20 }, () => piece)];
      const { redis } = context.broker.ports;
      const opening = Array.from({ length: 50 }, () => sendAll(context, redis, pieces));
      return await settled(context, await Promise.all(opening));
    },
  },
  {
    name: "redis-multi-held",
    what: "MULTI and a thousand SETs of 1 MB that are never run",
    args,
    rssBytesMax,
    async attack(context) {
      const set = Buffer.concat([bulk(piece.length), piece, Buffer.from("\r\n")]);
      const pieces = [Buffer.from("MULTI\r\n"), ...Array.from({ length: 1000 }, () => set)];
      return await settled(context, [await sendAll(context, context.broker.ports.redis, pieces)]);
    },
  },
  {
    name: "kafka-frames-unfinished",
    what: "fifty connections with 20 MB of a frame of 90 MB each",
    args,
    rssBytesMax,
    async attack(context) {
      const pieces = [uint(4, 90 * mebibyte), ...Array.from({ length: 20 }, () => piece)];
      const { kafka } = context.broker.ports;
      const opening = Array.from({ length: 50 }, () => sendAll(context, kafka, pieces));
      return await settled(context, await Promise.all(opening));
    },
  },
  {
    name: "http-half-requests",
    what: "a thousand half requests to HTTP, then /livez",
    async attack(context) {
      const { http } = context.broker.ports;
      const half = [Buffer.from("GET /livez HTTP/1.1\r\n")];
      await Promise.all(Array.from({ length: 1000 }, () => sendAll(context, http, half)));
      return `${(await fetch(`http://127.0.0.1:${http}/livez`)).status}`;
    },
  },
  {
    name: "garbage-before-login",
    what: "2,000 connections to Kafka's port that send what is no request",
    async attack(context) {
      const garbage = Buffer.from([0, 0, 0, 4, 0x7f, 0xff, 0, 0]);
      for (let i = 0; i < 2000; i += 100) {
        const opening = Array.from({ length: 100 }, () =>
          sendAll(context, context.broker.ports.kafka, [garbage]),
        );
        for (const socket of await Promise.all(opening)) {
          if (!socket.closed) await new Promise((resolve) => socket.once("close", resolve));
        }
      }
      return `${context.broker.log.split("\n").length} lines in the log`;
    },
  },
] satisfies Attack[];
