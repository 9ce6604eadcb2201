/** Long glob patterns against long names, and patterns that are large once compiled. */
import type { Attack } from "./attack.ts";

const longKeys: NonNullable<Attack["prepare"]> = async ({ redis }) => {
  const client = await redis();
  for (let i = 0; i < 10; i++) await client.call("set", `${i}${"a".repeat(100_000)}`, "v");
};

const attacks: Attack[] = [
  {
    name: "glob-long",
    what: "SCAN MATCH with a glob of 50 kB over ten keys of 100 kB",
    prepare: longKeys,
    async attack({ redis }) {
      return await (await redis()).call("scan", 0, "match", `*${"a".repeat(50_000)}b*`, "count", 100);
    },
  },
  {
    name: "glob-stars",
    what: "KEYS with a glob of 900 stars, each before 50 letters, over ten keys of 100 kB",
    prepare: longKeys,
    async attack({ redis }) {
      return await (await redis()).call("keys", `${`*${"a".repeat(50)}`.repeat(900)}b`);
    },
  },
  {
    name: "glob-wild",
    what: "KEYS with 127 classes and letters between two stars, over ten keys of 100 kB",
    prepare: longKeys,
    async attack({ redis }) {
      return await (await redis()).call("keys", `*${"[ab]a".repeat(127)}b*`);
    },
  },
  {
    name: "glob-classes",
    what: "KEYS with a million [a]",
    rssBytesMax: 400 << 20,
    async attack({ redis }) {
      return await (await redis()).call("keys", "[a]".repeat(1_000_000));
    },
  },
  {
    name: "glob-psubscribe",
    what: "PSUBSCRIBE to a glob of 50 kB, and PUBLISH to a channel of 1 kB",
    async attack({ redis }) {
      const subscriber = await redis();
      const answer = await subscriber.call("psubscribe", `*${"a".repeat(50_000)}b*`);
      const published = await (await redis()).call("publish", "a".repeat(1024), "m");
      return `${answer.slice(0, 60)} ${published}`;
    },
  },
  {
    name: "glob-acl",
    what: "ACL SETUSER with a key pattern of 50 kB, and GET of a key of 100 kB",
    async attack({ redis }) {
      const client = await redis();
      const answer = await client.call(
        "acl",
        "setuser",
        "u",
        "on",
        ">p",
        "+@all",
        `~*${"a".repeat(50_000)}b*`,
      );
      await client.call("auth", "u", "p");
      return `${answer} ${await client.call("get", "a".repeat(100_000))}`;
    },
  },
];

export default attacks;
