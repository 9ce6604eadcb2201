/**
 * Erlang's `erlang:phash2/1`, by which RabbitMQ's hashing exchanges choose: the same key leads to the same queue here and there.
 *
 *     phash2 = the low 27 bits of Bob Jenkins's lookup2 over the term's parts, each kind of part with a constant of its own
 *
 * Pure. Not here: which part of a message is hashed (the routers). Invariant: equal to Erlang/OTP 25 for the terms that AMQP's values
 * are in RabbitMQ, which `termOfField` makes.
 */
import { type FieldValue, fieldTypeNames } from "../../../../message/amqp/table.ts";
import type { AmqpText } from "../../../../message/amqp/text.ts";

/** The terms that occur here; a tuple is an array. */
export type Term =
  | Uint8Array
  | bigint
  | { readonly atom: string }
  | { readonly float: number }
  | { readonly list: readonly Term[] }
  | readonly Term[];

export const undefinedTerm: Term = { atom: "undefined" };

const golden = 0x9e3779b9;
const constantOf = (part: number): number => Math.imul(golden, part);
const constants = {
  integer: golden,
  nil: constantOf(2),
  atom: constantOf(3),
  tuple: constantOf(9),
  negative: constantOf(10),
  positive: constantOf(11),
  float: constantOf(12),
  binary: constantOf(13),
};
const nil = 2;
const nilAlone = 3_468_870_702;
const mask = 0x7ff_ffff;
const smallMax = 1n << 27n;

/** `erlang:phash2(Term)`: 27 bits. */
export function portableHash(term: Term): number {
  return hashOf(term, 0) & mask;
}

/** The state goes from part to part; in the beginning it is 0. */
function hashOf(term: Term, hash: number): number {
  if (term instanceof Uint8Array) return hashOfBytes(term, (constants.binary + hash) | 0);
  if (typeof term === "bigint") return hashOfInteger(term, hash);
  if ("atom" in term) {
    const value = hashOfName(term.atom);
    return hash === 0 ? value : mix(constants.atom + value, constants.atom, hash);
  }
  if ("float" in term) return hashOfFloat(term.float, hash);
  if ("list" in term) return hashOfEnd(term.list.reduce((state, item) => hashOf(item, state), hash));
  const start = mix(constants.tuple + term.length, constants.tuple, hash);
  return term.reduce((state, item) => hashOf(item, state), start);
}

/** The empty list, which ends each list. */
function hashOfEnd(hash: number): number {
  return hash === 0 ? nilAlone | 0 : mix(constants.nil + nil, constants.nil, hash);
}

function hashOfInteger(value: bigint, hash: number): number {
  if (value >= -smallMax && value < smallMax) {
    const small = Number(value);
    const start = small < 0 ? mix(constants.integer - small, constants.integer, hash) : hash;
    return mix(constants.integer + small, constants.integer, start);
  }
  const constant = value < 0n ? constants.negative : constants.positive;
  const size = value < 0n ? -value : value;
  return mix(constant + Number(size & 0xffff_ffffn), constant + Number(size >> 32n), hash);
}

const float = new DataView(new ArrayBuffer(8));

function hashOfFloat(value: number, hash: number): number {
  // Both zeros are the same.
  float.setFloat64(0, value + 0, true);
  return mix(constants.float + float.getUint32(4, true), constants.float + float.getUint32(0, true), hash);
}

/** An atom's own hash: the ELF hash of its name. */
function hashOfName(name: string): number {
  let hash = 0;
  for (const byte of Buffer.from(name)) {
    hash = ((hash << 4) + byte) >>> 0;
    const high = hash & 0xf000_0000;
    if (high !== 0) hash = (hash ^ (high >>> 24) ^ high) >>> 0;
  }
  return hash | 0;
}

function word(bytes: Uint8Array, at: number): number {
  return bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
}

/** Bytes that stand at `at` and beyond, as many as there are. */
function tail(bytes: Uint8Array, at: number, count: number): number {
  let value = 0;
  for (let i = 0; i < count && at + i < bytes.length; i++) value |= bytes[at + i]! << (8 * i);
  return value;
}

function hashOfBytes(bytes: Uint8Array, start: number): number {
  if (bytes.length === 0) return start;
  let [a, b, c] = [golden | 0, golden | 0, start];
  let at = 0;
  for (; at + 12 <= bytes.length; at += 12) {
    a = (a + word(bytes, at)) | 0;
    b = (b + word(bytes, at + 4)) | 0;
    mixed.run(a, b, (c + word(bytes, at + 8)) | 0);
    ({ a, b, c } = mixed);
  }
  // The lowest byte of the third word is the length's.
  a = (a + tail(bytes, at, 4)) | 0;
  b = (b + tail(bytes, at + 4, 4)) | 0;
  c = (c + bytes.length + (tail(bytes, at + 8, 3) << 8)) | 0;
  mixed.run(a, b, c);
  return mixed.c;
}

/** lookup2's mix of three words. */
class Mixed {
  a = 0;
  b = 0;
  c = 0;

  run(first: number, second: number, third: number): void {
    let [a, b, c] = [first, second, third];
    a = (a - b - c) ^ (c >>> 13);
    b = (b - c - a) ^ (a << 8);
    c = (c - a - b) ^ (b >>> 13);
    a = (a - b - c) ^ (c >>> 12);
    b = (b - c - a) ^ (a << 16);
    c = (c - a - b) ^ (b >>> 5);
    a = (a - b - c) ^ (c >>> 3);
    b = (b - c - a) ^ (a << 10);
    c = (c - a - b) ^ (b >>> 15);
    this.a = a;
    this.b = b;
    this.c = c;
  }
}

const mixed = new Mixed();

function mix(a: number, b: number, hash: number): number {
  mixed.run(a | 0, b | 0, hash);
  return mixed.c;
}

export function bytesOfText(text: AmqpText): Uint8Array {
  return typeof text === "string" ? Buffer.from(text) : text;
}

/** A header's value as RabbitMQ has it: a tuple of its type and its value. */
export function termOfField(field: FieldValue): readonly Term[] {
  return [{ atom: fieldTypeNames[field.type] }, valueOf(field)];
}

function valueOf(field: FieldValue): Term {
  switch (field.type) {
    case "t":
      return { atom: String(field.value) };
    case "S":
      return bytesOfText(field.value);
    case "x":
      return field.value;
    case "f":
    case "d":
      return { float: field.value };
    case "D":
      return [BigInt(field.scale), BigInt(field.value)];
    case "A":
      return { list: field.value.map(termOfField) };
    case "F":
      return {
        list: field.value.map(({ name, field: value }) => [bytesOfText(name), ...termOfField(value)]),
      };
    case "V":
      return undefinedTerm;
    default:
      return BigInt(field.value);
  }
}
