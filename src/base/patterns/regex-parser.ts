/**
 * Reads the regular expressions of permissions: PCRE's syntax as far as it can be matched without going back.
 *
 *     alternatives a|b   groups ( ) (?: ) (?<name> ) (?i) (?i: ) (?s)   any byte .   classes [a-z] [^a] [[:alpha:]]
 *     \d \w \s \D \W \S  \t \n \r \f \e \a \xHH \x{HH}  \Q..\E   anchors ^ $ \A \z \Z   \b \B
 *     * + ? {n} {n,} {n,m}, also lazy      (?! ) and (?= ) at the start of a pattern that is one alternative
 *
 * Not here: matching. Everything is bytes, and letters are ASCII's, as where PCRE is not told of UTF-8. Invariant: what is
 * not in the list above is refused, never read as something else.
 */
import { BrokerError } from "../errors.ts";
import type { Assertion, RegexNode } from "./regex-program.ts";

export interface ParsedRegex {
  readonly body: RegexNode;
  readonly conditions: readonly { readonly node: RegexNode; readonly isNegated: boolean }[];
}

const setWords = 8;
const repeatMax = 65_535;

function setOf(isMember: (byte: number) => boolean): Uint32Array {
  const bits = new Uint32Array(setWords);
  for (let byte = 0; byte < 256; byte++) if (isMember(byte)) bits[byte >> 5]! |= 1 << (byte & 31);
  return bits;
}

function charSet(expression: RegExp): Uint32Array {
  return setOf((byte) => byte < 128 && expression.test(String.fromCharCode(byte)));
}

function complement(bits: Uint32Array): Uint32Array {
  return bits.map((word) => ~word);
}

const digits = charSet(/\d/);
const wordBytes = charSet(/\w/);
const spaces = charSet(/\s/);
const allBytes = setOf(() => true);
const allButNewline = setOf((byte) => byte !== 10);

