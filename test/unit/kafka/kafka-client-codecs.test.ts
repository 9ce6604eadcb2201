/** Our responses in the decoders of two client libraries, and their requests in ours. */
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { describe, test } from "node:test";
import * as platformatic from "@platformatic/kafka";
import fc from "fast-check";
import { ByteWriter } from "../../../src/base/bytes.ts";
import { allApis, encodeResponse } from "../../../src/protocols/kafka/wire/codec.ts";
import type { FieldMap, FieldSpec } from "../../../src/protocols/kafka/wire/schema.ts";
import { bodyArbitrary } from "../message/kafka-arbitraries.ts";

type Struct = Record<string, unknown>;
type ParseResponse = (correlationId: number, key: number, version: number, reader: unknown) => Struct;
interface ClientApi {
  readonly api: { readonly key: number; readonly version: number };
  readonly createRequest: (...args: never[]) => { readonly buffer: Buffer };
  readonly parseResponse: ParseResponse;
}

const require = createRequire(import.meta.url);
const platformaticApis = Object.values(platformatic as unknown as Record<string, ClientApi>).filter(
  (value) => typeof value.parseResponse === "function",
);

/** Random responses without nulls, tags and errors, at which strict clients throw. */
function plainResponse(api: (typeof allApis)[number], version: number): Struct[] {
  return fc.sample(bodyArbitrary(api.response, version, { plain: true }), { numRuns: 20, seed: 11 });
}

function encode(api: (typeof allApis)[number], version: number, body: Struct): Buffer {
  const writer = new ByteWriter();
  encodeResponse(writer, api.name as "Produce", { version, correlationId: 1 }, body as never);
  return writer.copy();
}

/** Compares what both sides name alike and this version carries, and returns how many values that were. */
function agree(fields: FieldMap, version: number, ours: Struct, theirs: Struct, path: string): number {
  let count = 0;
  for (const [name, { spec }] of Object.entries(fields)) {
    const carried = version >= spec.since && version <= spec.until && spec.tag < 0;
    if (!carried || !(name in theirs)) continue;
    count += agreeOn(spec, version, ours[name], theirs[name], `${path}.${name}`);
  }
  return count;
}

function agreeOn(spec: FieldSpec, version: number, ours: unknown, theirs: unknown, path: string): number {
  switch (spec.kind) {
    case "array": {
      assert.ok(Array.isArray(ours) && Array.isArray(theirs) && theirs.length === ours.length, path);
      let count = 0;
      for (let i = 0; i < ours.length; i++) {
        count += agreeOn(spec.element!, version, ours[i], theirs[i], `${path}[${i}]`);
      }
      return count;
    }
    case "struct":
      return agree(spec.fields!, version, ours as Struct, theirs as Struct, path);
    case "int64":
      assert.equal(Number(theirs), ours, path);
      return 1;
    case "uuid":
      assert.equal((theirs as string).replaceAll("-", ""), ours, path);
      return 1;
    case "bytes":
      assert.ok((ours as Buffer).equals(theirs as Buffer), path);
      return 1;
    case "records":
      return 0;
    default:
      assert.equal(theirs, ours, path);
      return 1;
  }
}

describe("client codecs", () => {
  test("@platformatic/kafka decodes our responses to the same values", () => {
    let versions = 0;
    let values = 0;
    for (const client of platformaticApis) {
      const { key, version } = client.api;
      const api = allApis.find((candidate) => candidate.key === key);
      if (api === undefined || !api.supports(version)) continue;
      versions++;
      const headerBytes = api.isFlexible(version) && key !== 18 ? 9 : 8;
      for (const body of plainResponse(api, version)) {
        const reader = platformatic.Reader.from(encode(api, version, body).subarray(headerBytes));
        const decoded = client.parseResponse(1, key, version, reader);
        values += agree(api.response, version, body, decoded, `${api.name} ${version}`);
        assert.equal(reader.remaining, 0, `${api.name} ${version}`);
      }
    }
    assert.ok(versions > 100 && values > 10_000, `compared ${values} values of ${versions} versions`);
  });

  test("kafkajs decodes our responses", async () => {
    let versions = 0;
    for (const api of allApis) {
      const folder = `${api.name[0]!.toLowerCase()}${api.name.slice(1)}`;
      for (let version = api.versionMin; version <= api.versionMax; version++) {
        const file = `kafkajs/src/protocol/requests/${folder}/v${version}/response.js`;
        if (!existsSync(new URL(`../../../node_modules/${file}`, import.meta.url))) continue;
        const { decode } = require(file) as { decode?: (bytes: Buffer) => Promise<Struct> };
        // Two that are no plain decoders: one is made per request, one hands on the token with its length.
        if (decode === undefined || api.name === "SaslAuthenticate") continue;
        versions++;
        for (const body of plainResponse(api, version)) {
          const decoded = await decode(encode(api, version, body).subarray(8));
          assert.ok(agree(api.response, version, body, decoded, `${api.name} ${version}`) >= 0);
        }
      }
    }
    assert.ok(versions > 50, `looked at ${versions} versions`);
  });
});
