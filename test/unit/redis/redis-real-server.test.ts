/**
 * The same input to the real redis-server and to us: the command table, COMMAND's replies, keys, protocol errors, inline
 * splitting, globs, floats. Skipped, and said so, where there is no redis-server; made for its 7.0.
 */
import assert from "node:assert/strict";
import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { Rig } from "../../../fuzz/rig.ts";
import { ByteWriter } from "../../../src/base/bytes.ts";
import { compileGlob } from "../../../src/base/patterns/glob.ts";
import { commandTable } from "../../../src/protocols/redis/command-table.ts";
import { loadCommandDocs } from "../../../src/protocols/redis/command-docs.ts";
import { requestedKeys } from "../../../src/protocols/redis/core/command-keys.ts";
import { writeCommandDocs, writeCommandInfo } from "../../../src/protocols/redis/server/command-replies.ts";
import type { RedisSession } from "../../../src/protocols/redis/session.ts";
import { formatDouble, parseFloatStrict } from "../../../src/protocols/redis/wire/numbers.ts";
import { ReplyParser, type Reply } from "../../../src/protocols/redis/wire/reply-parser.ts";
import { ReplyWriter, type RespVersion } from "../../../src/protocols/redis/wire/reply-writer.ts";
import { RequestParser } from "../../../src/protocols/redis/wire/request-parser.ts";
import { ownPort } from "../../support/ports.ts";
import { until } from "../../support/wait.ts";
import { ScriptCaller } from "../../support/redis-script-caller.ts";

const serverProgram = "redis-server";
const version = String(spawnSync(serverProgram, ["--version"]).stdout);
const skip = version.includes("v=7.0.") ? false : "no redis-server 7.0 on this machine";

/** Not in 7.0. */
const newerCommands = new Set([
  "client|no-touch",
  "client|setinfo",
  "cluster|myshardid",
  "waitaof",
  "hexpire",
  "hexpireat",
  "hexpiretime",
  "hgetdel",
  "hgetex",
  "hpersist",
  "hpexpire",
  "hpexpireat",
  "hpexpiretime",
  "hpttl",
  "hsetex",
  "httl",
  "xackdel",
  "xdelex",
  // Of this broker alone.
  "troika.cancel",
  "troika.catchup",
  "troika.group",
  "troika.history",
  "troika.nack",
  "troika.scheduled",
  "troika.subscribe",
  "troika.xadd",
]);
/** Known to 7.0 without an option that they have here. */
const newerSyntax = new Set(["zrank", "zrevrank", "xadd", "xtrim", "xreadgroup"]);
/** Their arguments or their history too; all else is as in redis 7.0. */
const newerDocs = new Set([...newerSyntax, "hscan", "client|kill", "client|list"]);

let server: ChildProcess | undefined;
let directory = "";
let port = 0;
const open: RawClient[] = [];

class RawClient {
  readonly #socket: Socket;
  readonly #parser = new ReplyParser();
  readonly #waiting: ((reply: Reply | undefined) => void)[] = [];
  #ended = false;

  constructor() {
    this.#socket = connect(port, "127.0.0.1");
    this.#socket.on("data", (chunk: Buffer) => {
      this.#parser.feed(chunk);
      for (const reply of this.#parser.all()) this.#waiting.shift()?.(reply);
    });
    this.#socket.on("error", () => this.#end());
    this.#socket.on("close", () => this.#end());
    open.push(this);
  }

  /** Whoever waits gets nothing. */
  #end(): void {
    this.#ended = true;
    for (const settle of this.#waiting.splice(0)) settle(undefined);
  }

  /** Sends bytes as they are; undefined when the server closes instead of answering. */
  raw(bytes: Buffer): Promise<Reply | undefined> {
    if (this.#ended) return Promise.resolve(undefined);
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
      this.#socket.write(bytes);
    });
  }

  async call(...words: (string | Buffer)[]): Promise<Reply> {
    const reply = await this.raw(requestOf(words));
    assert.ok(reply, `${String(words[0])}: connection closed`);
    return reply;
  }

  close(): void {
    this.#socket.destroy();
  }
}

