/** Kafka: cut at requests; sizes, and the lengths and checksums of record batches in them, are made right again. */
import { crc32c } from "../../src/base/checksum/crc32c.ts";
import type { Format } from "../mutate.ts";

const sizeBytes = 4;
const magicAt = 16;
const checksumAt = 17;
const checkedAt = 21;
const batchHeaderBytes = 61;

export const kafkaFormat: Format = {
  split(input) {
    const units: Buffer[] = [];
    let at = 0;
    while (at + sizeBytes <= input.length) {
      const end = at + sizeBytes + input.readUInt32BE(at);
      if (end > input.length) break;
      units.push(input.subarray(at, end));
      at = end;
    }
    if (at < input.length || units.length === 0) units.push(input.subarray(at));
    return units;
  },
  seal(unit) {
    if (unit.length < sizeBytes) return unit;
    const sealed = Buffer.from(unit);
    sealed.writeUInt32BE(sealed.length - sizeBytes, 0);
    for (let at = 0; at + batchHeaderBytes <= sealed.length; at++) {
      if (sealed[at + magicAt] !== 2) continue;
      const end = at + 12 + sealed.readInt32BE(at + 8);
      if (end >= at + batchHeaderBytes && end <= sealed.length) {
        sealed.writeUInt32BE(crc32c(sealed, at + checkedAt, end), at + checksumAt);
        at = end;
      }
    }
    return sealed;
  },
  special(unit, random) {
    const changed = Buffer.from(unit);
    if (unit.length < 12) return changed;
    // Another api, or another version of it: the same bytes are read by another description.
    if (random.chance(0.3))
      changed.writeInt16BE(
        random.pick([0, 1, 2, 3, 8, 9, 10, 11, 12, 13, 14, 18, 19, 22, 36, 42, 60, 75, -1]),
        4,
      );
    else changed.writeInt16BE(random.pick([random.below(18), random.below(18), -1, 32767]), 6);
    return changed;
  },
};

/** Record batches by themselves. */
export const batchFormat: Format = {
  split: (input) => [input],
  seal(unit) {
    if (unit.length < batchHeaderBytes) return unit;
    const sealed = Buffer.from(unit);
    sealed.writeInt32BE(sealed.length - 12, 8);
    sealed.writeUInt32BE(crc32c(sealed, checkedAt, sealed.length), checksumAt);
    return sealed;
  },
  special(unit, random) {
    if (unit.length < batchHeaderBytes) return unit;
    const changed = Buffer.from(unit);
    if (random.chance(0.3)) changed[22] = random.below(256);
    else if (random.chance(0.5)) changed.writeInt32BE(random.pick([-1, 0, 1, 2, 1000, 0x7fffffff]), 57);
    else changed.writeInt32BE(random.pick([-1, 0, 1, 2, 1000, 0x7fffffff]), 23);
    return changed;
  },
};
