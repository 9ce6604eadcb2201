/**
 * One AMQP method that stands for very many things: messages that are held, bindings, publishes of a transaction, consumers.
 */
import { frame, longText, method, shortText, uint } from "../../test/support/amqp-frames.ts";
import type { RawClient } from "../../test/support/amqp-raw.ts";
import { until } from "../../test/support/amqp.ts";
import type { Attack, AttackContext } from "./attack.ts";

const channel = 1;
const messages = 1_000_000;
const bindings = 100_000;
const inOneWrite = 2000;

const publishFrames = (queue: string): Buffer =>
  Buffer.concat([
    method(channel, 60, 40, uint(2, 0), shortText(""), shortText(queue), Buffer.of(0)),
    frame(2, channel, uint(2, 60), uint(2, 0), uint(8, 1), uint(2, 0)),
    frame(3, channel, Buffer.from("x")),
  ]);

function declare(client: RawClient, queue: string, args = longText("")): void {
  // Durable.
  client.send(method(channel, 50, 10, uint(2, 0), shortText(queue), Buffer.of(2), args));
}

/** Answered when all before it has been done. */
async function settled(client: RawClient): Promise<void> {
  client.received = Buffer.alloc(0);
  client.send(method(channel, 20, 20, Buffer.of(1)));
  await client.method("20.21");
}

async function fill(client: RawClient, queue: string, count: number): Promise<void> {
  const chunk = Buffer.concat(Array.from({ length: inOneWrite }, () => publishFrames(queue)));
  for (let sent = 0; sent < count; sent += inOneWrite) {
    client.send(chunk);
    await settled(client);
  }
}

/** Consumes without a prefetch, and reads what comes without looking at it until `count` deliveries must have come. */
async function hold(client: RawClient, queue: string, count: number): Promise<void> {
  client.socket.removeAllListeners("data");
  let bytes = 0;
  client.socket.on("data", (chunk: Buffer) => (bytes += chunk.length));
  const tag = shortText("c");
  client.send(method(channel, 60, 20, uint(2, 0), shortText(queue), tag, Buffer.of(0), longText("")));
  // basic.deliver, header and body of one message; a few bytes of consume-ok come before.
  const oneDelivery = 8 + 4 + tag.length + 9 + 1 + shortText(queue).length + (8 + 14) + (8 + 1);
  for (let before = -1; bytes < count * oneDelivery; before = bytes) {
    await new Promise((resolve) => setTimeout(resolve, 200));
    if (bytes === before) throw new Error(`deliveries ended at ${bytes} bytes`);
  }
  client.received = Buffer.alloc(0);
  client.socket.on("data", (chunk: Buffer) => (client.received = Buffer.concat([client.received, chunk])));
}

/** The client that holds a million messages of queue `q`. */
let holder: RawClient;

function holding(name: string, what: string, attack: (client: RawClient) => Promise<string>): Attack {
  return {
    name,
    what,
    async prepare({ amqp }) {
      holder = await amqp();
      const key = "x-dead-letter-exchange";
      const args = longText(Buffer.concat([shortText(key), Buffer.from("S"), longText("amq.fanout")]));
      declare(holder, "q", args);
      declare(holder, "dead");
      holder.send(
        method(
          channel,
          50,
          20,
          uint(2, 0),
          shortText("dead"),
          shortText("amq.fanout"),
          Buffer.of(0, 0),
          longText(""),
        ),
      );
      await fill(holder, "q", messages);
      await hold(holder, "q", messages);
    },
    attack: () => attack(holder),
  };
}

/** The queue's messages that are ready, once they are as many. */
async function ready({ amqp }: AttackContext, queue: string, count: number): Promise<string> {
  const client = await amqp();
  return await until(async () => {
    client.received = Buffer.alloc(0);
    client.send(method(channel, 50, 10, uint(2, 0), shortText(queue), Buffer.of(1), longText("")));
    const { payload } = await client.method("50.11");
    const found = payload.readUInt32BE(4 + shortText(queue).length);
    return found === count && `${found} ready`;
  });
}

const close = method(channel, 20, 40, uint(2, 200), shortText(""), uint(2, 0), uint(2, 0));

function withBindings(name: string, what: string, attack: (client: RawClient) => Promise<string>): Attack {
  return {
    name,
    what,
    async prepare({ amqp }) {
      const client = await amqp();
      declare(client, "q");
      client.send(
        method(channel, 40, 10, uint(2, 0), shortText("x"), shortText("direct"), Buffer.of(2), longText("")),
      );
      for (let i = 0; i < bindings; i += inOneWrite) {
        client.send(
          ...Array.from({ length: inOneWrite }, (_, at) => {
            const names = [shortText("q"), shortText("x"), shortText(`k${i + at}`)];
            return method(channel, 50, 20, uint(2, 0), ...names, Buffer.of(1), longText(""));
          }),
        );
        await settled(client);
      }
    },
    attack: async ({ amqp }) => attack(await amqp()),
  };
}