/** What COMMAND LIST gives: subcommands too. */
function knownNames(): string[] {
  return commandTable.all.map((spec) => spec.fullName).filter((name) => !newerCommands.has(name));
}

function requestOf(words: readonly (string | Buffer)[]): Buffer {
  const writer = new ReplyWriter(new ByteWriter());
  writer.array(words.length);
  for (const word of words) writer.bulk(typeof word === "string" ? Buffer.from(word) : word);
  return writer.out.copy();
}

function textOf(reply: Reply): string {
  if ("bytes" in reply) return reply.bytes.toString();
  assert.ok("text" in reply, reply.type);
  return reply.text;
}

/** Sets by their members' text in order, key rules without their notes: what two servers must agree on. */
function comparable(reply: Reply): unknown {
  if ("bytes" in reply) return reply.bytes.toString("latin1");
  if (!("items" in reply)) return reply;
  let items = reply.items;
  if (items.length > 0 && items[0]!.type === "bulk" && textOf(items[0]!) === "notes") items = items.slice(2);
  return [reply.type, ...items.map(comparable)];
}

before(async () => {
  if (skip !== false) return;
  directory = mkdtempSync(join(tmpdir(), "troikamq-redis-"));
  port = await ownPort();
  const options = ["--port", String(port), "--bind", "127.0.0.1", "--save", "", "--dir", directory];
  server = spawn(serverProgram, options, { stdio: "ignore" });
  await until(async () => {
    const client = new RawClient();
    const reply = await client.raw(requestOf(["PING"]));
    client.close();
    return reply?.type === "simple";
  }, "redis-server");
});

after(async () => {
  for (const client of open) client.close();
  if (server !== undefined && server.exitCode === null) {
    const gone = new Promise((resolve) => server!.once("exit", resolve));
    server.kill("SIGKILL");
    await gone;
  }
  if (directory !== "") rmSync(directory, { recursive: true, force: true });
});

for (const protocol of [2, 3] as RespVersion[]) {
  test(`COMMAND INFO is the same for every command, RESP${protocol}`, { skip }, async () => {
    const client = new RawClient();
    await client.call("HELLO", String(protocol));
    let compared = 0;
    for (const spec of commandTable.all) {
      if (newerCommands.has(spec.fullName) || newerSyntax.has(spec.fullName)) continue;
      const reply = await client.call("COMMAND", "INFO", spec.fullName);
      assert.ok("items" in reply && "items" in reply.items[0]!, `${spec.fullName} is unknown to the server`);
      const writer = new ReplyWriter(new ByteWriter());
      writer.version = protocol;
      writeCommandInfo(writer, spec);
      const parser = new ReplyParser();
      parser.feed(writer.out.view());
      const [ours] = parser.all();
      assert.deepEqual(withoutSubcommands(ours!), withoutSubcommands(reply.items[0]), spec.fullName);
      assert.equal(spec.name, spec.name.toLowerCase());
      compared++;
    }
    assert.ok(compared > 350, `compared ${compared}`);
  });
}

/** Subcommands are compared on their own, since their order is by chance. */
function withoutSubcommands(info: Reply): unknown {
  assert.ok("items" in info && info.items.length === 10);
  const subcommands = info.items[9]!;
  assert.ok("items" in subcommands);
  return [
    info.items.slice(0, 9).map(comparable),
    subcommands.type,
    subcommands.items
      .map((item) => ("items" in item ? textOf(item.items[0]!) : ""))
      .filter((name) => !newerCommands.has(name))
      .toSorted(),
  ];
}

test("no command of the server is missing", { skip }, async () => {
  const client = new RawClient();
  const list = await client.call("COMMAND", "LIST");
  assert.ok("items" in list);
  assert.deepEqual(knownNames().toSorted(), list.items.map(textOf).toSorted());
  for (const spec of commandTable.all)
    assert.equal(commandTable.findByName(spec.fullName.toUpperCase()), spec);
});

