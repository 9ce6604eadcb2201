/** A topic binding of many `#`, and a key of many words: a matcher that goes back tries every way to share the words out. */
import type { RawClient } from "../../test/support/amqp-raw.ts";
import { frame, longText, method, shortText, uint } from "../../test/support/amqp-frames.ts";
import type { Attack } from "./attack.ts";

const channel = 1;

function bind(client: RawClient, key: string): void {
  const names = [shortText("q"), shortText("amq.topic"), shortText(key)];
  client.send(method(channel, 50, 20, uint(2, 0), ...names, Buffer.of(1), longText("")));
}

function publish(client: RawClient, key: string): void {
  client.send(
    method(channel, 60, 40, uint(2, 0), shortText("amq.topic"), shortText(key), Buffer.of(0)),
    frame(2, channel, uint(2, 60), uint(2, 0), uint(8, 0), uint(2, 0)),
  );
}

/** Answered when all before it has been done; or how the channel was closed. */
async function settled(client: RawClient): Promise<string> {
  client.send(method(channel, 20, 20, Buffer.of(1)));
  return await Promise.any([client.closing(), client.method("20.21").then(() => "channel.flow-ok")]);
}

function attackOf(name: string, what: string, bindings: readonly string[], keys: readonly string[]): Attack {
  return {
    name,
    what,
    async attack({ amqp }) {
      const client = await amqp();
      client.send(method(channel, 50, 10, uint(2, 0), shortText("q"), Buffer.of(0), longText("")));
      for (const key of bindings) bind(client, key);
      for (const key of keys) publish(client, key);
      return await settled(client);
    },
  };
}

const words = Array.from({ length: 60 }, () => "a").join(".");
const manyHashes = Array.from({ length: 40 }, (_, i) => (i % 2 === 0 ? "#" : "*")).join(".");

/** Binds until it is refused, then publishes by another connection. */
const manyBindings: Attack = {
  name: "topic-hashes-many",
  what: "2,000 topic bindings of #, * and a letter, and one key of 127 words",
  async attack({ amqp }) {
    const binder = await amqp();
    binder.send(method(channel, 50, 10, uint(2, 0), shortText("q"), Buffer.of(0), longText("")));
    for (let i = 0; i < 2000; i++) {
      const bits = Array.from(
        { length: 40 },
        (_, at) => ["#", "a", "*"][(Math.imul(i * 64 + at, 0x9e3779b1) >>> 20) % 3],
      );
      bind(binder, `#.${bits.join(".")}.${i}`);
    }
    const bound = await settled(binder);
    const client = await amqp();
    publish(client, `${words}.${words}.a`);
    return `${bound}; publish: ${await settled(client)}`;
  },
};

export default [
  manyBindings,
  attackOf(
    "topic-hashes",
    "a topic binding of seven # and one key of 60 words",
    ["#.#.#.#.#.#.#.x"],
    [words],
  ),
  attackOf(
    "topic-hashes-words",
    "a topic binding of # and a word in turns, and twenty keys of 127 words",
    [Array.from({ length: 100 }, (_, i) => (i % 2 === 0 ? "#" : "a")).join(".") + ".x"],
    Array.from({ length: 20 }, (_, i) => `${i % 10}.${words}.${words}`),
  ),
  attackOf(
    "topic-hashes-stars",
    "a topic binding of # and * in turns, and twenty keys of 127 words",
    [`${manyHashes}.x`],
    Array.from({ length: 20 }, (_, i) => `${i % 10}.${words}.${words}`),
  ),
] satisfies Attack[];
