/** SipHash-2-4-128 beside the vectors of its authors (and of OpenSSL, which gives the same). */
import assert from "node:assert/strict";
import { test } from "node:test";
import { SipHash } from "../../../src/base/checksum/siphash.ts";

const vectors: readonly (readonly [size: number, digest: string])[] = [
  [0, "a3817f04ba25a8e66df67214c7550293"],
  [1, "da87c1d86b99af44347659119b22fc45"],
  [2, "8177228da4a45dc7fca38bdef60affe4"],
  [15, "5493e99933b0a8117e08ec0f97cfc3d9"],
  [63, "5150d1772f50834a503e069a973fbd7c"],
];

test("SipHash gives the digests of its reference", () => {
  const hash = new SipHash(Uint8Array.from({ length: 16 }, (_, i) => i));
  for (const [size, digest] of vectors) {
    const bytes = Uint8Array.from({ length: size + 3 }, (_, i) => i - 3);
    hash.update(bytes, 3, size + 3);
    const got = Buffer.alloc(16);
    for (const [i, word] of [hash.a, hash.b, hash.c, hash.d].entries()) got.writeInt32LE(word, i * 4);
    assert.equal(got.toString("hex"), digest, `${size} bytes`);
  }
});