test(
  "COMMAND DOCS is the same field by field, apart from summaries and complexities, which are our own",
  { skip },
  async () => {
    const client = new RawClient();
    await client.call("HELLO", "3");
    const reply = await client.call("COMMAND", "DOCS");
    const theirs = docsOf(reply);
    const writer = new ReplyWriter(new ByteWriter());
    writer.version = 3;
    writer.map(commandTable.topLevel.length);
    const docs = await loadCommandDocs();
    for (const spec of commandTable.topLevel) writeCommandDocs(writer, spec, docs);
    const parser = new ReplyParser();
    parser.feed(writer.out.view());
    const ours = docsOf(parser.all()[0]!);
    assert.deepEqual([...ours.keys()].toSorted(), [...theirs.keys()].toSorted());
    let described = 0;
    for (const [name, facts] of ours) {
      if (!newerDocs.has(name)) assert.deepEqual(facts, theirs.get(name), name);
      if (facts.some(([field]) => field === "arguments")) described++;
    }
    assert.ok(described > 270, `arguments of ${described} commands`);
  },
);

function docsOf(
  reply: Reply,
  into = new Map<string, [field: string, value: unknown][]>(),
): Map<string, [field: string, value: unknown][]> {
  assert.ok(reply.type === "map");
  for (let i = 0; i < reply.items.length; i += 2) {
    const facts: [field: string, value: unknown][] = [];
    const fields: Reply = reply.items[i + 1]!;
    assert.ok(fields.type === "map");
    for (let j = 0; j < fields.items.length; j += 2) {
      const field = textOf(fields.items[j]!);
      const value: Reply = fields.items[j + 1]!;
      if (field === "subcommands") docsOf(value, into);
      else if (field === "summary") facts.push([field, textOf(value).length > 0]);
      // redis gives none for a few commands.
      else if (field === "complexity") assert.ok(textOf(value).length > 0);
      // `!GET` stands for GET: redis's own documents would make a link of it.
      else if (field === "replaced_by") facts.push([field, textOf(value).replace("!", "")]);
      else facts.push([field, comparable(value)]);
    }
    const name = textOf(reply.items[i]!);
    if (!newerCommands.has(name)) into.set(name, facts);
  }
  return into;
}

test("COMMAND GETKEYS finds the same keys", { skip }, async () => {
  const client = new RawClient();
  const requests = [
    "GET a",
    "MSET a 1 b 2",
    "DEL a b c",
    "BLPOP a b 0",
    "RENAME a b",
    "XADD s * f v",
    "XREAD COUNT 2 BLOCK 0 STREAMS a b 0 0",
    "XREADGROUP GROUP g c COUNT 1 STREAMS a b > >",
    "XGROUP CREATE s g $",
    "XINFO STREAM s",
    "OBJECT ENCODING a",
    "MEMORY USAGE a",
    "EVAL x 2 a b c",
    "ZUNIONSTORE d 2 a b",
    "ZINTER 2 a b WITHSCORES",
    "SORT a BY w LIMIT 0 1 STORE b",
    "SORT a STORE b STORE c",
    "SORT a",
    "SORT a BY STORE GET STORE STORE b",
    "SORT_RO a BY STORE",
    "MIGRATE h 1 '' 0 10 KEYS a b",
    "MIGRATE h 1 '' 0 10 KEYS secret KEYS mine",
    "MIGRATE h 1 '' 0 10 AUTH KEYS KEYS mine",
    "MIGRATE h 1 '' 0 10 AUTH2 KEYS KEYS COPY KEYS mine",
    "MIGRATE h 1 '' 0 10 COPY",
    "MIGRATE h 1 '' 0 10 KEYS",
    "MIGRATE h 1 k 0 10 KEYS mine",
    "MIGRATE h 1 k 0 10 AUTH KEYS",
    "GEORADIUS k 0 0 1 m STORE a STOREDIST b",
    "GEORADIUSBYMEMBER k m 1 m COUNT 1 STORE b",
    "SUBSCRIBE c",
    "SSUBSCRIBE c",
    "EVAL x 3 a",
    "EVAL x -1 a",
    "EVAL x 0 a",
    "ZINTER 3 a",
    "ZINTER x a",
    "LMPOP 0 a LEFT",
    "PING a",
    "GET a b",
    "NOSUCH a",
    "XINFO NOSUCH a",
    "XINFO",
    "XREAD COUNT 1 2 3",
    "XREAD STREAMS a",
    "XREAD STREAMS a b 0",
    "BITOP AND d a b",
    "MIGRATE h 1 k 0 10",
    "LMPOP 2 a b LEFT",
    "GEORADIUS a 1 2 3 km STORE b",
    "GEORADIUS a 1 2 3 km",
    "SINTERCARD 2 a b",
  ];
  let compared = 0;
  for (const line of requests) {
    const words = line.split(" ").map((word) => (word === "''" ? "" : word));
    const theirs = await client.call("COMMAND", "GETKEYS", ...words);
    const parser = new RequestParser();
    parser.feed(requestOf(["COMMAND", "GETKEYS", ...words]));
    assert.equal(parser.next(), true);
    if (parser.request.argumentCount < 4) continue;
    const request = parser.request.tail(2);
    const ours = requestedKeys(commandTable.findRequested(request), request);
    if (typeof ours === "string") assert.equal(`ERR ${ours}`, textOf(theirs), line);
    else {
      assert.ok("items" in theirs, `${line}: ${theirs.type}`);
      const keys = ours.map((key) => request.utf8(key.index));
      assert.deepEqual(keys.toSorted(), theirs.items.map(textOf).toSorted(), line);
    }
    compared++;
  }
  assert.ok(compared > 30);
});

