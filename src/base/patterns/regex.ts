/**
 * Regular expressions over bytes that are matched without going back: a pattern becomes a list of instructions
 * (regex-program.ts), and all ways through it are followed at once, so a name costs at most its length times the pattern's.
 *
 * A subset of PCRE, as RabbitMQ's permissions use it, found anywhere in the name. What cannot be matched in this way
 * (back-references, look-arounds other than those at the start) is refused when the pattern is given.
 * Not here: syntax (regex-parser.ts). Invariant: `test` executes at most `(bytes read + 1) x instructions` steps, and reads at
 * most `regexNameBytesMax` bytes: where those do not decide, the answer is no.
 */
import { hasByte } from "./glob-steps.ts";
import { limits } from "../limits.ts";
import { parseRegex } from "./regex-parser.ts";
import { assertSize, compileProgram, op, type Program } from "./regex-program.ts";

/** Of the match that is at work: there is one at a time. An instruction is put on the stack by two others at most. */
const scratch = {
  now: new Uint16Array(limits.regexStepsMax),
  next: new Uint16Array(limits.regexStepsMax),
  stack: new Uint16Array(limits.regexStepsMax * 2 + 1),
};

type Verdict = "match" | "none" | "undecided";

/** Steps that take about a microsecond, a unit of work (turn-work.ts). */
const stepsOfUnit = 250;

let stepsOfAll = 0;

/** What all matching has cost so far, in units of work: a job that matches many names yields what this has grown by. */
export function matchingUnits(): number {
  return stepsOfAll / stepsOfUnit;
}

interface Condition {
  readonly program: Program;
  readonly isNegated: boolean;
}

export class Regex {
  readonly #program: Program;
  /** Conditions that must match, or must not, at the start of the name. */
  readonly #conditions: readonly Condition[];
  /** Instructions that were executed so far: what matching costs, in counts. */
  steps = 0;

  /** `pattern`: of latin1 characters, its bytes. Throws INVALID with what cannot be done and what to do instead. */
  constructor(pattern: string) {
    const { body, conditions } = parseRegex(pattern);
    this.#program = compileProgram(body);
    this.#conditions = conditions.map(({ node, isNegated }) => ({
      program: compileProgram({ kind: "all", nodes: [{ kind: "assert", what: "start" }, node] }),
      isNegated,
    }));
    const programs = [this.#program, ...this.#conditions.map(({ program }) => program)];
    assertSize(programs.reduce((sum, { codes }) => sum + codes.length, 0));
  }

  /** Whether the name, of latin1 characters, matches. */
  test(name: string): boolean {
    const before = this.steps;
    const isMatch = this.#matches(name);
    stepsOfAll += this.steps - before;
    return isMatch;
  }

  #matches(name: string): boolean {
    for (const { program, isNegated } of this.#conditions) {
      if (this.#run(program, name) !== (isNegated ? "none" : "match")) return false;
    }
    return this.#run(this.#program, name) === "match";
  }

  #run(program: Program, name: string): Verdict {
    const { codes, sets } = program;
    const bytesMax = Math.min(name.length, limits.regexNameBytesMax);
    const visited = new Uint32Array(codes.length);
    let count = 0;
    for (let at = 0; ; at++) {
      // A way that begins here is followed beside those that began before.
      if (at === 0 || !program.isAnchored) {
        count = this.#follow(program, name, at, 0, visited, scratch.now, count);
        if (count < 0) return "match";
      }
      if (count === 0 && program.isAnchored) return "none";
      if (at === bytesMax) return at === name.length ? "none" : "undecided";
      const byte = name.charCodeAt(at) & 0xff;
      let nextCount = 0;
      for (let i = 0; i < count; i++) {
        const pc = scratch.now[i]!;
        this.steps++;
        if (!hasByte(sets, codes[pc]! - op.set, byte)) continue;
        nextCount = this.#follow(program, name, at + 1, pc + 1, visited, scratch.next, nextCount);
        if (nextCount < 0) return "match";
      }
      [scratch.now, scratch.next] = [scratch.next, scratch.now];
      count = nextCount;
    }
  }

  /** Adds the instructions that take a byte and are reached from `from` at that place in the name; -1 where it is matched. */
  #follow(
    { codes, targets }: Program,
    name: string,
    at: number,
    from: number,
    visited: Uint32Array,
    list: Uint16Array,
    count: number,
  ): number {
    const { stack } = scratch;
    let depth = 0;
    stack[depth++] = from;
    while (depth > 0) {
      const pc = stack[--depth]!;
      if (visited[pc] === at + 1) continue;
      visited[pc] = at + 1;
      this.steps++;
      const code = codes[pc]!;
      if (code >= op.set) list[count++] = pc;
      else if (code === op.match) return -1;
      else if (code === op.jump) stack[depth++] = targets[pc]!;
      else if (code === op.split) {
        stack[depth++] = targets[pc]!;
        stack[depth++] = pc + 1;
      } else if (holds(code, name, at)) stack[depth++] = pc + 1;
    }
    return count;
  }
}

function holds(code: number, name: string, at: number): boolean {
  switch (code) {
    case op.start:
      return at === 0;
    case op.end:
      return at === name.length;
    case op.endOrNewline:
      return at === name.length || (at === name.length - 1 && name.charCodeAt(at) === 10);
    case op.wordEdge:
      return isWord(name, at - 1) !== isWord(name, at);
    default:
      return isWord(name, at - 1) === isWord(name, at);
  }
}

function isWord(name: string, at: number): boolean {
  return at >= 0 && at < name.length && /\w/.test(name[at]!);
}
