/** `troikamq import redis` and `export redis` as an operator meets them: what is taken, what is left out, errors and exit codes. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { after, before, beforeEach, test } from "node:test";
import { TransferError } from "../../../cli/redis/transfer-error.ts";
import { startTestBroker, type TestBroker } from "../../support/broker.ts";
import { RawRedis } from "../../support/raw-redis.ts";
import { bytesOf, expiresAtMs, keyOf, lengthOf, plain, rdbFile, strings } from "../../support/rdb-file.ts";
import { exportRdb, importRdb } from "../../support/redis-transfer.ts";

const launcher = path.join(import.meta.dirname, "../../../bin/troikamq.js");
let directory: string;
let broker: TestBroker;
let redis: RawRedis;

before(async () => {
  directory = fs.mkdtempSync(path.join(os.tmpdir(), "transfer-"));
  broker = await startTestBroker({ dataDir: "memory" });
  redis = await RawRedis.open(broker.ports.redis);
});

after(async () => {
  await redis.close();
  await broker.stop();
  fs.rmSync(directory, { recursive: true });
});

beforeEach(async () => {
  await redis.call("flushall");
});

function fileOf(name: string, bytes: Buffer): string {
  const file = path.join(directory, name);
  fs.writeFileSync(file, bytes);
  return file;
}

const select = (database: number): Buffer => bytesOf([254], lengthOf(database));
const text = (key: string, value = "v"): Buffer => keyOf(0, key, plain(value));
const numbered = (count: number): Buffer =>
  Buffer.concat(Array.from({ length: count }, (_, i) => text(`key ${i}`, `value ${i}`)));

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function run(...args: readonly string[]): Promise<Ended> {
  return new Promise((resolve) => {
    const runtime = process.env["TROIKAMQ_TEST_RUNTIME"] ?? "bun";
    const child = spawn(process.execPath, [launcher, ...args], {
      env: { ...process.env, TROIKAMQ_RUNTIME: runtime },
    });
    let stdout = "";
    let stderr = "";
    child.stdout.on("data", (chunk: Buffer) => (stdout += chunk.toString()));
    child.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
    child.on("close", (code) => resolve({ code, stdout, stderr }));
  });
}

const failsWith = (exitCode: number, message: RegExp) => (error: unknown) => {
  assert.ok(error instanceof TransferError, String(error));
  assert.match(error.message, message);
  assert.equal(error.exitCode, exitCode);
  return true;
};

test("the commands: results on stdout, one line on stderr for what is wrong, exit codes", async () => {
  const url = `redis://127.0.0.1:${broker.ports.redis}`;
  const file = fileOf("some.rdb", rdbFile(9, select(0), numbered(3)));
  const out = path.join(directory, "out.rdb");
  const [imported, exported, usage, nowhere] = [
    await run("import", "redis", file, "--url", url),
    await run("export", "redis", out, `--url=${url}`),
    await run("import", "redis", file, "--replase"),
    await run("import", "redis", file, "--url", "redis://127.0.0.1:1"),
  ];
  assert.deepEqual([imported.code, imported.stderr], [0, ""]);
  assert.match(imported.stdout, /^3 keys imported in [\d.]+ s\nverified: all 3 are there\n$/);
  assert.deepEqual([exported.code, exported.stderr], [0, ""]);
  assert.match(
    exported.stdout,
    /^3 keys exported in [\d.]+ s\n.*out\.rdb: RDB version 10, \d+ bytes, read back\n$/,
  );
  assert.deepEqual(fs.readdirSync(directory).toSorted(), ["out.rdb", "some.rdb"]);
  assert.equal(usage.code, 2);
  assert.match(usage.stderr, /^troikamq: import has no option --replase; did you mean --replace\?\n$/);
  assert.equal(nowhere.code, 1);
  assert.match(
    nowhere.stderr,
    /^troikamq: cannot connect to 127\.0\.0\.1:1: .*; name the server with --url\n$/,
  );
  const help = await run("import", "--help");
  assert.match(help.stdout, /usage: troikamq import redis FILE \[OPTION…\]\n[^]*--skip-existing/);
});

test("a refused password ends the commands with code 1", async () => {
  const file = fileOf("refused.rdb", rdbFile(9, select(0), numbered(1)));
  const url = `redis://nobody:wrong@127.0.0.1:${broker.ports.redis}`;
  for (const args of [
    ["import", "redis", file, "--url", url],
    ["export", "redis", path.join(directory, "refused-out.rdb"), "--url", url],
  ]) {
    const { code, stderr, stdout } = await run(...args);
    assert.deepEqual([code, stdout], [1, ""]);
    assert.match(stderr, /^troikamq: .*AUTH was refused: .*\n$/);
  }
  fs.rmSync(file);
});

test("a lone * is every key, the one with the empty name too, as in SCAN", async () => {
  const file = fileOf("empty-name.rdb", rdbFile(9, select(0), text(""), text("a")));
  const url = `redis://127.0.0.1:${broker.ports.redis}`;
  const imported = await run("import", "redis", file, "--url", url, "--match", "*");
  assert.match(imported.stdout, /^2 keys imported /);
  assert.equal(await redis.call("get", ""), "$1\r\nv\r\n");
  const back = path.join(directory, "empty-name-back.rdb");
  const exported = await run("export", "redis", back, "--url", url, "--match", "*");
  assert.match(exported.stdout, /^2 keys exported /);
  fs.rmSync(back);
  fs.rmSync(file);
});

test("keys that are there already: nothing is written, or they stay, or are replaced", async () => {
  const { redis: port } = broker.ports;
  const file = fileOf("there.rdb", rdbFile(9, select(0), numbered(200), keyOf(2, "set", strings("a", "b"))));
  await redis.call("set", "key 150", "old");
  await redis.call("set", "set", "old");
  await assert.rejects(
    importRdb(file, port),
    failsWith(4, /^2 keys are there already, .* is one; .*nothing was written$/),
  );
  assert.equal(await redis.call("dbsize"), ":2\r\n");
  const skipped = await importRdb(file, port, { existing: "skip" });
  assert.deepEqual([skipped.taken, skipped.skipped, skipped.missing], [199, 2, 0]);
  assert.equal(await redis.call("get", "set"), "$3\r\nold\r\n");
  const replaced = await importRdb(file, port, { existing: "replace" });
  assert.deepEqual([replaced.taken, replaced.skipped], [201, 0]);
  assert.equal(await redis.call("scard", "set"), ":2\r\n");
  const inPieces = { wholeMax: { bytes: 3, expandedBytes: 3 } };
  const again = await importRdb(file, port, { existing: "skip", walk: inPieces });
  assert.deepEqual([again.taken, again.skipped, again.missing], [0, 201, 0]);
  await redis.call("flushall");
  await redis.call("set", "set", "old");
  const skippedOnly = await importRdb(file, port, { existing: "skip", walk: inPieces });
  assert.deepEqual([skippedOnly.taken, skippedOnly.skipped], [200, 1]);
  // No temporary key is left.
  assert.equal(await redis.call("dbsize"), ":201\r\n");
});

test("only some keys: of one database, by a pattern, those that have not expired; and none at all", async () => {
  const { redis: port } = broker.ports;
  const file = fileOf(
    "some-keys.rdb",
    rdbFile(10, select(0), numbered(20), expiresAtMs(5), text("over"), select(3), numbered(5), text("other")),
  );
  const dry = await importRdb(file, port, { isDryRun: true });
  assert.deepEqual([dry.taken, dry.counts.read, dry.counts.expired], [26, 27, 1]);
  assert.equal(await redis.call("dbsize"), ":0\r\n");
  const one = await importRdb(file, port, { walk: { database: 3 } });
  assert.deepEqual([one.taken, one.counts.notWanted], [6, 21]);
  const matched = await importRdb(file, port, {
    walk: { database: 0, matches: (key, start, end) => key.latin1Slice(start, end) === "key 7" },
  });
  assert.deepEqual([matched.taken, matched.counts.notWanted], [1, 26]);
  assert.equal(await redis.call("get", "key 7"), "$7\r\nvalue 7\r\n");
  const exported = path.join(directory, "part.rdb");
  const result = await exportRdb(exported, port, { database: 3, pattern: "key [1-2]" });
  assert.equal(result.keys, 2);
  await assert.rejects(
    exportRdb(exported, port),
    failsWith(4, /is there already; give another name, or --replace$/),
  );
});

test("a damaged file: what is wrong where, and how many keys were taken", async () => {
  const { redis: port } = broker.ports;
  const whole = rdbFile(9, select(0), numbered(300));
  const cut = fileOf("cut.rdb", whole.subarray(0, 3000));
  await assert.rejects(
    importRdb(cut, port),
    failsWith(3, /is cut off: it ends at byte 3000.*; \d+ keys were taken before$/),
  );
  const taken = Number((await redis.call("dbsize")).slice(1, -2));
  assert.ok(taken > 100 && taken < 300, `${taken} keys`);
  await redis.call("flushall");
  const flipped = Buffer.from(whole);
  flipped[2000]! ^= 1;
  await assert.rejects(
    importRdb(fileOf("flipped.rdb", flipped), port),
    failsWith(3, /is damaged: its sum \(CRC-64\) is another.*; 300 keys were taken before$/),
  );
  await redis.call("flushall");
  const none: [string, Buffer, RegExp][] = [
    ["empty.rdb", Buffer.alloc(0), /is not an RDB file/],
    ["other.rdb", Buffer.from("# an AOF or anything else"), /is not an RDB file/],
    ["late.rdb", rdbFile(99, select(0)), /is an RDB file of version 99; 1 to 12 are known$/],
    ["type.rdb", rdbFile(9, select(0), keyOf(60, "k", plain("v"))), /is damaged at byte \d+: .*type 60/],
    ["huge.rdb", rdbFile(9, select(0), [0, 1, 0x61, 0x81, 9, 9, 9, 9, 9, 9, 9, 9]), /is cut off/],
  ];
  for (const [name, bytes, message] of none)
    await assert.rejects(importRdb(fileOf(name, bytes), port), failsWith(3, message));
  await assert.rejects(importRdb(path.join(directory, "none.rdb"), port), failsWith(1, /cannot be read/));
  assert.equal(await redis.call("dbsize"), ":0\r\n");
  // Redis writes 0 where it was told to leave the sum out.
  const unsummed = Buffer.concat([whole.subarray(0, -8), Buffer.alloc(8)]);
  assert.equal((await importRdb(fileOf("unsummed.rdb", unsummed), port)).taken, 300);
});

test("whatever byte is flipped, an import ends with an error that says so", async () => {
  const { redis: port } = broker.ports;
  const whole = rdbFile(
    9,
    select(0),
    text("a"),
    keyOf(2, "set", strings("a", "b")),
    expiresAtMs(2 ** 42),
    text("b"),
  );
  for (let at = 0; at < whole.length; at++) {
    const bytes = Buffer.from(whole);
    bytes[at]! ^= 0x41;
    const file = fileOf("flip.rdb", bytes);
    await assert.rejects(importRdb(file, port, { existing: "replace" }), TransferError, `byte ${at}`);
  }
});

test("values of modules are counted by their type and left out; so is what modules write beside keys", async () => {
  // ReJSON-RL, version 3: nine letters of six bits, ten bits.
  const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  let number = 0n;
  for (const letter of "ReJSON-RL") number = (number << 6n) | BigInt(letters.indexOf(letter));
  const id = Buffer.alloc(9, 0x81);
  id.writeBigUInt64BE((number << 10n) | 3n, 1);
  const parts = bytesOf(
    [1],
    lengthOf(5),
    [2],
    lengthOf(70),
    [3, 0, 0, 0, 0],
    [4, 0, 0, 0, 0, 0, 0, 0, 0],
    [5],
    plain("{}"),
    [0],
  );
  const aux = bytesOf([247], id, [2, 1], parts);
  const file = fileOf(
    "modules.rdb",
    rdbFile(9, aux, select(0), text("a"), keyOf(7, "json", bytesOf(id, parts)), text("b")),
  );
  const { taken, counts } = await importRdb(file, broker.ports.redis);
  assert.deepEqual(
    [taken, [...counts.modules], [...counts.moduleAux]],
    [2, [["ReJSON-RL", 1]], ["ReJSON-RL"]],
  );
  const { code, stdout } = await run("import", "redis", file, "--dry-run");
  assert.equal(code, 5);
  assert.match(stdout, /1 key left out: of the module type ReJSON-RL\n/);
});

test("an export that cannot end leaves neither the file nor a part of it", async () => {
  await redis.call("set", "k", "v");
  await redis.call("acl", "setuser", "reader", "on", ">secret", "~*", "+@all", "-dump");
  const file = path.join(directory, "refused.rdb");
  const address = {
    host: "127.0.0.1",
    port: broker.ports.redis,
    isTls: false,
    user: "reader",
    password: "secret",
    database: undefined,
  };
  await assert.rejects(
    exportRdb(file, broker.ports.redis, { address }),
    failsWith(1, /did not give the key "k": NOPERM/),
  );
  await assert.rejects(
    exportRdb(file, broker.ports.redis, { address: { ...address, password: "other" } }),
    failsWith(1, /AUTH was refused: WRONGPASS/),
  );
  assert.deepEqual(
    fs.readdirSync(directory).filter((name) => name.startsWith("refused")),
    [],
  );
});

test("hashes with fields that expire: a file of version 12, and back", async () => {
  await redis.call("hset", "h", "a", 1, "b", 2);
  await redis.call("hpexpireat", "h", 2 ** 42, "fields", 1, "a");
  const file = path.join(directory, "timed.rdb");
  const { version } = await exportRdb(file, broker.ports.redis);
  assert.equal(version, 12);
  for (const bytes of [1 << 20, 1]) {
    await redis.call("flushall");
    await importRdb(file, broker.ports.redis, { walk: { wholeMax: { bytes, expandedBytes: bytes } } });
    assert.equal(
      await redis.call("hpexpiretime", "h", "fields", 2, "a", "b"),
      `*2\r\n:${2 ** 42}\r\n:-1\r\n`,
    );
  }
});