test("what a script must not call is refused in the same words", { skip }, async () => {
  const client = new RawClient();
  const rig = await Rig.open();
  const { session } = rig.connect("redis").connection;
  const script = new ScriptCaller((session as RedisSession).server);
  for (const line of [
    "SUBSCRIBE c",
    "MULTI",
    "NOSUCH a",
    "GET",
    "XGROUP",
    "XGROUP NOSUCH",
    "SUBSCRIBE",
    "GET k",
  ]) {
    const theirs = await client.call("EVAL", "return redis.pcall(unpack(ARGV))", "0", ...line.split(" "));
    assert.deepEqual(comparable(script.call(...line.split(" "))), comparable(theirs), line);
  }
});

test("protocol errors and inline commands are the same", { skip }, async () => {
  const inputs = [
    "*abc\r\n",
    "*01\r\n",
    "*2147483648\r\n",
    "*1\r\n:4\r\nPING\r\n",
    "*1\r\n\n4\r\nPING\r\n",
    "*1\r\n$-1\r\n",
    "*1\r\n$04\r\nPING\r\n",
    "*1\r\n$536870913\r\n",
    'ECHO "a\r\n',
    'ECHO "a"b\r\n',
    "ECHO 'a\\'\r\n",
    "x".repeat(65537),
    `*${"1".repeat(65537)}`,
    `*1\r\n$${"1".repeat(65537)}`,
    "ECHO 'it\\'s \\n'\r\n",
    'ECHO "\\x41\\q\\x4g\\n\\a"\r\n',
    'ECHO a"b c"\r\n',
    'ECHO ""\r\n',
    "\r\n  \r\n*0\r\n*-5\r\n\t ECHO \v a\vb\r\n",
    "*2\r\n$4\r\nECHOxx$1\r\nayy\r\n",
  ];
  for (const input of inputs) {
    const bytes = Buffer.from(input, "latin1");
    const reply = await new RawClient().raw(bytes);
    assert.ok(reply, input.slice(0, 40));
    const parser = new RequestParser();
    parser.feed(bytes);
    const writer = new ReplyWriter(new ByteWriter());
    if (parser.next()) writer.bulk(parser.request.view(1));
    else writer.error(`ERR ${parser.error}`);
    const ours = new ReplyParser();
    ours.feed(writer.out.view());
    assert.deepEqual(ours.all()[0], reply, input.slice(0, 40));
  }
});

