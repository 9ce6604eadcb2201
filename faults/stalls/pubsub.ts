/** One PUBLISH that meets very many subscriptions. */
import type { RawRedis } from "../../test/support/raw-redis.ts";
import type { Attack } from "./attack.ts";

const count = 100_000;
const inOneCommand = 1000;

async function subscribe(client: RawRedis, command: string, nameOf: (i: number) => string): Promise<string> {
  let answer = "";
  for (let i = 0; i < count; i += inOneCommand) {
    const names = Array.from({ length: inOneCommand }, (_, at) => nameOf(i + at));
    // The other replies of the command come without being asked for, and are not waited for.
    answer = await client.call(command, ...names);
    if (answer.startsWith("-") || answer === "closed") break;
  }
  return answer;
}

function attackOf(name: string, what: string, channel: string, nameOf: (i: number) => string): Attack {
  let subscribed = "";
  return {
    name,
    what,
    async prepare({ redis }) {
      subscribed = await subscribe(await redis(), "psubscribe", nameOf);
    },
    async attack({ redis }) {
      const client = await redis();
      return `${subscribed.slice(0, 80)} / ${await client.call("publish", channel, "m")}`;
    },
  };
}

const channel = "a".repeat(200);

export default [
  attackOf(
    "publish-patterns-prefix",
    "PUBLISH against 100,000 patterns of other prefixes",
    channel,
    (i) => `b${i}.*`,
  ),
  attackOf(
    "publish-patterns-star",
    "PUBLISH against 100,000 patterns that begin with a star and are looked for at every place",
    channel,
    (i) => `*aaaaaaaaaa${i}*`,
  ),
  attackOf(
    "publish-patterns-all",
    "PUBLISH against 100,000 patterns of one connection that all match",
    channel,
    (i) => `[a${i}]*`,
  ),
];
