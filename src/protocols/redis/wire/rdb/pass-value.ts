/**
 * Finds where a value in an RDB file ends, without looking at what it holds.
 *
 * Not here: whether the value is well-formed; RESTORE finds out. Throws `CutOff` where the bytes end first, `BadData` for a type that is
 * not known. Invariant: the time is in proportion to the bytes that are passed.
 */
import { type RdbReader, scoreMark } from "./reader.ts";
import { streamFormOf, type StreamForm } from "./stream-form.ts";
import { BadData, rdbType } from "./types.ts";

const timeBytes = 8;
const idBytes = 16;
const doubleBytes = 8;
const floatBytes = 4;
const moduleOpcode = { end: 0, signed: 1, unsigned: 2, float: 3, double: 4, string: 5 } as const;

/** Passes strings; returns how many bytes the compressed ones stand for. */
function passStrings(reader: RdbReader, count: number): number {
  let expanded = 0;
  for (let left = count; left > 0; left--) expanded += reader.passString();
  return expanded;
}

function passScored(reader: RdbReader, isText: boolean): number {
  let expanded = 0;
  for (let left = reader.length(); left > 0; left--) {
    expanded += reader.passString();
    const size = isText ? reader.uint8() : doubleBytes;
    if (!isText || size < scoreMark.notNumber) reader.skip(size);
  }
  return expanded;
}

function passTimedFields(reader: RdbReader): number {
  let expanded = 0;
  for (let left = reader.length(); left > 0; left--) {
    reader.length();
    expanded += passStrings(reader, 2);
  }
  return expanded;
}

function passQuicklist2(reader: RdbReader): number {
  let expanded = 0;
  for (let left = reader.length(); left > 0; left--) {
    reader.length();
    expanded += reader.passString();
  }
  return expanded;
}

function passNumbers(reader: RdbReader, count: number): void {
  for (let left = count; left > 0; left--) reader.length();
}

function passStream(reader: RdbReader, form: StreamForm): number {
  const expanded = passStrings(reader, 2 * reader.length());
  passStreamEnd(reader, form);
  return expanded;
}

/** Passes what follows the nodes of a stream. */
export function passStreamEnd(reader: RdbReader, { hasCounts, hasActiveAt }: StreamForm): void {
  // Length and last id; first id, max deleted id, entries added.
  passNumbers(reader, hasCounts ? 8 : 3);
  for (let groups = reader.length(); groups > 0; groups--) {
    reader.passString();
    passNumbers(reader, hasCounts ? 3 : 2);
    for (let pending = reader.length(); pending > 0; pending--) {
      reader.skip(idBytes + timeBytes);
      reader.length();
    }
    for (let consumers = reader.length(); consumers > 0; consumers--) {
      reader.passString();
      reader.skip(hasActiveAt ? 2 * timeBytes : timeBytes);
      reader.skip(idBytes * reader.length());
    }
  }
}

/** Passes what a module has written, behind the number of its type. */
export function passModuleParts(reader: RdbReader): void {
  for (;;) {
    const code = reader.length();
    if (code === moduleOpcode.end) return;
    if (code === moduleOpcode.signed || code === moduleOpcode.unsigned) reader.length();
    else if (code === moduleOpcode.float) reader.skip(floatBytes);
    else if (code === moduleOpcode.double) reader.skip(doubleBytes);
    else if (code === moduleOpcode.string) reader.passString();
    else throw new BadData(`a part of a module's value has form ${code}`);
  }
}

const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/** The name of a module's type, which its number is made of: nine letters, and ten bits of a version. */
export function moduleTypeName(high: number, low: number): string {
  const number = (BigInt(high) << 32n) | BigInt(low);
  let name = "";
  for (let shift = 58n; shift >= 10n; shift -= 6n) name += letters[Number((number >> shift) & 63n)]!;
  return name;
}

/**
 * Passes a value, the type of which was read. Returns how many bytes its compressed strings stand for. Values of modules are for
 * `passModuleParts`.
 */
export function passValue(reader: RdbReader, type: number): number {
  switch (type) {
    case rdbType.string:
    case rdbType.hashZipmap:
    case rdbType.listZiplist:
    case rdbType.setIntset:
    case rdbType.zsetZiplist:
    case rdbType.hashZiplist:
    case rdbType.hashListpack:
    case rdbType.zsetListpack:
    case rdbType.setListpack:
    case rdbType.hashListpackTimedEarly:
      return reader.passString();
    case rdbType.hashListpackTimed:
      reader.skip(timeBytes);
      return reader.passString();
    case rdbType.list:
    case rdbType.set:
    case rdbType.listQuicklist:
      return passStrings(reader, reader.length());
    case rdbType.hash:
      return passStrings(reader, 2 * reader.length());
    case rdbType.zsetText:
    case rdbType.zset:
      return passScored(reader, type === rdbType.zsetText);
    case rdbType.hashTimed:
      reader.skip(timeBytes);
      return passTimedFields(reader);
    case rdbType.hashTimedEarly:
      return passTimedFields(reader);
    case rdbType.listQuicklist2:
      return passQuicklist2(reader);
    default: {
      const form = streamFormOf(type);
      if (form === undefined) throw new BadData(`a value of type ${type}, which is not known`);
      return passStream(reader, form);
    }
  }
}