function withConsumers(name: string, what: string, channels: number, each: number): Attack {
  return {
    name,
    what,
    async prepare({ amqp }) {
      holder = await amqp();
      declare(holder, "q");
      await settled(holder);
      for (let number = 2; number < channels + 2; number++) {
        holder.send(method(number, 20, 10, shortText("")));
        holder.send(
          ...Array.from({ length: each }, (_, at) => {
            const names = [shortText("q"), shortText(`c${at}`)];
            return method(number, 60, 20, uint(2, 0), ...names, Buffer.of(8), longText(""));
          }),
        );
        if (number % 50 === 0) await settled(holder);
      }
      await settled(holder);
    },
    async attack() {
      holder.received = Buffer.alloc(0);
      holder.send(method(0, 10, 50, uint(2, 200), shortText(""), uint(2, 0), uint(2, 0)));
      return (await holder.method("10.51")).method;
    },
  };
}

export default [
  {
    ...holding("amqp-close", "closes a channel that holds 1,000,000 messages", async () => ""),
    async attack(context) {
      holder.send(close);
      await holder.method("20.41");
      return await ready(context, "q", messages);
    },
  },
  {
    ...holding("amqp-end", "ends a connection that holds 1,000,000 messages", async () => ""),
    async attack(context) {
      holder.destroy();
      return await ready(context, "q", messages);
    },
  },
  holding("amqp-ack", "acknowledges 1,000,000 messages at once", async (client) => {
    client.send(method(channel, 60, 80, uint(8, 0), Buffer.of(1)));
    await settled(client);
    return "acknowledged";
  }),
  {
    ...holding("amqp-recover", "has 1,000,000 messages that it holds delivered again", async () => ""),
    async attack() {
      holder.send(method(channel, 60, 30, shortText("c"), Buffer.of(0)));
      holder.send(method(channel, 60, 110, Buffer.of(1)));
      return (await holder.method("60.111")).method;
    },
  },
  {
    ...holding("amqp-reject", "rejects 1,000,000 messages into a dead-letter exchange", async () => ""),
    rssBytesMax: 2 ** 31,
    async attack(context) {
      holder.send(method(channel, 60, 120, uint(8, 0), Buffer.of(1)));
      for (let tries = 8; ; tries--) {
        try {
          return await ready(context, "dead", messages);
        } catch (error) {
          if (tries === 0) throw error;
        }
      }
    },
  },
  {
    name: "amqp-purge-held",
    what: "purges 1,000,000 messages of a queue of which one more is held",
    async prepare({ amqp }) {
      holder = await amqp();
      declare(holder, "q");
      await fill(holder, "q", messages);
      holder.send(method(channel, 60, 70, uint(2, 0), shortText("q"), Buffer.of(0)));
      await holder.method("60.71");
    },
    async attack({ amqp }) {
      const client = await amqp();
      client.send(method(channel, 50, 30, uint(2, 0), shortText("q"), Buffer.of(0)));
      return `${(await client.method("50.31")).payload.readUInt32BE(4)} purged`;
    },
  },
  {
    name: "amqp-delete-full",
    what: "deletes a queue of 1,000,000 messages",
    async prepare({ amqp }) {
      holder = await amqp();
      declare(holder, "q");
      await fill(holder, "q", messages);
    },
    async attack({ amqp }) {
      const client = await amqp();
      client.send(method(channel, 50, 40, uint(2, 0), shortText("q"), Buffer.of(0)));
      return `${(await client.method("50.41")).payload.readUInt32BE(4)} deleted`;
    },
  },
  withBindings("amqp-exchange-delete", "deletes an exchange with 100,000 bindings", async (client) => {
    client.send(method(channel, 40, 20, uint(2, 0), shortText("x"), Buffer.of(0)));
    return (await client.method("40.21")).method;
  }),
  withBindings("amqp-queue-delete", "deletes a queue with 100,000 bindings", async (client) => {
    client.send(method(channel, 50, 40, uint(2, 0), shortText("q"), Buffer.of(0)));
    return (await client.method("50.41")).method;
  }),
  {
    name: "amqp-commit",
    what: "commits 100,000 publishes",
    async prepare({ amqp }) {
      holder = await amqp();
      declare(holder, "q");
      holder.send(method(channel, 90, 10));
      await fill(holder, "q", 100_000);
    },
    async attack() {
      holder.send(method(channel, 90, 20));
      return (await holder.method("90.21")).method;
    },
  },
  withConsumers(
    "amqp-consumers",
    "closes a connection of 98 channels with 200 consumers each of one queue",
    98,
    200,
  ),
] satisfies Attack[];
