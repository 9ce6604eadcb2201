/** Golden vectors: each proves decode, encode, and both round trips. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, test } from "node:test";
import { ByteWriter } from "../../../src/base/bytes.ts";
import {
  decodeRequest,
  decodeResponse,
  encodeRequest,
  encodeResponse,
  type ApiName,
} from "../../../src/protocols/kafka/wire/codec.ts";

interface Vector {
  readonly source: string;
  readonly name: ApiName;
  readonly version: number;
  readonly hex: string;
  readonly body: Record<string, unknown>;
}

/** Reads a file of vectors; `{"hex": "..."}` stands for bytes. */
function load(file: string): Vector[] {
  const text = readFileSync(new URL(`../../vectors/kafka/${file}`, import.meta.url), "utf8");
  return JSON.parse(text, (_key, value: unknown) => {
    const isBytes = typeof value === "object" && value !== null && "hex" in value && !("source" in value);
    return isBytes ? Buffer.from(value.hex as string, "hex") : value;
  }) as Vector[];
}

/** Every value of `expected` is in `actual`, which may have more fields. */
function assertContains(actual: unknown, expected: unknown, path: string): void {
  if (Array.isArray(expected)) {
    assert.ok(Array.isArray(actual) && actual.length === expected.length, path);
    expected.forEach((value, i) => assertContains(actual[i], value, `${path}[${i}]`));
  } else if (typeof expected === "object" && expected !== null && !Buffer.isBuffer(expected)) {
    for (const [name, value] of Object.entries(expected)) {
      assertContains((actual as Record<string, unknown>)[name], value, `${path}.${name}`);
    }
  } else assert.deepEqual(actual, expected, path);
}

describe("requests recorded from clients", () => {
  const vectors = load("requests.json");
  assert.ok(vectors.length > 30);
  for (const vector of vectors) {
    test(`${vector.name} ${vector.version} from ${vector.source}`, () => {
      const bytes = Buffer.from(vector.hex, "hex");
      const request = decodeRequest(bytes, 4, bytes.length);
      assert.equal(request.name, vector.name);
      assert.equal(request.correlationId, 7);
      assertContains(request.body, vector.body, vector.name);
      for (const body of [vector.body, request.body]) {
        const writer = new ByteWriter();
        encodeRequest(writer, vector.name, request, body as never);
        assert.equal(writer.view().toString("hex"), vector.hex);
      }
    });
  }
});

describe("responses written out by hand", () => {
  const vectors = load("responses.json");
  assert.ok(vectors.length > 3);
  for (const vector of vectors) {
    test(`${vector.name} ${vector.version}: ${vector.source}`, () => {
      const hex = vector.hex.replaceAll(" ", "");
      const bytes = Buffer.from(hex, "hex");
      const { correlationId, body } = decodeResponse(bytes, 0, bytes.length, vector.name, vector.version);
      assert.equal(correlationId, 7);
      assertContains(body, vector.body, vector.name);
      for (const input of [vector.body, body]) {
        const writer = new ByteWriter();
        encodeResponse(writer, vector.name, { version: vector.version, correlationId }, input as never);
        assert.equal(writer.view().toString("hex", 4), hex);
        assert.equal(writer.view().readInt32BE(0), bytes.length);
      }
    });
  }
});
