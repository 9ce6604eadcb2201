/** One PUBLISH that meets very many subscriptions. */
import type { RawRedis } from "../../test/support/raw-redis.ts";
import type { Attack } from "./attack.ts";

const count = 100_000;
const inOneCommand = 1000;
const ofOneConnection = 10_000;

/** By as many connections as it needs; returns how many patterns there are then. */
async function subscribe(open: () => Promise<RawRedis>, nameOf: (i: number) => string): Promise<string> {
  const asker = await open();
  for (let i = 0; i < count;) {
    const client = await open();
    for (let own = 0; own < ofOneConnection && i < count; own += inOneCommand, i += inOneCommand) {
      const names = Array.from({ length: inOneCommand }, (_, at) => nameOf(i + at));
      // The other replies of the command come without being asked for, and are not waited for.
      const answer = await client.call("psubscribe", ...names);
      if (answer.startsWith("-") || answer === "closed") throw new Error(answer);
    }
  }
  return await asker.call("pubsub", "numpat");
}

/** `waitMsMax`: where very many are reached, which takes its time in Redis too (docs/redis.md). */
function attackOf(name: string, what: string, nameOf: (i: number) => string, waitMsMax?: number): Attack {
  let subscribed = "";
  return {
    name,
    what,
    ...(waitMsMax === undefined ? {} : { waitMsMax }),
    async prepare({ redis }) {
      subscribed = await subscribe(redis, nameOf);
    },
    async attack({ redis }) {
      const client = await redis();
      return `${subscribed} patterns; receivers: ${await client.call("publish", channel, "m")}`;
    },
  };
}

const channel = "a".repeat(200);

export default [
  {
    name: "psubscribe-too-many",
    what: "PSUBSCRIBE to 100,000 patterns by one connection",
    async attack({ redis }) {
      return await (await redis()).call("psubscribe", ...Array.from({ length: count }, (_, i) => `p${i}*`));
    },
  },
  {
    name: "publish-patterns-long-channel",
    what: "PUBLISH to a channel of 1 kB against 10,000 patterns of one connection that are looked for at every place",
    async prepare({ redis }) {
      const client = await redis();
      for (let i = 0; i < ofOneConnection; i += inOneCommand) {
        const names = Array.from({ length: inOneCommand }, (_, at) => `*aaaaaaaaaa${i + at}*`);
        await client.call("psubscribe", ...names);
      }
    },
    async attack({ redis }) {
      return await (await redis()).call("publish", "a".repeat(1024), "m");
    },
  },
  attackOf("publish-patterns-prefix", "PUBLISH against 100,000 patterns of other prefixes", (i) => `b${i}.*`),
  attackOf(
    "publish-patterns-star",
    "PUBLISH against 100,000 patterns that begin with a star and are looked for at every place",
    (i) => `*aaaaaaaaaa${i}*`,
    500,
  ),
  attackOf(
    "publish-patterns-all",
    "PUBLISH against 100,000 patterns of ten connections that all match",
    (i) => `[a${i}]*`,
    1000,
  ),
] satisfies Attack[];
