/** Thousands who wait for the same thing, or take from it, and one who has it happen; and lists of all that there is. */
import net from "node:net";
import { frame, longText, method, shortText, uint } from "../../test/support/amqp-frames.ts";
import type { RawClient } from "../../test/support/amqp-raw.ts";
import type { Attack, AttackContext } from "./attack.ts";

const readers = 2000;
const openedAtOnce = 100;
const entryBytes = 5000;
const channels = 98;
const consumersOfChannel = 512;
const queues = 100_000;
const inOneWrite = 2000;

function requestOf(words: readonly string[]): string {
  return `*${words.length}\r\n${words.map((word) => `$${word.length}\r\n${word}\r\n`).join("")}`;
}

/** A connection that has sent a read which waits; `bytes` is what it was answered. */
class Reader {
  bytes = 0;

  static async open(context: AttackContext, words: readonly string[]): Promise<Reader> {
    const reader = new Reader();
    const socket = net.connect(context.broker.ports.redis, "127.0.0.1");
    context.atEnd(() => socket.destroy());
    socket.on("error", () => {}).on("data", (chunk: Buffer) => (reader.bytes += chunk.length));
    await new Promise((resolve) => socket.once("connect", resolve));
    socket.write(requestOf(words));
    return reader;
  }
}

let waiting: Reader[] = [];

async function readersOf(
  context: AttackContext,
  words: (number: number) => readonly string[],
): Promise<void> {
  waiting = [];
  for (let i = 0; i < readers; i += openedAtOnce) {
    const opening = Array.from({ length: openedAtOnce }, (_, at) => Reader.open(context, words(i + at)));
    waiting.push(...(await Promise.all(opening)));
  }
}

/** How many readers have been answered, once they are `count`. */
async function served(count: number): Promise<string> {
  for (;;) {
    const answered = waiting.filter(({ bytes }) => bytes > 0).length;
    if (answered >= count) return `${answered} of ${waiting.length} readers served`;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

const settle = method(1, 20, 20, Buffer.of(1));

async function settled(client: RawClient): Promise<void> {
  client.received = Buffer.alloc(0);
  client.send(settle);
  await client.method("20.21");
}

const declare = (name: string): Buffer =>
  method(1, 50, 10, uint(2, 0), shortText(name), Buffer.of(0), longText(""));

const publish = Buffer.concat([
  method(1, 60, 40, uint(2, 0), shortText(""), shortText("q"), Buffer.of(0)),
  frame(2, 1, uint(2, 60), uint(2, 0), uint(8, 1), uint(2, 0)),
  frame(3, 1, Buffer.from("x")),
]);

export default [
  {
    name: "redis-blocked-xread",
    what: `XADD of ${entryBytes} bytes for which ${readers} connections wait`,
    prepare: (context) =>
      readersOf(context, () => ["XREAD", "BLOCK", "0", "COUNT", "10000", "STREAMS", "s", "$"]),
    async attack(context) {
      const client = await context.redis();
      await client.call("XADD", "s", "*", "f", "x".repeat(entryBytes));
      return await served(readers);
    },
  },
  {
    name: "redis-blocked-xread-long",
    what: `1,000 entries added at once for which ${readers} connections wait`,
    prepare: (context) =>
      readersOf(context, () => ["XREAD", "BLOCK", "0", "COUNT", "10000", "STREAMS", "s", "$"]),
    async attack(context) {
      const client = await context.redis();
      const adds = Array.from({ length: 1000 }, () => client.call("XADD", "s", "*", "f", "value"));
      await Promise.all([client.call("MULTI"), ...adds, client.call("EXEC")]);
      return await served(readers);
    },
  },
  {
    name: "redis-blocked-xreadgroup",
    what: `2,000 entries one by one, for which ${readers} connections wait as consumers of one group`,
    async prepare(context) {
      const client = await context.redis();
      await client.call("XGROUP", "CREATE", "s", "g", "$", "MKSTREAM");
      const read = ["COUNT", "1", "BLOCK", "0", "STREAMS", "s", ">"];
      await readersOf(context, (number) => ["XREADGROUP", "GROUP", "g", `c${number}`, ...read]);
    },
    async attack(context) {
      const client = await context.redis();
      for (let i = 0; i < readers; i++) await client.call("XADD", "s", "*", "f", "value");
      return await served(readers);
    },
  },
  {
    name: "amqp-consume-many",
    what: `${channels * consumersOfChannel} basic.consume of one queue, and as many messages, of which each gets one`,
    async prepare({ amqp }) {
      const client = await amqp();
      client.send(declare("q"));
      await settled(client);
    },
    async attack({ amqp }) {
      const client = await amqp();
      let bytes = 0;
      client.socket.removeAllListeners("data");
      client.socket.on("data", (chunk: Buffer) => (bytes += chunk.length));
      for (let number = 2; number < channels + 2; number++) {
        client.send(method(number, 20, 10, shortText("")));
        client.send(method(number, 60, 10, uint(4, 0), uint(2, 1), Buffer.of(0)));
        const consumes = Array.from({ length: consumersOfChannel }, (_, at) => {
          const names = [shortText("q"), shortText(`c${at}`)];
          // No answers.
          return method(number, 60, 20, uint(2, 0), ...names, Buffer.of(8), longText(""));
        });
        client.send(Buffer.concat(consumes));
      }
      const count = channels * consumersOfChannel;
      const publisher = await amqp();
      const chunk = Buffer.concat(Array.from({ length: inOneWrite }, () => publish));
      for (let sent = 0; sent < count; sent += inOneWrite) {
        publisher.send(chunk);
        await settled(publisher);
      }
      // basic.deliver of a tag of two to four bytes, header and body of a byte.
      for (let before = -1; bytes < count * 55 && bytes > before;) {
        before = bytes;
        await new Promise((resolve) => setTimeout(resolve, 500));
      }
      if (bytes < count * 55) throw new Error(`deliveries ended at ${bytes} bytes`);
      // All are at their prefetch now, but for one: more messages look at that one alone.
      client.send(method(2, 60, 80, uint(8, 1), Buffer.of(0)));
      for (let sent = 0; sent < 10_000; sent += inOneWrite) {
        publisher.send(chunk);
        await settled(publisher);
      }
      return `${bytes >> 10} KiB of deliveries`;
    },
  },
  {
    name: "http-metrics-queues",
    what: `/metrics ten times beside ${queues} queues`,
    async prepare({ amqp }) {
      const client = await amqp();
      for (let i = 0; i < queues; i += inOneWrite) {
        client.send(Buffer.concat(Array.from({ length: inOneWrite }, (_, at) => declare(`q${i + at}`))));
        await settled(client);
      }
    },
    async attack({ broker }) {
      let found = "";
      for (let i = 0; i < 10; i++) {
        const response = await fetch(`http://127.0.0.1:${broker.ports.http}/metrics`);
        found = /^troikamq_queues \d+$/m.exec(await response.text())?.[0] ?? "none";
      }
      return found;
    },
  },
] satisfies Attack[];
