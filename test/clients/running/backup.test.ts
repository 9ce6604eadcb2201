/**
 * A copy that is made while the broker stands still (SIGSTOP, a frozen container) is what a killed broker leaves, as is a
 * snapshot of the file system: check finds it whole, and a broker over it has everything acknowledged before.
 */
import assert from "node:assert/strict";
import fs from "node:fs";
import { test } from "node:test";
import { Redis } from "ioredis";
import { checkDataDirectory } from "../../../src/storage/index.ts";
import { startTestBroker } from "../../support/broker.ts";

const streams = ["s0", "s1", "s2"];

test(
  "a copy of a stopped process has everything that was acknowledged",
  { skip: process.platform === "win32" },
  async () => {
    // Small journal files come and go meanwhile, so that there are segments too.
    const broker = await startTestBroker({ args: ["--journal-bytes-max", "1MiB"] });
    const writer = new Redis(broker.ports.redis, "127.0.0.1");
    let acknowledged = 0;
    let isWriting = true;
    const body = "x".repeat(2000);
    const written = (async () => {
      while (isWriting) {
        const pipeline = writer.pipeline();
        for (let i = 0; i < 30; i++) pipeline.xadd(streams[i % streams.length]!, "*", "body", body);
        await pipeline.exec();
        acknowledged += 30;
      }
    })();
    const copy = `${broker.dataDir}-copy`;
    try {
      for (const least of [1000, 2000]) {
        while (acknowledged < least) await new Promise((resolve) => setTimeout(resolve, 5));
        process.kill(broker.pid, "SIGSTOP");
        const before = acknowledged;
        try {
          fs.cpSync(broker.dataDir, copy, { recursive: true });
        } finally {
          process.kill(broker.pid, "SIGCONT");
        }
        // It speaks of the broker that was copied.
        fs.rmSync(`${copy}/LOCK`, { force: true });
        const { ok, lines } = await checkDataDirectory(copy);
        assert.ok(ok, lines.join("\n"));
        const restored = await startTestBroker({ dataDir: copy });
        const reader = new Redis(restored.ports.redis, "127.0.0.1");
        let count = 0;
        for (const stream of streams) count += await reader.xlen(stream);
        reader.disconnect();
        await restored.stop();
        assert.ok(count >= before, `${count} of ${before}`);
        fs.rmSync(copy, { recursive: true });
      }
    } finally {
      isWriting = false;
      await written;
      writer.disconnect();
      await broker.stop();
      fs.rmSync(copy, { recursive: true, force: true });
    }
  },
);
