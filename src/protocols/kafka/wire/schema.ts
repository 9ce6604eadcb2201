/**
 * The words in which Kafka messages are described: `int32()`, `string({ nullable: 0 })`, `array({ ... })`.
 *
 * A description is data. The encoder and the decoder of every version are derived from it (`plan.ts`), and so are
 * the TypeScript types of decoded (`Decoded`) and to-be-encoded (`Encodable`) bodies. Nothing is read or written here.
 *
 * Invariant: a description says for each field which versions carry it; a field's place in the description is its
 * place on the wire, and its tag, if it has one, is unique within its struct.
 */
import type { RecordsSource } from "./records-source.ts";

export type FieldKind =
  | "boolean"
  | "int8"
  | "int16"
  | "int32"
  | "int64"
  | "string"
  | "bytes"
  | "records"
  | "uuid"
  | "array"
  | "struct";

export interface FieldSpec {
  readonly kind: FieldKind;
  /** First and last version that carry the field. */
  readonly since: number;
  readonly until: number;
  /** First version in which the value may be null; Infinity if never. */
  readonly nullableSince: number;
  /** Tag number in the flexible versions, or -1 for a field with a fixed place. */
  readonly tag: number;
  /** What a reader sees when the version does not carry the field, and a writer may leave out. */
  readonly fallback: unknown;
  /** The fields of a struct, or of an array's elements. */
  readonly fields: FieldMap | null;
  /** The element of an array. */
  readonly element: FieldSpec | null;
}

/** `Out` is the decoded type, `In` what an encoder takes, `Omissible` whether an encoder may be given nothing. */
export interface Field<Out, In = Out, Omissible extends boolean = boolean> {
  readonly spec: FieldSpec;
  readonly types?: { readonly out: Out; readonly in: In; readonly omissible: Omissible };
}

// The variance of Field is of no interest here; `any` says so.
// oxlint-disable-next-line typescript/no-explicit-any
export type AnyField = Field<any, any>;
export type FieldMap = { readonly [name: string]: AnyField };

type DecodedOf<F> = F extends Field<infer O, infer _I, infer _M> ? O : never;
type EncodableOf<F> = F extends Field<infer _O, infer I, infer _M> ? I : never;
type OmissibleNames<M extends FieldMap> = {
  [K in keyof M]: M[K] extends Field<infer _O, infer _I, infer Omissible>
    ? Omissible extends true
      ? K
      : never
    : never;
}[keyof M];

/** A decoded struct: every field is there, with its default where the version does not carry it. */
export type Decoded<M extends FieldMap> = { [K in keyof M]: DecodedOf<M[K]> };

/** What an encoder takes: fields with a default may be left out. */
export type Encodable<M extends FieldMap> = {
  readonly [K in Exclude<keyof M, OmissibleNames<M>>]: EncodableOf<M[K]>;
} & { readonly [K in OmissibleNames<M>]?: EncodableOf<M[K]> | undefined };

interface Options<T> {
  /** First version with this field (default: all versions). */
  readonly since?: number;
  /** Last version with this field. */
  readonly until?: number;
  /** First version in which it may be null. */
  readonly nullable?: number;
  readonly tag?: number;
  readonly default?: T | null;
}

type OrNull<T, O> = O extends { nullable: number } ? T | null : T;
type IsOmissible<O> = O extends { default: unknown } ? true : O extends { tag: number } ? true : false;
type Scalar<T, O> = Field<OrNull<T, O>, OrNull<T, O>, IsOmissible<O>>;

function makeSpec(
  kind: FieldKind,
  options: Options<unknown> | undefined,
  zero: unknown,
  fields: FieldMap | null = null,
  element: FieldSpec | null = null,
): FieldSpec {
  return {
    kind,
    since: options?.since ?? 0,
    until: options?.until ?? Number.POSITIVE_INFINITY,
    nullableSince: options?.nullable ?? Number.POSITIVE_INFINITY,
    tag: options?.tag ?? -1,
    fallback: fallbackFor(options?.default, zero),
    fields,
    element,
  };
}

function fallbackFor(value: unknown, zero: unknown): unknown {
  if (value === undefined) return zero;
  return Array.isArray(value) ? emptyArray : value;
}

export const zeroUuid = "00000000000000000000000000000000";
const noBytes = Buffer.alloc(0);

export function boolean<const O extends Options<boolean>>(options?: O): Scalar<boolean, O> {
  return { spec: makeSpec("boolean", options, false) };
}

export function int8<const O extends Options<number>>(options?: O): Scalar<number, O> {
  return { spec: makeSpec("int8", options, 0) };
}

export function int16<const O extends Options<number>>(options?: O): Scalar<number, O> {
  return { spec: makeSpec("int16", options, 0) };
}

export function int32<const O extends Options<number>>(options?: O): Scalar<number, O> {
  return { spec: makeSpec("int32", options, 0) };
}

/** A 64-bit integer as a JS number: exact up to 2^53, which no offset, time or producer id of ours passes. */
export function int64<const O extends Options<number>>(options?: O): Scalar<number, O> {
  return { spec: makeSpec("int64", options, 0) };
}

export function string<const O extends Options<string>>(options?: O): Scalar<string, O> {
  return { spec: makeSpec("string", options, "") };
}

/** Decoded as a view into the request, valid as long as the request's buffer is. */
export function bytes<const O extends Options<Buffer>>(
  options?: O,
): Field<OrNull<Buffer, O>, OrNull<Uint8Array, O>, IsOmissible<O>> {
  return { spec: makeSpec("bytes", options, noBytes) };
}

/** Record batches: a view when decoded; when encoded also a source that writes itself, without a copy in between. */
export function records(
  options?: Options<null>,
): Field<Buffer | null, Uint8Array | RecordsSource | null, false> {
  return { spec: makeSpec("records", { nullable: 0, ...options }, null) };
}

/** 16 bytes, in JS as 32 hexadecimal digits (so that it can be a Map's key). */
export function uuid<const O extends Options<string>>(options?: O): Scalar<string, O> {
  return { spec: makeSpec("uuid", options, zeroUuid) };
}

/** A struct as a field. Tagged or nullable ones read as null when absent. */
export function struct<const M extends FieldMap, const O extends Options<never>>(
  fields: M,
  options?: O,
): Field<
  O extends { tag: number } ? Decoded<M> | null : OrNull<Decoded<M>, O>,
  O extends { tag: number } ? Encodable<M> | null : OrNull<Encodable<M>, O>,
  IsOmissible<O>
> {
  return { spec: makeSpec("struct", options, null, fields) };
}

/** An array of scalars. */
export function arrayOf<Value, Input, M extends boolean, const O extends Options<readonly never[]>>(
  element: Field<Value, Input, M>,
  options?: O,
): Field<OrNull<Value[], O>, OrNull<readonly Input[], O>, IsOmissible<O>> {
  return { spec: makeSpec("array", options, emptyArray, null, element.spec) };
}

/** An array of structs. */
export function array<const M extends FieldMap, const O extends Options<readonly never[]>>(
  fields: M,
  options?: O,
): Field<OrNull<Decoded<M>[], O>, OrNull<readonly Encodable<M>[], O>, IsOmissible<O>> {
  return { spec: makeSpec("array", options, emptyArray, null, makeSpec("struct", undefined, null, fields)) };
}

/** Stands for "a new empty array" as a field's fallback. */
export const emptyArray: readonly never[] = Object.freeze([]);