test("globs: random patterns over random keys by KEYS", { skip }, async () => {
  const client = new RawClient();
  let seed = 20260101;
  const below = (bound: number): number => {
    seed = (Math.imul(seed, 1103515245) + 12345) >>> 0;
    return (seed >>> 8) % bound;
  };
  const bytesOf = (alphabet: readonly number[], length: number): Buffer =>
    Buffer.from(Array.from({ length }, () => alphabet[below(alphabet.length)]!));
  const keyBytes = Array.from("aAbc]-^[\\*?").map((c) => c.charCodeAt(0));
  keyBytes.push(0, 0x80, 0xff);
  const patternBytes = [...keyBytes, ...Buffer.from("**?[[]]--^\\aab")];
  const keys = new Map<string, Buffer>();
  for (let i = 0; i < 400; i++) {
    const key = bytesOf(keyBytes, 1 + below(i % 2 === 0 ? 6 : 20));
    keys.set(key.toString("latin1"), key);
  }
  for (const key of keys.values()) await client.call("SET", key, "1");
  let matched = 0;
  for (let i = 0; i < 3000; i++) {
    const pattern = bytesOf(patternBytes, 1 + below(i % 2 === 0 ? 9 : 24));
    const reply = await client.call("KEYS", pattern);
    assert.ok(reply.type === "array");
    const theirs = reply.items.map((item) => ("bytes" in item ? item.bytes.toString("latin1") : ""));
    const glob = compileGlob(pattern);
    const ours = [...keys].filter(([, key]) => glob.matches(key)).map(([text]) => text);
    assert.deepEqual(ours.toSorted(), theirs.toSorted(), JSON.stringify(pattern.toString("latin1")));
    matched += ours.length;
  }
  assert.ok(matched > 1000, `only ${matched} matches`);
});

test("globs without regard to case, by COMMAND LIST", { skip }, async () => {
  const client = new RawClient();
  const names = knownNames();
  for (const pattern of ["X*", "[S-Z]*ADD", "?GET", "*[^a-Y]", "[\\X]*", "ZZZ*"]) {
    const reply = await client.call("COMMAND", "LIST", "FILTERBY", "PATTERN", pattern);
    assert.ok("items" in reply);
    const glob = compileGlob(Buffer.from(pattern), { ignoreCase: true });
    const ours = names.filter((name) => glob.matches(Buffer.from(name)));
    assert.deepEqual(ours.toSorted(), reply.items.map(textOf).toSorted(), pattern);
  }
});

test("floats are taken and printed alike", { skip }, async () => {
  const client = new RawClient();
  const texts = [
    "3.2",
    "0.1",
    "1e20",
    "1e-5",
    "123456789012345678",
    "1e16",
    "99999999999999990",
    "0x10",
    "1.",
    ".5",
    "+1",
  ];
  texts.push(
    " 1",
    "1 ",
    "nan",
    "1e400",
    "1e-400",
    "inf",
    "-Infinity",
    "0b1",
    "1e",
    "e1",
    "--1",
    "2.5e-7",
    "1e300",
    // Halfway between two of 17 digits.
    "280334521105063.625",
    "-367716580963968.625",
    "2.98023223876953125e-08",
    "9007199254740991.5",
    "4503599627370495.5",
    "1125899906842623.875",
    "0x1p3",
    "0x.8",
    "0x0p1",
    "0x1p-2000",
    "0x1p9999",
    "infi",
  );
  for (let i = 0; i < 300; i++) texts.push(String((i * 2 + 1) / 2 ** (10 + (i % 20)) + (i % 7) * 1e13));
  for (let i = 1; i < 60; i++) texts.push(String(2 ** -i), String(3 * 2 ** -i));
  for (const text of texts) {
    const added = await client.call("ZADD", "z", text, "m");
    const bytes = Buffer.from(text);
    const value = parseFloatStrict(bytes, 0, bytes.length);
    assert.equal(Number.isNaN(value), added.type === "error", text);
    if (added.type === "error") continue;
    assert.equal(formatDouble(value), textOf(await client.call("ZSCORE", "z", "m")), text);
  }
});
