/** The main job on real input, in small: `npm run demo` is the whole of it. */
import assert from "node:assert/strict";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { test } from "node:test";
import { runDemo } from "../../../scripts/demo/run.ts";

test("real flights through three protocols, with a SIGKILL half way: nothing lost, all sides equal", async () => {
  const dataDir = fs.mkdtempSync(path.join(os.tmpdir(), "troikamq-demo-"));
  const result = await runDemo({ dataDir, records: 1500, rounds: 2, timeoutMs: 60_000 });
  assert.equal(result.confirmed, 3000);
  assert.deepEqual(
    result.sides.map(({ name, lost }) => ({ name, lost })),
    [
      { name: "AMQP queue", lost: 0 },
      { name: "Kafka topic", lost: 0 },
      { name: "Redis stream", lost: 0 },
    ],
  );
  assert.equal(new Set(result.sides.map(({ digest }) => digest)).size, 1);
  fs.rmSync(dataDir, { recursive: true });
});
