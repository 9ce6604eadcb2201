/** AMQP: cut at frames; sizes and frame ends are made right again; tables are nested in tables. */
import type { Seeded } from "../../sim/seeded.ts";
import type { Format } from "../mutate.ts";

const headBytes = 7;
const overheadBytes = 8;
const headerBytes = 8;

export const amqpFormat: Format = {
  split(input) {
    const units: Buffer[] = [];
    let at = 0;
    if (input.toString("latin1", 0, 4) === "AMQP") {
      units.push(input.subarray(0, headerBytes));
      at = headerBytes;
    }
    while (at + overheadBytes <= input.length) {
      const end = at + overheadBytes + input.readUInt32BE(at + 3);
      if (end > input.length) break;
      units.push(input.subarray(at, end));
      at = end;
    }
    if (at < input.length || units.length === 0) units.push(input.subarray(at));
    return units;
  },
  seal(unit) {
    if (unit.length < overheadBytes || unit[0] === 0x41) return unit;
    const sealed = Buffer.from(unit);
    sealed.writeUInt32BE(sealed.length - overheadBytes, 3);
    sealed[sealed.length - 1] = 0xce;
    return sealed;
  },
  special(unit, random) {
    if (unit.length < headBytes + 4) return unit;
    const changed = Buffer.from(unit);
    switch (random.below(6)) {
      case 0:
        changed[0] = random.pick([0, 1, 2, 3, 4, 8, 255]);
        return changed;
      case 1:
        changed.writeUInt16BE(random.pick([0, 1, 2, 3, 2047, 2048, 65535]), 1);
        return changed;
      case 2:
        // Another class, or another method of the class.
        changed.writeUInt16BE(random.pick([10, 20, 30, 40, 50, 60, 85, 90]), headBytes);
        return changed;
      case 3:
        changed.writeUInt16BE(
          random.pick([10, 11, 20, 21, 30, 31, 40, 50, 51, 60, 70, 71, 80, 90, 100, 110, 120]),
          headBytes + 2,
        );
        return changed;
      default:
        return nestTable(changed, random);
    }
  },
};

/** Field tables by themselves: `u32 size` and their fields. */
export const tableFormat: Format = {
  split: (input) => [input],
  seal(unit) {
    if (unit.length < 4) return unit;
    const sealed = Buffer.from(unit);
    sealed.writeUInt32BE(sealed.length - 4, 0);
    return sealed;
  },
  special: (unit, random) => nestTable(Buffer.from(unit), random),
};

const depths = [1, 2, 16, 30, 31, 32, 33, 64, 500];

/** Replaces something that may be a table by one that holds tables or arrays, so many deep; sizes inside are right. */
function nestTable(unit: Buffer, random: Seeded): Buffer {
  let at = -1;
  const from = random.below(unit.length);
  for (let i = 0; i + 4 <= unit.length && at < 0; i++) {
    const candidate = (from + i) % (unit.length - 3);
    if (candidate + 4 + unit.readUInt32BE(candidate) <= unit.length) at = candidate;
  }
  if (at < 0) return unit;
  const end = at + 4 + unit.readUInt32BE(at);
  let inner: Buffer = Buffer.alloc(0);
  // From the innermost outwards. What stands in an array has no name; the outermost is in the table.
  let isInArray = random.chance(0.5);
  const arrayChance = random.pick([0, 0.5, 1]);
  for (let depth = random.pick(depths); depth > 0; depth--) {
    const isArray: boolean = isInArray;
    isInArray = depth > 1 && random.chance(arrayChance);
    const size = Buffer.alloc(4);
    size.writeUInt32BE(inner.length);
    inner = Buffer.concat([
      Buffer.from(`${isInArray ? "" : "\x01n"}${isArray ? "A" : "F"}`, "latin1"),
      size,
      inner,
    ]);
  }
  const size = Buffer.alloc(4);
  size.writeUInt32BE(inner.length);
  return Buffer.concat([unit.subarray(0, at), size, inner, unit.subarray(end)]);
}
