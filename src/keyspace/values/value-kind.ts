/**
 * What the keyspace asks of each type of collection: to make one, to apply the records of its parts, and to write its elements
 * into the journal again.
 *
 * Not here: what a command does with a value of the type (values/*.ts). Invariant: each operation's code is of one kind.
 */
import type { ByteReader, ByteWriter } from "../../base/bytes.ts";
import type { KeyContent } from "../content.ts";

/** A record about a part of a value: what stands behind its key. */
export interface PartOperation {
  /** In the journal (key-records.ts). */
  readonly code: number;
  /** A key that has no value of the kind gets an empty one first; else the record is passed over there. */
  readonly makesValue: boolean;
  /** Moves the reader behind the part. */
  skip(reader: ByteReader): void;
  /** Reads the part and applies it to the value of `entry`. The record stands at `position`. */
  apply(content: KeyContent, entry: number, reader: ByteReader, position: number): void;
}

export interface ValueKind {
  /** In the type word (value-type.ts). */
  readonly type: number;
  readonly operations: readonly PartOperation[];
  /** Makes an empty value for a key that has no entry; returns its entry. */
  create(content: KeyContent, key: Uint8Array, start: number, end: number, age: number): number;
  /** A packed value becomes a large one; returns where its entry is. */
  makeLarge(content: KeyContent, entry: number): number;
  /**
   * Writes records of some elements of the large value `id` that stand below position `below`, a slice of them; they are as
   * young as `position` then. False when there are none.
   */
  rewriteElements(out: ByteWriter, source: RewriteSource, below: number, position: number): boolean;
}

/** A large value that is written again. */
export interface RewriteSource {
  readonly database: number;
  readonly content: KeyContent;
  readonly id: number;
}

export class ValueKinds {
  readonly #byType: (ValueKind | undefined)[] = [];
  readonly #byOperation: ({ kind: ValueKind; part: PartOperation } | undefined)[] = [];

  constructor(kinds: readonly ValueKind[]) {
    for (const kind of kinds) {
      this.#byType[kind.type] = kind;
      for (const part of kind.operations) this.#byOperation[part.code] = { kind, part };
    }
  }

  ofType(type: number): ValueKind | undefined {
    return this.#byType[type];
  }

  ofOperation(code: number): { readonly kind: ValueKind; readonly part: PartOperation } | undefined {
    return this.#byOperation[code];
  }
}
