/**
 * A parsed regular expression as instructions for regex.ts.
 *
 *     set + n     takes a byte of set n, goes on with the next instruction
 *     split       goes on with the next and with its target; jump with its target
 *     start, ...  go on with the next where they hold
 *
 * Repeats are written out, so their counts are bounded by `regexStepsMax`. Invariant: no code is reached without a way from
 * the first.
 */
import { BrokerError } from "../errors.ts";
import { limits } from "../limits.ts";

export type Assertion = "start" | "end" | "endOrNewline" | "wordEdge" | "noWordEdge";

/** `bits`: the 256 bytes that are taken. `max`: Infinity for no bound. */
export type RegexNode =
  | { readonly kind: "set"; readonly bits: Uint32Array }
  | { readonly kind: "assert"; readonly what: Assertion }
  | { readonly kind: "all"; readonly nodes: readonly RegexNode[] }
  | { readonly kind: "any"; readonly nodes: readonly RegexNode[] }
  | { readonly kind: "repeat"; readonly node: RegexNode; readonly min: number; readonly max: number };

export const op = {
  match: 0,
  jump: 1,
  split: 2,
  start: 3,
  end: 4,
  endOrNewline: 5,
  wordEdge: 6,
  noWordEdge: 7,
  set: 8,
} as const;

export interface Program {
  readonly codes: Uint16Array;
  readonly targets: Uint16Array;
  /** 256 bits for each set. */
  readonly sets: Uint32Array;
  /** It matches from the start of the name or not at all. */
  readonly isAnchored: boolean;
}

const setWords = 8;

/** Throws INVALID for more instructions than one name may be matched with. */
export function assertSize(instructions: number): void {
  if (instructions <= limits.regexStepsMax) return;
  throw new BrokerError(
    "INVALID",
    `the pattern is too large: ${limits.regexStepsMax} steps at most, its repeats written out; use smaller counts or * and +`,
  );
}

class Emitter {
  readonly codes: number[] = [];
  readonly targets: number[] = [];
  readonly sets: Uint32Array[] = [];
  readonly #numbers = new Map<string, number>();

  emit(code: number): number {
    assertSize(this.codes.length + 1);
    this.targets.push(0);
    return this.codes.push(code) - 1;
  }

  node(node: RegexNode): void {
    switch (node.kind) {
      case "set":
        this.emit(op.set + this.#numberOf(node.bits));
        return;
      case "assert":
        this.emit(op[node.what]);
        return;
      case "all":
        for (const each of node.nodes) this.node(each);
        return;
      case "any":
        this.#any(node.nodes);
        return;
      case "repeat":
        this.#repeat(node.node, node.min, node.max);
    }
  }

  #numberOf(bits: Uint32Array): number {
    const key = bits.join();
    let number = this.#numbers.get(key);
    if (number === undefined) this.#numbers.set(key, (number = this.sets.push(bits) - 1));
    return number;
  }

  #any(nodes: readonly RegexNode[]): void {
    const ends: number[] = [];
    nodes.forEach((node, i) => {
      if (i === nodes.length - 1) return this.node(node);
      const split = this.emit(op.split);
      this.node(node);
      ends.push(this.emit(op.jump));
      this.targets[split] = this.codes.length;
    });
    for (const at of ends) this.targets[at] = this.codes.length;
  }

  #repeat(node: RegexNode, min: number, max: number): void {
    for (let i = 0; i < min; i++) this.#once(node);
    if (max === Infinity) {
      const split = this.emit(op.split);
      this.node(node);
      this.targets[this.emit(op.jump)] = split;
      this.targets[split] = this.codes.length;
      return;
    }
    const splits: number[] = [];
    for (let i = min; i < max; i++) {
      splits.push(this.emit(op.split));
      this.node(node);
    }
    for (const at of splits) this.targets[at] = this.codes.length;
  }

  /** A node without instructions costs one too, so that counts over nothing are bounded. */
  #once(node: RegexNode): void {
    const before = this.codes.length;
    this.node(node);
    if (this.codes.length === before) this.targets[this.emit(op.jump)] = this.codes.length;
  }
}

export function compileProgram(node: RegexNode): Program {
  const emitter = new Emitter();
  emitter.node(node);
  emitter.emit(op.match);
  const sets = new Uint32Array(emitter.sets.length * setWords);
  emitter.sets.forEach((bits, i) => sets.set(bits, i * setWords));
  return {
    codes: Uint16Array.from(emitter.codes),
    targets: Uint16Array.from(emitter.targets),
    sets,
    isAnchored: isAnchored(node),
  };
}

function isAnchored(node: RegexNode): boolean {
  switch (node.kind) {
    case "assert":
      return node.what === "start";
    case "all":
      return node.nodes.length > 0 && isAnchored(node.nodes[0]!);
    case "any":
      return node.nodes.every(isAnchored);
    case "repeat":
      return node.min > 0 && isAnchored(node.node);
    default:
      return false;
  }
}
