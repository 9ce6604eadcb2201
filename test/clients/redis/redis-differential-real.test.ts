/**
 * Random commands of four connections beside the real redis-server, a little of each kind: replies, keyspace events, invalidations. More of
 * it, and other seeds: `npm run differential -- --redis`. Skipped, and said so, where there is no redis-server 7.0.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { compareRedis } from "../../../differential/redis/index.ts";
import { noRealRedis } from "../../support/real-redis.ts";

const seed = Number(process.env["TROIKAMQ_TEST_SEED"] ?? 1);

test("both servers answer the same, and tell the same", { skip: noRealRedis }, async () => {
  const differences = await compareRedis({ seed, runs: 6, steps: 60, minutes: 1, isVerbose: false });
  assert.equal(differences, 0);
});
