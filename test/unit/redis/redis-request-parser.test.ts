/** The request parser: golden vectors, every split, limits, errors, and what it does not copy. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import fc from "fast-check";
import { ByteWriter } from "../../../src/base/bytes.ts";
import { ReplyWriter } from "../../../src/protocols/redis/wire/reply-writer.ts";
import { defaultRequestLimits, RequestParser } from "../../../src/protocols/redis/wire/request-parser.ts";

interface RequestVector {
  name: string;
  bytes: string;
  commands: string[][];
  encodes?: boolean;
}

interface ErrorVector {
  bytes: string;
  then?: string;
  repeat?: number;
  unauthenticated?: boolean;
  error: string;
}

function vectors<Vector>(file: string): Vector[] {
  return JSON.parse(
    readFileSync(new URL(`../../vectors/redis/${file}`, import.meta.url), "utf8"),
  ) as Vector[];
}

const requestVectors = vectors<RequestVector>("requests.json");

function encode(commands: readonly (readonly Buffer[])[]): Buffer {
  const reply = new ReplyWriter(new ByteWriter());
  for (const command of commands) {
    reply.array(command.length);
    for (const argument of command) reply.bulk(argument);
  }
  return reply.out.copy();
}

function take(parser: RequestParser, into: string[][]): void {
  while (parser.next()) {
    const { request } = parser;
    into.push(Array.from({ length: request.argumentCount }, (_, i) => request.latin1(i)));
  }
}

/** Feeds copies and spoils each after use: what the parser keeps must be its own. */
function parseChunks(chunks: readonly Buffer[], parser = new RequestParser()): string[][] {
  const commands: string[][] = [];
  for (const chunk of chunks) {
    const fed = Buffer.from(chunk);
    parser.feed(fed);
    take(parser, commands);
    fed.fill(0xee);
  }
  return commands;
}

for (const { name, bytes, commands, encodes } of requestVectors) {
  const input = Buffer.from(bytes, "latin1");
  test(`request vector "${name}": whole, split at every byte, byte by byte`, () => {
    assert.deepEqual(parseChunks([input]), commands);
    for (let cut = 0; cut <= input.length; cut++) {
      assert.deepEqual(parseChunks([input.subarray(0, cut), input.subarray(cut)]), commands, `cut at ${cut}`);
    }
    assert.deepEqual(parseChunks(Array.from(input, (byte) => Buffer.from([byte]))), commands);
  });
  test(`request vector "${name}": encodes and comes back`, () => {
    const encoded = encode(commands.map((command) => command.map((text) => Buffer.from(text, "latin1"))));
    if (encodes !== false) assert.deepEqual(encoded, input);
    assert.deepEqual(parseChunks([encoded]), commands);
  });
}

test("redis's protocol errors, to the letter, however the bytes are split", () => {
  for (const vector of vectors<ErrorVector>("request-errors.json")) {
    const { bytes, then, repeat } = vector;
    const text =
      repeat === undefined ? bytes : then === undefined ? bytes.repeat(repeat) : bytes + then.repeat(repeat);
    const input = Buffer.from(text, "latin1");
    const cuts = input.length > 100 ? [0, 1, input.length - 1] : Array.from(input.keys());
    for (const cut of cuts) {
      const parser = new RequestParser();
      parser.unauthenticated = vector.unauthenticated ?? false;
      assert.deepEqual(parseChunks([input.subarray(0, cut), input.subarray(cut)], parser), []);
      assert.equal(parser.error, vector.error);
      parser.feed(Buffer.from("PING\r\n"));
      assert.equal(parser.next(), false, "nothing comes after an error");
    }
  }
});

test("the commands before an error are given", () => {
  const parser = new RequestParser();
  assert.deepEqual(parseChunks([Buffer.from("*1\r\n$4\r\nPING\r\n*1\r\n!")], parser), [["PING"]]);
  assert.equal(parser.error, "", "redis waits for the end of the line");
  parser.feed(Buffer.from("\r\n"));
  assert.equal(parser.next(), false);
  assert.equal(parser.error, "Protocol error: expected '$', got '!'");
});

