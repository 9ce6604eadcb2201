/** A broker whose directory another one takes over ends by itself, with one line, and what it had answered is there. */
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { test } from "node:test";
import {
  journalFileName,
  journalHeader,
  journalHeaderBytes,
  parseJournalFileName,
} from "../../../src/storage/journal/journal-file.ts";
import { startTestBroker } from "../../support/broker.ts";
import { RawRedis } from "../../support/raw-redis.ts";

test("a journal file of a higher epoch stops the directory's owner", async () => {
  const broker = await startTestBroker();
  let client = await RawRedis.open(broker.ports.redis);
  assert.equal(await client.call("set", "key", "value"), "+OK\r\n");
  const directory = path.join(broker.dataDir, "journal");
  const name = fs.readdirSync(directory).findLast((each) => parseJournalFileName(each) !== null)!;
  const { base, epoch } = parseJournalFileName(name)!;
  const end = base + fs.statSync(path.join(directory, name)).size - journalHeaderBytes;
  const place = { base: end, epoch: epoch + 1 };
  fs.writeFileSync(path.join(directory, journalFileName(place)), journalHeader(place));
  // A signal that does nothing: it ends by itself.
  assert.equal(await broker.kill("SIGCONT"), 1);
  await client.close();
  const errors = broker.log.split("\n").filter((line) => /error/i.test(line));
  assert.equal(errors.length, 1, broker.log);
  assert.match(errors[0]!, /another broker has taken the directory over \(epoch 2, this one is of epoch 1\)/);
  await broker.restart();
  client = await RawRedis.open(broker.ports.redis);
  assert.equal(await client.call("get", "key"), "$5\r\nvalue\r\n");
  await client.close();
  await broker.stop();
});
