/** Redis commands and replies: cut at commands; lengths in decimal, line ends, arguments and nesting are changed. */
import type { Seeded } from "../../sim/seeded.ts";
import type { Format } from "../mutate.ts";

const numbers = [
  "-1",
  "0",
  "00",
  "1",
  "+1",
  "-0",
  "2",
  "10",
  "1024",
  "65536",
  "2147483647",
  "-2147483648",
  "4294967296",
  "536870913",
  "9223372036854775807",
  "-9223372036854775808",
  "9223372036854775808",
  "18446744073709551616",
  "1e3",
  "0x10",
  "",
  " 1",
  "1 ",
  "1.5",
  "nan",
  "inf",
  "-inf",
];
const words = [
  "*",
  "$",
  ">",
  "+",
  "-",
  "(",
  "0-0",
  "0-1",
  "1-1",
  "1-*",
  "k",
  "s",
  "l",
  "g",
  "c",
  "ch.1",
  "ch.*",
  "[a",
  "MATCH",
  "COUNT",
  "BLOCK",
  "STREAMS",
  "NX",
  "XX",
  "GET",
  "EX",
  "PX",
  "MAXLEN",
  "MINID",
  "~",
  "=",
  "LIMIT",
  "IDLE",
  "TIME",
  "RETRYCOUNT",
  "FORCE",
  "JUSTID",
  "LASTID",
  "MKSTREAM",
  "ENTRIESREAD",
  "NOACK",
  "GROUP",
  "ID",
  "FULL",
  "WITHVALUES",
  "KEEPTTL",
  "DB",
];

export const respFormat: Format = {
  split(input) {
    const units: Buffer[] = [];
    let start = 0;
    for (let at = 1; at < input.length; at++) {
      if (input[at] !== 0x2a || input[at - 1] !== 0x0a) continue;
      units.push(input.subarray(start, at));
      start = at;
    }
    units.push(input.subarray(start));
    return units;
  },
  special(unit, random) {
    switch (random.below(6)) {
      case 0:
        return breakLine(unit, random);
      case 1:
        return changeNumber(unit, random);
      case 2:
        return nest(unit, random);
      default:
        return changeArguments(unit, random);
    }
  },
};

export function command(...list: readonly (string | Buffer)[]): Buffer {
  const parts: Buffer[] = [Buffer.from(`*${list.length}\r\n`)];
  for (const word of list) {
    const bytes = Buffer.from(word);
    parts.push(Buffer.from(`$${bytes.length}\r\n`), bytes, Buffer.from("\r\n"));
  }
  return Buffer.concat(parts);
}

const lineEnds = ["\n", "\r", "\n\r", "", "\r\r\n", "\r\n\r\n", "\0"];

function breakLine(unit: Buffer, random: Seeded): Buffer {
  const at = unit.indexOf("\r\n", random.below(unit.length + 1));
  if (at < 0) return unit;
  return Buffer.concat([unit.subarray(0, at), Buffer.from(random.pick(lineEnds)), unit.subarray(at + 2)]);
}

/** A number behind one of the marks. */
function changeNumber(unit: Buffer, random: Seeded): Buffer {
  const from = random.below(unit.length + 1);
  for (let at = from; at < unit.length; at++) {
    if (!"*$%~>:|=".includes(String.fromCharCode(unit[at]!))) continue;
    const end = unit.indexOf("\r", at);
    if (end < 0) break;
    const old = Number(unit.toString("latin1", at + 1, end));
    const value = random.chance(0.4) ? String(old + random.pick([1, -1])) : random.pick(numbers);
    return Buffer.concat([unit.subarray(0, at + 1), Buffer.from(value), unit.subarray(end)]);
  }
  return unit;
}

function nest(unit: Buffer, random: Seeded): Buffer {
  const mark = random.pick(["*1\r\n", "*2\r\n", "%1\r\n", "|1\r\n", "~1\r\n"]);
  return Buffer.concat([Buffer.from(mark.repeat(random.pick([1, 2, 20, 200, 5000]))), unit]);
}

/** The arguments of a sound command; null for other bytes. */
function argumentsOf(unit: Buffer): Buffer[] | null {
  const found: Buffer[] = [];
  let at = unit.indexOf("\r\n") + 2;
  while (at >= 2 && at < unit.length && unit[at] === 0x24) {
    const line = unit.indexOf("\r\n", at);
    if (line < 0) return null;
    const end = line + 2 + Number(unit.toString("latin1", at + 1, line));
    if (!(end >= line + 2 && end <= unit.length)) return null;
    found.push(unit.subarray(line + 2, end));
    at = end + 2;
  }
  return found.length > 0 ? found : null;
}

function changeArguments(unit: Buffer, random: Seeded): Buffer {
  const list = argumentsOf(unit);
  if (list === null) return breakLine(unit, random);
  // The name is what it is for the most part.
  const at = random.chance(0.1) ? 0 : Math.min(list.length - 1, 1 + random.below(list.length));
  switch (random.below(8)) {
    case 0:
      list.splice(at, 1);
      break;
    case 1:
      list.splice(at, 0, list[at]!);
      break;
    case 2:
      list[at] = Buffer.from(random.bytes(random.below(40)));
      break;
    case 3:
      list[at] = Buffer.alloc(random.pick([0, 1, 255, 256, 5000]), 0x61);
      break;
    case 4:
      list.push(Buffer.from(random.pick(words)));
      break;
    case 5:
      list[at] = Buffer.from(random.pick(words));
      break;
    default:
      list[at] = Buffer.from(random.pick(numbers));
  }
  return command(...list);
}