test("the unauthenticated bounds themselves are allowed", () => {
  const parser = new RequestParser();
  parser.unauthenticated = true;
  const ten = Array.from({ length: 10 }, () => Buffer.alloc(16384, "a"));
  assert.equal(parseChunks([encode([ten])], parser)[0]?.length, 10);
  assert.equal(parser.error, "");
});

test("limits are inputs", () => {
  const limits = { ...defaultRequestLimits, bulkBytesMax: 4, argumentsMax: 2, queryBufferBytesMax: 40 };
  const tooLong = new RequestParser(limits);
  parseChunks([encode([[Buffer.from("12345")]])], tooLong);
  assert.equal(tooLong.error, "Protocol error: invalid bulk length");
  const tooMany = new RequestParser(limits);
  parseChunks([Buffer.from("*3\r\n")], tooMany);
  assert.equal(tooMany.error, "Protocol error: invalid multibulk length");
  const tooMuch = new RequestParser(limits);
  parseChunks([Buffer.alloc(20, "a"), Buffer.alloc(21, "a")], tooMuch);
  assert.equal(tooMuch.error, "Protocol error: query buffer limit exceeded");
});

test("a command that lies whole in its chunk is not copied, and nothing is held afterwards", () => {
  const parser = new RequestParser();
  const chunk = Buffer.from("*2\r\n$4\r\nECHO\r\n$3\r\nabc\r\n");
  parser.feed(chunk);
  assert.equal(parser.next(), true);
  assert.equal(parser.request.buffer, chunk);
  assert.equal(parser.next(), false);
  assert.equal(parser.pendingBytes, 0);
});

test("a session may feed more while commands wait to be taken", () => {
  const parser = new RequestParser();
  const commands: string[][] = [];
  parser.feed(Buffer.from("PING\r\n*1\r\n$1\r\na\r\n*1\r\n$1\r"));
  assert.equal(parser.next(), true);
  parser.feed(Buffer.from("\nb\r\nQUIT\r\n"));
  assert.equal(parser.pendingBytes, 11 + 11 + 6);
  take(parser, commands);
  assert.deepEqual(commands, [["a"], ["b"], ["QUIT"]]);
});

test("a value of 100 MB in chunks of 64 KB takes time in proportion", () => {
  const value = Buffer.alloc(100 * 1024 * 1024, "v");
  const head = Buffer.from(`*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$${value.length}\r\n`);
  const parser = new RequestParser();
  let calls = 0;
  parser.feed(head);
  assert.equal(parser.next(), false);
  const started = process.hrtime.bigint();
  for (let at = 0; at < value.length; at += 65536) {
    parser.feed(value.subarray(at, at + 65536));
    assert.equal(parser.next(), false);
    calls++;
  }
  parser.feed(Buffer.from("\r\n"));
  assert.equal(parser.next(), true);
  const elapsedMs = Number(process.hrtime.bigint() - started) / 1e6;
  assert.equal(parser.request.size(2), value.length);
  assert.equal(parser.request.is(0, "SET"), true);
  // Copied again for every chunk it would be 80 GB, more than 10 s.
  assert.ok(elapsedMs < 5000, `${calls} chunks took ${elapsedMs} ms`);
  assert.equal(parser.next(), false);
  assert.equal(parser.pendingBytes, 0);
});

test("a claimed length alone takes no memory", () => {
  const parser = new RequestParser();
  parser.feed(Buffer.from("*2\r\n$3\r\nSET\r\n$536870912\r\nabc"));
  assert.equal(parser.next(), false);
  parser.feed(Buffer.from("def"));
  assert.equal(parser.next(), false);
  parser.feed(Buffer.from("\r\n"));
  assert.equal(parser.next(), false);
  assert.ok(parser.heldBytes < 4096, `${parser.heldBytes}`);
});

