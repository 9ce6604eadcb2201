/** Stream entries as they are stored: written from requests, walked in place, refused when damaged. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { ByteWriter } from "../../../src/base/bytes.ts";
import {
  EntryReader,
  writeEntryFromArguments,
  writeEntryHeader,
  writeEntryPart,
} from "../../../src/message/redis/entry.ts";
import { ReplyWriter } from "../../../src/protocols/redis/wire/reply-writer.ts";
import { RequestParser } from "../../../src/protocols/redis/wire/request-parser.ts";

const stored = "*4\r\n$1\r\nf\r\n$10\r\n0123456789\r\n$1\r\ng\r\n$0\r\n\r\n";

function entryOf(parser: RequestParser, input: Buffer, first: number): Buffer {
  parser.feed(input);
  assert.equal(parser.next(), true);
  const out = new ByteWriter();
  writeEntryFromArguments(out, parser.request, first, parser.request.argumentCount);
  return out.copy();
}

function fieldsOf(bytes: Uint8Array, start = 0, end = bytes.length): [Buffer, Buffer][] {
  const reader = new EntryReader();
  const count = reader.open(bytes, start, end);
  const fields: [Buffer, Buffer][] = [];
  while (reader.next()) {
    fields.push([
      Buffer.from(bytes.subarray(reader.nameStart, reader.nameEnd)),
      Buffer.from(bytes.subarray(reader.valueStart, reader.valueEnd)),
    ]);
  }
  assert.equal(fields.length, count);
  assert.equal(reader.position, end);
  return fields;
}

test("a request's fields become the array of a reply, whichever way they came", () => {
  const multibulk = Buffer.from(
    "*7\r\n$4\r\nXADD\r\n$1\r\ns\r\n$1\r\n*\r\n$1\r\nf\r\n$10\r\n0123456789\r\n$1\r\ng\r\n$0\r\n\r\n",
  );
  assert.equal(entryOf(new RequestParser(), multibulk, 3).toString(), stored);
  assert.equal(
    entryOf(new RequestParser(), Buffer.from('XADD s * f 0123456789 g ""\r\n'), 3).toString(),
    stored,
  );
  const sloppy = Buffer.from(multibulk.toString().replace("0123456789\r\n", "0123456789xx"));
  assert.equal(entryOf(new RequestParser(), sloppy, 3).toString(), stored);
});

test("a request that comes in two chunks is stored alike, wherever it is cut and whatever came before it", () => {
  const ping = "*1\r\n$4\r\nPING\r\n";
  const add = `*7\r\n$4\r\nXADD\r\n$1\r\ns\r\n$1\r\n*\r\n${stored.slice(4)}`;
  const input = Buffer.from(ping + add);
  for (let cut = 0; cut <= input.length; cut++) {
    const parser = new RequestParser();
    const entries: string[] = [];
    for (const chunk of [input.subarray(0, cut), input.subarray(cut)]) {
      const fed = Buffer.from(chunk);
      parser.feed(fed);
      while (parser.next()) {
        const { request } = parser;
        if (request.argumentCount === 1) continue;
        assert.equal(request.canonical, true);
        const out = new ByteWriter();
        writeEntryFromArguments(out, request, 3, request.argumentCount);
        entries.push(out.copy().toString());
      }
      fed.fill(0xee);
    }
    assert.deepEqual(entries, [stored], `cut at ${cut}`);
  }
});

test("a kept clone of a request is stored alike", () => {
  const parser = new RequestParser();
  parser.feed(Buffer.from('XADD s * f 0123456789 g ""\r\n'));
  assert.equal(parser.next(), true);
  const clone = parser.request.clone();
  const out = new ByteWriter();
  writeEntryFromArguments(out, clone, 3, clone.argumentCount);
  assert.equal(out.copy().toString(), stored);
});

test("names are compared in place", () => {
  const reader = new EntryReader();
  assert.equal(reader.open(Buffer.from(stored)), 2);
  assert.equal(reader.next(), true);
  assert.equal(reader.isName("f"), true);
  assert.equal(reader.isName("g"), false);
  assert.equal(reader.isName("ff"), false);
  assert.equal(reader.next(), true);
  assert.equal(reader.isName("g"), true);
  assert.equal(reader.next(), false);
});

test("fields without a partner are refused", () => {
  const parser = new RequestParser();
  parser.feed(Buffer.from("XADD s * f\r\n"));
  parser.next();
  const out = new ByteWriter();
  assert.throws(() => writeEntryFromArguments(out, parser.request, 3, 4), { code: "INVALID" });
  assert.throws(() => writeEntryFromArguments(out, parser.request, 4, 4), { code: "INVALID" });
  assert.equal(out.length, 0);
});

test("every cut and every spoiled length of an entry is noticed", () => {
  const bytes = Buffer.from(stored);
  for (let end = 0; end < bytes.length; end++) {
    assert.throws(() => fieldsOf(bytes, 0, end), { code: "MALFORMED" }, `cut at ${end}`);
  }
  for (const bad of [
    "*3\r\n",
    "*x\r\n",
    "+2\r\n",
    "*99999999999999\r\n",
    "*2\r\n$-1\r\n",
    "*2\r\n$99999999999\r\na\r\n",
  ]) {
    assert.throws(() => fieldsOf(Buffer.from(bad)), { code: "MALFORMED" }, bad);
  }
});

test("property: fields of any bytes, from a request and from parts, are the same entry and come back", () => {
  const bytes = fc.uint8Array({ maxLength: 120 }).map((array) => Buffer.from(array));
  fc.assert(
    fc.property(
      fc.array(fc.tuple(bytes, bytes), { minLength: 1, maxLength: 12 }),
      fc.nat(30),
      (fields, before) => {
        const request = new ReplyWriter(new ByteWriter());
        request.array(3 + 2 * fields.length);
        for (const part of [Buffer.from("XADD"), Buffer.from("s"), Buffer.from("*"), ...fields.flat()])
          request.bulk(part);
        const fromRequest = entryOf(new RequestParser(), request.out.copy(), 3);
        const parts = new ByteWriter();
        parts.bytes(Buffer.alloc(before));
        writeEntryHeader(parts, fields.length);
        for (const part of fields.flat()) writeEntryPart(parts, part);
        assert.deepEqual(parts.copy().subarray(before), fromRequest);
        assert.deepEqual(fieldsOf(parts.copy(), before), fields);
      },
    ),
  );
});
