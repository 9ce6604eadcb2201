/**
 * Turns a valid input into one that is wrong in a way a parser may have forgotten: a length that lies, a unit that comes
 * twice, a tag of another type, a cut.
 *
 * Not here: what the bytes mean; a `Format` knows where units begin and how their outer lengths and checksums are made
 * right again, so that a change inside is not refused at the door. Invariant: the same random numbers give the same
 * bytes; the seeds are never changed.
 */
import type { Seeded } from "../sim/seeded.ts";

export interface Format {
  /** Cuts an input into its units (frames, commands, records); put together again they are the input. */
  split(input: Buffer): Buffer[];
  /** Makes outer lengths and checksums of a changed unit right again; may write into it. */
  seal?(unit: Buffer): Buffer;
  /** Changes that only this format has: nesting, line ends, arguments. */
  special?(unit: Buffer, random: Seeded): Buffer;
}

/** A valid input, cut once. */
export interface Seed {
  readonly units: readonly Buffer[];
  /** So many units at the front (a handshake) are mostly left alone, so that what follows is reached. */
  readonly preamble: number;
}

/** Bytes without a structure that anyone should know. */
export const plainFormat: Format = { split: (input) => [input] };

/** Small enough for all of its requests to be answered in the time that an input has, on a machine that is busy. */
const inputBytesMax = 24 << 10;
const repeatsMax = 40;
const sealChance = 0.75;
const preambleChance = 0.1;

export function mutate(seed: Seed, others: readonly Seed[], format: Format, random: Seeded): Buffer {
  const units = [...seed.units];
  const spared = random.chance(preambleChance) ? 0 : Math.min(seed.preamble, units.length - 1);
  let changes = 1;
  while (changes < 8 && random.chance(0.4)) changes++;
  for (let i = 0; i < changes; i++) changeOnce(units, spared, others, format, random);
  let input = units.length === 1 ? units[0]! : Buffer.concat(units);
  if (random.chance(0.08)) input = input.subarray(0, random.below(input.length + 1));
  return Buffer.from(input.subarray(0, inputBytesMax));
}

function changeOnce(
  units: Buffer[],
  spared: number,
  others: readonly Seed[],
  format: Format,
  random: Seeded,
): void {
  const at = spared + random.below(Math.max(units.length - spared, 1));
  const choice = random.below(16);
  if (units.length === 0 || choice === 0) {
    const other = random.pick(others);
    units.splice(at, random.below(2), random.pick(other.units));
  } else if (choice === 1 && units.length > spared + 1) units.splice(at, 1);
  else if (choice === 2) {
    const times = 1 + random.below(repeatsMax);
    units.splice(at, 0, ...Array.from({ length: times }, () => units[at]!));
  } else if (choice === 3) {
    const to = spared + random.below(units.length - spared);
    [units[at], units[to]] = [units[to]!, units[at]!];
  } else if (choice === 4) {
    // The beginning of one conversation, the end of another.
    const other = random.pick(others);
    units.splice(at, units.length, ...other.units.slice(random.below(other.units.length)));
  } else {
    const isSpecial = format.special !== undefined && choice < 9;
    const changed = isSpecial ? format.special!(units[at]!, random) : changeBytes(units[at]!, random);
    units[at] = format.seal !== undefined && random.chance(sealChance) ? format.seal(changed) : changed;
  }
}

/** One change inside a unit; the result has memory of its own. */
function changeBytes(unit: Buffer, random: Seeded): Buffer {
  const size = unit.length;
  if (size === 0) return Buffer.from(random.bytes(1 + random.below(8)));
  const at = random.below(size);
  switch (random.below(8)) {
    case 0: {
      const changed = Buffer.from(unit);
      changed[at]! ^= 1 << random.below(8);
      return changed;
    }
    case 1: {
      const changed = Buffer.from(unit);
      changed[at] = random.chance(0.5) ? random.pick(interestingBytes) : random.below(256);
      return changed;
    }
    case 2:
    case 3:
      return changeInteger(Buffer.from(unit), random);
    case 4:
      return Buffer.from(unit.subarray(0, at));
    case 5: {
      const end = Math.min(size, at + 1 + random.below(8));
      return Buffer.concat([unit.subarray(0, at), unit.subarray(end)]);
    }
    case 6: {
      const end = Math.min(size, at + 1 + random.below(32));
      const times = 1 + random.below(3);
      const part = unit.subarray(at, end);
      return Buffer.concat([
        unit.subarray(0, end),
        ...Array.from({ length: times }, () => part),
        unit.subarray(end),
      ]);
    }
    default:
      return Buffer.concat([unit.subarray(0, at), random.bytes(1 + random.below(12)), unit.subarray(at)]);
  }
}

const interestingBytes = [0, 1, 2, 3, 0x7f, 0x80, 0xfe, 0xff, 0x0a, 0x0d, 0x2a, 0x24, 0xce, 0x46, 0x41, 0x53];
const guesses = 12;

/** Changes an integer, rather one that may be a length: what it names lies in the unit. */
function changeInteger(unit: Buffer, random: Seeded): Buffer {
  const width = random.pick(widths);
  if (unit.length < width) return unit;
  let at = random.below(unit.length - width + 1);
  for (let i = 0; i < guesses; i++) {
    const candidate = random.below(unit.length - width + 1);
    const value = unit.readUIntBE(candidate, width);
    if (value > 0 && candidate + width + value <= unit.length) {
      at = candidate;
      break;
    }
  }
  const old = unit.readUIntBE(at, width);
  const top = 2 ** (8 * width);
  const value = random.pick([
    old + 1,
    old - 1,
    0,
    top - 1,
    top / 2,
    top / 2 - 1,
    old * 2,
    0xffff,
    1 << 24,
    top - 2,
  ]);
  unit.writeUIntBE(((value % top) + top) % top, at, width);
  return unit;
}

const widths = [1, 2, 4, 4] as const;
