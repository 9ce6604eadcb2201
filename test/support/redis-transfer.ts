/** Imports and exports as the command does them, in the test's own process, and what two servers have beside each other. */
import assert from "node:assert/strict";
import { redisAddress } from "../../cli/redis/address.ts";
import { exportFile, type ExportOptions, type ExportResult } from "../../cli/redis/export/export-file.ts";
import { importFile, type ImportOptions, type ImportResult } from "../../cli/redis/import/import-file.ts";
import { Progress } from "../../cli/redis/progress.ts";
import { RawRedis, type Word } from "./raw-redis.ts";

const silent = (): Progress => new Progress({ write: () => true }, () => 0);
export const wholeMax = { bytes: 16 << 20, expandedBytes: 128 << 20 };

export function importRdb(
  path: string,
  port: number,
  { walk, ...options }: Partial<Omit<ImportOptions, "walk">> & { walk?: Partial<ImportOptions["walk"]> } = {},
): Promise<ImportResult> {
  return importFile(
    {
      path,
      address: redisAddress(`redis://127.0.0.1:${port}`, {}),
      existing: "fail",
      isDryRun: false,
      takesLibraries: true,
      walk: { database: undefined, matches: () => true, now: () => Date.now(), wholeMax, ...walk },
      ...options,
    },
    silent(),
  );
}

export function exportRdb(
  path: string,
  port: number,
  options: Partial<ExportOptions> = {},
): Promise<ExportResult> {
  return exportFile(
    {
      path,
      address: redisAddress(`redis://127.0.0.1:${port}`, {}),
      isReplaced: false,
      database: undefined,
      pattern: undefined,
      now: () => Date.now(),
      ...options,
    },
    silent(),
  );
}

const reads: Readonly<Record<string, (key: string) => readonly Word[]>> = {
  string: (key) => ["get", key],
  list: (key) => ["lrange", key, 0, -1],
  set: (key) => ["smembers", key],
  hash: (key) => ["hgetall", key],
  zset: (key) => ["zrange", key, 0, -1, "withscores"],
  stream: (key) => ["xinfo", "stream", key, "full", "count", 0],
};

export interface Compared {
  /** When a consumer was seen is not the same where a stream came in pieces. */
  readonly hasSeenTimes: boolean;
  /** Redis's bounds of its encodings can be set, this broker's are redis's usual ones. */
  readonly hasEncodings: boolean;
}

/** The radix tree is redis's own; times of activity came with 7.2. */
function masked(reply: string, { hasSeenTimes }: Compared): string {
  const text = reply
    .replaceAll(/(radix-tree-(?:keys|nodes)\r\n):\d+/g, "$1:N")
    .replaceAll(/\$11\r\nactive-time\r\n:-?\d+\r\n/g, "")
    .replaceAll(/\*(?:6|8|10)\r\n(?=\$4\r\nname)/g, "*N\r\n");
  return hasSeenTimes ? text : text.replaceAll(/(seen-time\r\n):\d+/g, "$1:T");
}

async function whatIs(client: RawRedis, key: string, compared: Compared): Promise<readonly string[]> {
  const type = (await client.call("type", key)).slice(1, -2);
  const read = reads[type];
  assert.ok(read !== undefined, `${key} is a ${type}`);
  const [value, ...facts] = await Promise.all([
    client.call(...read(key)),
    client.call("pexpiretime", key),
    compared.hasEncodings ? client.call("object", "encoding", key) : "",
  ]);
  const isUnordered = type === "set" || type === "hash";
  const text = masked(value, compared);
  return [type, isUnordered ? text.split("\r\n").toSorted().join("\r\n") : text, ...facts];
}

function keysOf(reply: string): string[] {
  const keys: string[] = [];
  const bytes = Buffer.from(reply, "latin1");
  let at = bytes.indexOf("\r\n") + 2;
  while (at < bytes.length) {
    const lineEnd = bytes.indexOf("\r\n", at);
    const size = Number(bytes.latin1Slice(at + 1, lineEnd));
    keys.push(bytes.latin1Slice(lineEnd + 2, lineEnd + 2 + size));
    at = lineEnd + 2 + size + 2;
  }
  return keys.toSorted();
}

/** Both servers have the same in these databases. Returns how many keys that are. */
export async function assertSameKeys(
  portA: number,
  portB: number,
  databases: readonly number[],
  given: Partial<Compared> = {},
): Promise<number> {
  const [a, b] = [await RawRedis.open(portA), await RawRedis.open(portB)];
  const compared = { hasSeenTimes: true, hasEncodings: true, ...given };
  let count = 0;
  for (const database of databases) {
    await Promise.all([a.call("select", database), b.call("select", database)]);
    const [keys, others] = [keysOf(await a.call("keys", "*")), keysOf(await b.call("keys", "*"))];
    assert.deepEqual(keys, others);
    for (const key of keys) {
      const [one, other] = await Promise.all([whatIs(a, key, compared), whatIs(b, key, compared)]);
      assert.deepEqual(one, other, key);
    }
    count += keys.length;
  }
  await Promise.all([a.close(), b.close()]);
  return count;
}
