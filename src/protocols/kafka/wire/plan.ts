/**
 * Turns a description (`schema.ts`) into the program that reads and writes one version of it.
 *
 * A plan is a flat list of steps with a numeric operation each; `decode.ts` and `encode.ts` interpret it with one
 * switch. That keeps every call site monomorphic without generated code, and all versions of a message decode to
 * objects of the same shape, because the steps follow the description and not the version.
 *
 * Invariant: `sizeMin` is a lower bound on the encoded size, so that an array's count can be held against the bytes
 * that are left before anything is allocated.
 */
import { BrokerError } from "../../../base/errors.ts";
import type { FieldMap, FieldSpec } from "./schema.ts";

export const operation = {
  /** Not in this version: the fallback. */
  absent: 0,
  boolean: 1,
  int8: 2,
  int16: 3,
  int32: 4,
  int64: 5,
  uuid: 6,
  /** int16 length, UTF-8. */
  string: 7,
  /** unsigned varint length + 1, UTF-8. */
  compactString: 8,
  /** int32 length. Records, too. */
  bytes: 9,
  compactBytes: 10,
  /** int32 count. */
  array: 11,
  compactArray: 12,
  struct: 13,
  /** int8: -1 for null, 1 before a value. */
  nullableStruct: 14,
} as const;

/** Encoded sizes of the smallest value, indexed by operation. */
const sizesMin = [0, 1, 1, 2, 4, 8, 16, 2, 1, 4, 1, 4, 1, 0, 1];

export class Step {
  readonly name: string;
  readonly operation: number;
  readonly nullable: boolean;
  readonly tag: number;
  readonly fallback: unknown;
  /** The fields of a struct. */
  readonly plan: Plan | null;
  /** The elements of an array. */
  readonly element: Step | null;
  readonly sizeMin: number;

  constructor(name: string, spec: FieldSpec, version: number, flexible: boolean) {
    const present = version >= spec.since && version <= spec.until;
    this.name = name;
    this.nullable = version >= spec.nullableSince;
    this.tag = present ? spec.tag : -1;
    this.fallback = spec.fallback;
    this.operation = present ? chooseOperation(spec, this.nullable, flexible) : operation.absent;
    this.plan = spec.fields === null ? null : new Plan(spec.fields, version, flexible);
    this.element = spec.element === null ? null : new Step(name, spec.element, version, flexible);
    this.sizeMin = this.operation === operation.struct ? this.plan!.sizeMin : sizesMin[this.operation]!;
    if (this.element?.sizeMin === 0) throw new BrokerError("INVALID", `elements of ${name} may not be empty`);
  }
}

export class Plan {
  /** All fields in the description's order; those with a tag are read and written after the others. */
  readonly steps: readonly Step[];
  /** The tagged fields of this version in ascending order of their tags. */
  readonly tagged: readonly Step[];
  readonly flexible: boolean;
  readonly sizeMin: number;
  readonly hasArraysOfStructs: boolean;

  constructor(fields: FieldMap, version: number, flexible: boolean) {
    this.steps = Object.entries(fields).map(([name, field]) => new Step(name, field.spec, version, flexible));
    this.tagged = this.steps.filter((step) => step.tag >= 0).toSorted((a, b) => a.tag - b.tag);
    this.flexible = flexible;
    let sizeMin = flexible ? 1 : 0;
    for (const step of this.steps) if (step.tag < 0) sizeMin += step.sizeMin;
    this.sizeMin = sizeMin;
    this.hasArraysOfStructs = this.steps.some(
      (step) => step.operation !== operation.absent && (step.element?.plan ?? null) !== null,
    );
  }
}

function chooseOperation(spec: FieldSpec, nullable: boolean, flexible: boolean): number {
  switch (spec.kind) {
    case "string":
      return flexible ? operation.compactString : operation.string;
    case "bytes":
    case "records":
      return flexible ? operation.compactBytes : operation.bytes;
    case "array":
      return flexible ? operation.compactArray : operation.array;
    case "struct":
      return nullable ? operation.nullableStruct : operation.struct;
    default:
      return operation[spec.kind];
  }
}