test("many arguments", () => {
  const words = Array.from({ length: 5000 }, (_, i) => Buffer.from(String(i)));
  const input = encode([words, [Buffer.from("PING")]]);
  const third = Math.floor(input.length / 3);
  const commands = parseChunks([
    input.subarray(0, third),
    input.subarray(third, 2 * third),
    input.subarray(2 * third),
  ]);
  assert.deepEqual(commands[0], words.map(String));
  assert.deepEqual(commands[1], ["PING"]);
});

test("a bulk without its line end is taken, as by redis, but is not canonical", () => {
  const parser = new RequestParser();
  parser.feed(Buffer.from("*1\r\n$4\r\nPINGxx*1\r\n$4\r\nPING\r\n"));
  assert.equal(parser.next(), true);
  assert.equal(parser.request.canonical, false);
  assert.equal(parser.next(), true);
  assert.equal(parser.request.canonical, true);
});

test("property: any commands, split anywhere, come back; so do their clones", () => {
  const argument = fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes));
  const commands = fc.array(fc.array(argument, { minLength: 1, maxLength: 40 }), { maxLength: 8 });
  fc.assert(
    fc.property(commands, fc.array(fc.nat(200), { maxLength: 40, size: "max" }), (wanted, sizes) => {
      const input = encode(wanted);
      const chunks: Buffer[] = [];
      let at = 0;
      for (const size of sizes) {
        chunks.push(input.subarray(at, at + size));
        at += size;
      }
      chunks.push(input.subarray(at));
      const parser = new RequestParser();
      const got: string[][] = [];
      const clones: string[][] = [];
      const kept = [];
      for (const chunk of chunks) {
        const fed = Buffer.from(chunk);
        parser.feed(fed);
        while (parser.next()) {
          const { request } = parser;
          got.push(Array.from({ length: request.argumentCount }, (_, i) => request.latin1(i)));
          kept.push(request.clone());
        }
        fed.fill(0xee);
      }
      for (const clone of kept) {
        clones.push(Array.from({ length: clone.argumentCount }, (_, i) => clone.latin1(i)));
      }
      const texts = wanted.map((command) => command.map((bytes) => bytes.toString("latin1")));
      assert.deepEqual(got, texts);
      assert.deepEqual(clones, texts);
      assert.equal(parser.pendingBytes, 0);
    }),
  );
});

test("property: arbitrary bytes neither throw nor give other commands when split", () => {
  const noise = fc.array(
    fc.constantFrom("*", "$", "\r\n", "\r", "\n", "1", "2", "-1", "a", '"', "'", "\\", " ", "\0"),
    {
      maxLength: 60,
    },
  );
  fc.assert(
    fc.property(noise, fc.nat(60), (parts, cut) => {
      const input = Buffer.from(parts.join(""), "latin1");
      const whole = new RequestParser();
      const split = new RequestParser();
      assert.deepEqual(
        parseChunks([input.subarray(0, cut), input.subarray(cut)], split),
        parseChunks([input], whole),
      );
      assert.equal(split.error, whole.error);
    }),
    { numRuns: 2000 },
  );
});

test("arguments as views, copies, texts and numbers", () => {
  const parser = new RequestParser();
  parser.feed(
    encode([["xADD", "é", "-42", "0.5", "9223372036854775807", ""].map((text) => Buffer.from(text))]),
  );
  assert.equal(parser.next(), true);
  const { request } = parser;
  assert.equal(request.argumentCount, 6);
  assert.equal(request.is(0, "XADD"), true);
  assert.equal(request.is(0, "XADE"), false);
  assert.equal(request.is(0, "XAD"), false);
  assert.equal(request.is(5, ""), true);
  assert.equal(request.utf8(1), "é");
  assert.equal(request.latin1(1), "\u00c3\u00a9");
  assert.equal(request.size(1), 2);
  const copy = request.copy(1);
  const view = request.view(1);
  request.buffer[request.starts[1]!] = 0x58;
  assert.equal(view[0], 0x58);
  assert.equal(copy[0], 0xc3);
  assert.equal(request.integer(2), -42);
  assert.equal(request.integer(3), NaN);
  assert.equal(request.float(3), 0.5);
  assert.equal(request.bigInteger(4), 9223372036854775807n);
  assert.equal(request.bigInteger(5), undefined);
});
