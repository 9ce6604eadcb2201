/**
 * What a million Redis values hold, beside redis-server: bytes for each by what the server says that it uses, and by its RSS;
 * RSS once 90 of 100 are deleted; how long loading takes, by one connection at pipeline 1,000.
 *
 * Both sides keep nothing on disk. Each form has a fresh server. RSS after the deletion is looked up when it no longer falls:
 * memory is given back while a server idles.
 */
import { askRedis } from "../base/ask-redis.ts";
import { infoField } from "../base/redis-info.ts";
import type { Measurement, SelfRun, SelfScenario, Server, ServerSettings } from "../contract.ts";
import type { RedisFillOptions } from "../generators/redis-fill.ts";
import { itemPlace } from "../generators/redis/fill.ts";

export const redisMemoryPrefix = "redis/memory/";

const items = 1_000_000;
const settings: ServerSettings = { durability: "none" };
const ratioMax = 1;
/** RSS after 90 of 100 are deleted, to what is live: a tenth of what was held. */
const leftRatioMax = 2;
const loadSecondsMax = 2;
const pollMs = 1000;
const pollsMax = 20;
const steadyPolls = 3;

interface Form {
  readonly name: string;
  readonly add: readonly string[];
  readonly remove: readonly string[];
  readonly size: readonly string[];
}

const value = "x".repeat(20);
const field = `field:${itemPlace}`;

const forms: readonly Form[] = [
  {
    name: "small keys",
    add: ["SET", `key:${itemPlace}`, value],
    remove: ["DEL", `key:${itemPlace}`],
    size: ["DBSIZE"],
  },
  {
    name: "small hashes",
    add: ["HSET", `key:${itemPlace}`, "name", value, "age", "42", "city", "Berlin"],
    remove: ["DEL", `key:${itemPlace}`],
    size: ["DBSIZE"],
  },
  {
    name: "fields of one hash",
    add: ["HSET", "key", field, value],
    remove: ["HDEL", "key", field],
    size: ["HLEN", "key"],
  },
  {
    name: "members of a set",
    add: ["SADD", "key", `member:${itemPlace}`],
    remove: ["SREM", "key", `member:${itemPlace}`],
    size: ["SCARD", "key"],
  },
  {
    name: "members of a sorted set",
    add: ["ZADD", "key", itemPlace, `member:${itemPlace}`],
    remove: ["ZREM", "key", `member:${itemPlace}`],
    size: ["ZCARD", "key"],
  },
  {
    name: "elements of a list",
    add: ["RPUSH", "key", `element:${itemPlace}`],
    remove: ["LPOP", "key"],
    size: ["LLEN", "key"],
  },
];

interface Held {
  readonly loadSeconds: number;
  readonly usedBytes: number;
  readonly rssBytes: number;
  readonly leftBytes: number;
}

async function heldBy(run: SelfRun, server: Server, form: Form): Promise<Held> {
  const port = server.ports.redis!;
  const fill = async (command: readonly string[], which: RedisFillOptions["which"], expected: number) => {
    const options: RedisFillOptions = { port, command, items, which };
    const { seconds } = await run.generate("redis-fill", { ...options });
    const found = await askRedis(port, ...form.size);
    if (found !== expected) throw new Error(`${form.size.join(" ")} is ${found}, expected ${expected}`);
    return seconds;
  };
  const usedBefore = Number(await infoField(port, "memory", "used_memory"));
  const rssBefore = server.usage().rssBytes;
  const loadSeconds = await fill(form.add, "all", items);
  const usedBytes = Number(await infoField(port, "memory", "used_memory")) - usedBefore;
  if (usedBytes <= 0) throw new Error(`${server.name} does not count values in used_memory`);
  const rssBytes = (await settledRss(server)) - rssBefore;
  await fill(form.remove, "nine of ten", items / 10);
  return { loadSeconds, usedBytes, rssBytes, leftBytes: (await settledRss(server)) - rssBefore };
}

async function settledRss(server: Server): Promise<number> {
  let least = server.usage().rssBytes;
  for (let poll = 0, steady = 0; poll < pollsMax && steady < steadyPolls; poll++) {
    await new Promise((resolve) => setTimeout(resolve, pollMs));
    const { rssBytes } = server.usage();
    steady = rssBytes < least * 0.99 ? 0 : steady + 1;
    least = Math.min(least, rssBytes);
  }
  return least;
}

async function measureForm(run: SelfRun, form: Form): Promise<readonly Measurement[]> {
  const held: { name: string; held: Held }[] = [];
  for (const start of [() => run.startOurs(settings), () => run.startPeer("redis", settings)]) {
    const server = await start();
    if (server === undefined) continue;
    held.push({ name: server.name, held: await heldBy(run, server, form) });
    await server.stop();
  }
  const found: Measurement[] = [];
  for (const { name, held: each } of held) {
    const add = (what: string, total: number) =>
      found.push({ what: `${name}, ${what}`, unit: "bytes", values: [total] });
    add("used_memory", each.usedBytes);
    add("RSS more than empty", each.rssBytes);
    add("RSS more than empty, 90 of 100 deleted", each.leftBytes);
    found.push({ what: `${name}, loading`, unit: "ms", values: [each.loadSeconds * 1000] });
  }
  const [ours, theirs] = held.map((each) => each.held);
  const loading = { unit: "ms", values: [ours!.loadSeconds * 1000], atMost: loadSecondsMax * 1000 } as const;
  found.push({ what: "loading", ...loading });
  const left = ours!.leftBytes / (ours!.rssBytes / 10);
  found.push({ what: "RSS left to what is live", unit: "times", values: [left], atMost: leftRatioMax });
  if (theirs !== undefined) {
    const ratio = ours!.usedBytes / theirs.usedBytes;
    found.push({ what: "used_memory, ours to the peer's", unit: "times", values: [ratio], atMost: ratioMax });
    const resident = ours!.rssBytes / theirs.rssBytes;
    found.push({ what: "RSS, ours to the peer's", unit: "times", values: [resident] });
    const loaded = ours!.loadSeconds / theirs.loadSeconds;
    found.push({ what: "loading, ours to the peer's", unit: "times", values: [loaded] });
  }
  return found;
}

export const redisMemoryScenarios: readonly SelfScenario[] = forms.map((form) => ({
  kind: "self",
  name: `${redisMemoryPrefix}${form.name.replaceAll(" ", "-")}`,
  isLong: true,
  measure: (run) => measureForm(run, form),
}));