const classEscapes: Readonly<Record<string, Uint32Array>> = {
  d: digits,
  D: complement(digits),
  w: wordBytes,
  W: complement(wordBytes),
  s: spaces,
  S: complement(spaces),
};
const byteEscapes: Readonly<Record<string, number>> = { t: 9, n: 10, r: 13, f: 12, e: 27, a: 7 };
const assertEscapes: Readonly<Record<string, Assertion>> = {
  A: "start",
  z: "end",
  Z: "endOrNewline",
  b: "wordEdge",
  B: "noWordEdge",
};
const posixClasses: Readonly<Record<string, Uint32Array>> = {
  alpha: charSet(/[a-zA-Z]/),
  digit: digits,
  alnum: charSet(/[a-zA-Z\d]/),
  upper: charSet(/[A-Z]/),
  lower: charSet(/[a-z]/),
  space: spaces,
  blank: charSet(/[ \t]/),
  punct: charSet(/[!-/:-@[-`{-~]/),
  xdigit: charSet(/[\da-fA-F]/),
  word: wordBytes,
  print: charSet(/[ -~]/),
  graph: charSet(/[!-~]/),
  // eslint-disable-next-line no-control-regex
  cntrl: charSet(/[\u0000-\u001f\u007f]/),
};

interface Flags {
  readonly ignoreCase: boolean;
  readonly dotAll: boolean;
}

class Parser {
  readonly #text: string;
  #at = 0;
  #flags: Flags = { ignoreCase: false, dotAll: false };
  readonly conditions: { node: RegexNode; isNegated: boolean }[] = [];

  constructor(text: string) {
    this.#text = text;
  }

  whole(): RegexNode {
    // Flags for all may stand before the conditions.
    while (/^\(\?[is]+\)/.test(this.#text.slice(this.#at, this.#at + 5))) this.#repeated(this.#atom());
    const start = this.#at;
    if (this.#take("^")) while (this.#sees("(?!") || this.#sees("(?=")) this.#condition();
    if (this.conditions.length === 0) this.#at = start;
    const body = this.#alternatives();
    if (this.#at < this.#text.length) throw this.#fault("a ) without its (");
    if (this.conditions.length === 0) return body;
    if (body.kind === "any")
      throw this.#unsupported("a look-ahead for one of several alternatives", start + 1);
    return { kind: "all", nodes: [{ kind: "assert", what: "start" }, body] };
  }

  #condition(): void {
    const isNegated = this.#text[this.#at + 2] === "!";
    this.#at += 3;
    this.conditions.push({ node: this.#groupRest(), isNegated });
  }

  #alternatives(): RegexNode {
    const nodes = [this.#sequence()];
    while (this.#take("|")) nodes.push(this.#sequence());
    return nodes.length === 1 ? nodes[0]! : { kind: "any", nodes };
  }

  #sequence(): RegexNode {
    const nodes: RegexNode[] = [];
    while (this.#at < this.#text.length && !this.#sees("|") && !this.#sees(")")) {
      const node = this.#repeated(this.#atom());
      if (node !== null) nodes.push(node);
    }
    return nodes.length === 1 ? nodes[0]! : { kind: "all", nodes };
  }

  #repeated(node: RegexNode | null): RegexNode | null {
    const bounds = this.#bounds();
    if (bounds === null) return node;
    if (node === null) throw this.#fault("a quantifier with nothing before it");
    if (node.kind === "assert") throw this.#unsupported("a repeated anchor", this.#at - 1);
    if (this.#sees("+")) throw this.#unsupported("a possessive quantifier", this.#at);
    this.#take("?");
    const repeated: RegexNode = { kind: "repeat", node, ...bounds };
    if (this.#bounds() !== null) throw this.#fault("a quantifier behind a quantifier");
    return repeated;
  }

  /** Reads a quantifier; null where there is none: a `{` that begins none is a plain character. */
  #bounds(): { min: number; max: number } | null {
    if (this.#take("*")) return { min: 0, max: Infinity };
    if (this.#take("+")) return { min: 1, max: Infinity };
    if (this.#take("?")) return { min: 0, max: 1 };
    if (!this.#sees("{")) return null;
    const found = /^\{(\d{1,6})(,(\d{0,6}))?\}/.exec(this.#text.slice(this.#at, this.#at + 16));
    if (found === null) return null;
    const min = Number(found[1]);
    const max = found[2] === undefined ? min : found[3] === "" ? Infinity : Number(found[3]);
    if (min > max || min > repeatMax) throw this.#fault(`the bounds ${found[0]}`);
    this.#at += found[0].length;
    return { min, max };
  }

  /** Null for what stands for nothing itself, as flags. */
  #atom(): RegexNode | null {
    const char = this.#text[this.#at]!;
    if (char === "(") return this.#group();
    if (char === "*" || char === "+" || char === "?") throw this.#fault(`a ${char} with nothing before it`);
    this.#at++;
    if (char === "[") return { kind: "set", bits: this.#withCase(this.#class()) };
    if (char === ".") return { kind: "set", bits: this.#flags.dotAll ? allBytes : allButNewline };
    if (char === "^") return { kind: "assert", what: "start" };
    if (char === "$") return { kind: "assert", what: "endOrNewline" };
    if (char === "\\") return this.#escape();
    return this.#literal(char);
  }

  #literal(text: string): RegexNode {
    const nodes = Array.from(text, (char): RegexNode => {
      const wanted = char.charCodeAt(0);
      return { kind: "set", bits: this.#withCase(setOf((byte) => byte === wanted)) };
    });
    return nodes.length === 1 ? nodes[0]! : { kind: "all", nodes };
  }

  #escape(): RegexNode | null {
    const start = this.#at - 1;
    const char = this.#text[this.#at++];
    if (char === undefined) throw this.#fault("a \\ at the end");
    const assertion = assertEscapes[char];
    if (assertion !== undefined) return { kind: "assert", what: assertion };
    const set = classEscapes[char];
    if (set !== undefined) return { kind: "set", bits: set };
    if (char === "Q") return this.#quoted();
    if (char === "E") return null;
    return this.#literal(String.fromCharCode(this.#byteEscape(char, start)));
  }

  #quoted(): RegexNode | null {
    const end = this.#text.indexOf("\\E", this.#at);
    const text = this.#text.slice(this.#at, end < 0 ? undefined : end);
    this.#at = end < 0 ? this.#text.length : end + 2;
    if (text === "") return null;
    if (text.length === 1) return this.#literal(text);
    // A quantifier behind it is for the last character.
    const last = this.#repeated(this.#literal(text.slice(-1)))!;
    return { kind: "all", nodes: [this.#literal(text.slice(0, -1)), last] };
  }

  /** The byte that an escape stands for, in a class or outside. */
  #byteEscape(char: string, start: number): number {
    const known = byteEscapes[char];
    if (known !== undefined) return known;
    if (char === "x") {
      const hex = /^(?:\{([\da-f]{1,2})\}|([\da-f]{2}))/i.exec(this.#text.slice(this.#at, this.#at + 4));
      if (hex === null) throw this.#fault("\\x without two hexadecimal digits");
      this.#at += hex[0].length;
      return Number.parseInt(hex[1] ?? hex[2]!, 16);
    }
    if (char === "0") return 0;
    if (/[1-9gk]/.test(char)) throw this.#unsupported(`the back-reference \\${char}`, start);
    if (/[A-Za-z]/.test(char)) throw this.#unsupported(`\\${char}`, start);
    return char.charCodeAt(0);
  }

  #group(): RegexNode | null {
    const start = this.#at++;
    if (!this.#take("?")) return this.#groupRest();
    const flags = /^(-?[is]+(?:-[is]+)?)([:)])/.exec(this.#text.slice(this.#at, this.#at + 8));
    if (flags !== null) {
      this.#at += flags[0].length;
      const before = this.#flags;
      this.#flags = flagsAfter(before, flags[1]!);
      if (flags[2] === ")") return null;
      const node = this.#groupRest();
      this.#flags = before;
      return node;
    }
    if (this.#take(":")) return this.#groupRest();
    const name = /^(?:P?<\w+>|'\w+')/.exec(this.#text.slice(this.#at));
    if (name !== null) {
      this.#at += name[0].length;
      return this.#groupRest();
    }
    if (this.#sees("!") || this.#sees("=")) {
      throw this.#unsupported("a look-ahead that does not stand right behind the first ^", start);
    }
    throw this.#unsupported(`the group ${this.#text.slice(start, start + 3)}`, start);
  }

  /** Behind what begins a group, up to its `)`. Flags that are set in it end with it. */
  #groupRest(): RegexNode {
    const flags = this.#flags;
    const node = this.#alternatives();
    if (!this.#take(")")) throw this.#fault("a ( without its )");
    this.#flags = flags;
    // Alternatives of a group are none of the pattern's.
    return node.kind === "any" || node.kind === "assert" ? { kind: "all", nodes: [node] } : node;
  }

  #class(): Uint32Array {
    const bits = new Uint32Array(setWords);
    const isNegated = this.#take("^");
    for (let isFirst = true; isFirst || !this.#sees("]"); isFirst = false) {
      if (this.#at >= this.#text.length) throw this.#fault("a [ without its ]");
      const low = this.#classItem();
      if (typeof low !== "number") {
        for (let i = 0; i < setWords; i++) bits[i]! |= low[i]!;
        continue;
      }
      let high = low;
      const isRange = this.#sees("-") && this.#at + 1 < this.#text.length && this.#text[this.#at + 1] !== "]";
      if (isRange) {
        this.#at++;
        const item = this.#classItem();
        if (typeof item !== "number" || item < low) throw this.#fault("a range in a class");
        high = item;
      }
      for (let byte = low; byte <= high; byte++) bits[byte >> 5]! |= 1 << (byte & 31);
    }
    this.#at++;
    return isNegated ? complement(this.#withCase(bits)) : bits;
  }

  #classItem(): number | Uint32Array {
    const posix = /^\[:(\^?)(\w+):\]/.exec(this.#text.slice(this.#at, this.#at + 16));
    if (posix !== null) {
      const set = posixClasses[posix[2]!];
      if (set === undefined) throw this.#fault(`the class ${posix[0]}`);
      this.#at += posix[0].length;
      return posix[1] === "^" ? complement(set) : set;
    }
    const char = this.#text[this.#at++];
    if (char !== "\\") return char!.charCodeAt(0);
    const start = this.#at - 1;
    const escaped = this.#text[this.#at++];
    if (escaped === undefined) throw this.#fault("a \\ at the end");
    if (escaped === "b") return 8;
    return classEscapes[escaped] ?? this.#byteEscape(escaped, start);
  }

  #withCase(bits: Uint32Array): Uint32Array {
    if (!this.#flags.ignoreCase) return bits;
    const has = (byte: number) => ((bits[byte >> 5]! >>> (byte & 31)) & 1) === 1;
    const isLetter = (byte: number) => /[a-z]/i.test(String.fromCharCode(byte)) && byte < 128;
    return setOf((byte) => has(byte) || (isLetter(byte) && has(byte ^ 0x20)));
  }

  #sees(text: string): boolean {
    return this.#text.startsWith(text, this.#at);
  }

  #take(text: string): boolean {
    if (!this.#sees(text)) return false;
    this.#at += text.length;
    return true;
  }

  #fault(what: string): BrokerError {
    return new BrokerError(
      "INVALID",
      `the pattern is no regular expression: ${what}, near character ${this.#at}`,
    );
  }

  #unsupported(what: string, at: number): BrokerError {
    return new BrokerError(
      "INVALID",
      `the pattern has ${what} at character ${at + 1}, which is not supported, since it cannot be matched in bounded time; ` +
        "write the names or their beginnings as alternatives: ^(a|b)",
    );
  }
}

function flagsAfter(before: Flags, text: string): Flags {
  let { ignoreCase, dotAll } = before;
  let isOn = true;
  for (const char of text) {
    if (char === "-") isOn = false;
    else if (char === "i") ignoreCase = isOn;
    else dotAll = isOn;
  }
  return { ignoreCase, dotAll };
}

/** Throws INVALID. */
export function parseRegex(pattern: string): ParsedRegex {
  const parser = new Parser(pattern);
  const body = parser.whole();
  return { body, conditions: parser.conditions };
}
