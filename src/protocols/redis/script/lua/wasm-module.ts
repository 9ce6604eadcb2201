/**
 * A WebAssembly file as sections and function bodies that can be changed: prefixed, replaced in one place, appended to.
 *
 * Not here: what is changed in Lua's file (wasm-patch.ts, wasm-numbers.ts). No function moves, so numbers that code and tables
 * have stay right. Invariant: bytes that are to be replaced are there exactly as often as the caller says, or it throws.
 */
export const op = {
  if: 0x04,
  else: 0x05,
  end: 0x0b,
  call: 0x10,
  callIndirect: 0x11,
  getLocal: 0x20,
  setLocal: 0x21,
  teeLocal: 0x22,
  getGlobal: 0x23,
  setGlobal: 0x24,
  load32: 0x28,
  load8: 0x2d,
  store32: 0x36,
  store64: 0x37,
  store8: 0x3a,
  const32: 0x41,
  const64: 0x42,
  constDouble: 0x44,
  isZero: 0x45,
  equal: 0x46,
  lessUnsigned: 0x49,
  greater: 0x4a,
  greaterOrEqual: 0x4e,
  lessDouble: 0x63,
  greaterOrEqualDouble: 0x66,
  add: 0x6a,
  subtract: 0x6b,
  and: 0x71,
  xor64: 0x85,
  absDouble: 0x99,
  subtractDouble: 0xa1,
  wrap: 0xa7,
  truncate32: 0xaa,
  truncateUnsigned32: 0xab,
  truncate64: 0xb0,
  toDoubleUnsigned32: 0xb8,
  toDoubleUnsigned64: 0xba,
  saturating: 0xfc,
} as const;

export const valueType = { none: 0x40, i32: 0x7f, i64: 0x7e, double: 0x7c } as const;

const sectionIds = { types: 1, functions: 3, globals: 6, exports: 7, code: 10 } as const;
const globalKind = 3;
const functionType = 0x60;

export interface FunctionType {
  readonly takes: readonly number[];
  readonly returns: readonly number[];
}

interface Section {
  readonly id: number;
  bytes: Uint8Array;
}

export class WasmModule {
  readonly #header: Uint8Array;
  readonly #sections: Section[];
  readonly #bodies: Uint8Array[];
  readonly #importedFunctions: number;
  readonly #types: number[][] = [];
  readonly #declared: number[][] = [];
  readonly #typeCount: number;
  #globals: number;

  constructor(file: Uint8Array, importedFunctions: number) {
    this.#header = file.slice(0, 8);
    this.#sections = readSections(file);
    this.#bodies = vectorOf(this.#section("code").bytes, readBody);
    this.#importedFunctions = importedFunctions;
    this.#typeCount = countOf(this.#section("types").bytes);
    this.#globals = countOf(this.#section("globals").bytes);
  }

  #section(name: keyof typeof sectionIds): Section {
    return this.#sections.find(({ id }) => id === sectionIds[name])!;
  }

  /** The code of the function of that number. */
  body(index: number): Uint8Array {
    return this.#bodies[index - this.#importedFunctions]!;
  }

  /** `code` runs first in it. Locals are declared before any code. */
  prefix(index: number, code: readonly number[]): void {
    const body = this.body(index);
    const groups = readUnsigned(body, 0);
    let at = groups.end;
    for (let i = 0; i < groups.value; i++) at = readUnsigned(body, at).end + 1;
    this.#set(index, Uint8Array.from([...body.subarray(0, at), ...code, ...body.subarray(at)]));
  }

  /** Replaces each of the `times` places that have these bytes. */
  replace(index: number, from: readonly number[], to: readonly number[], times = 1): void {
    this.#set(index, replaced(this.body(index), from, to, times));
  }

  #set(index: number, body: Uint8Array): void {
    this.#bodies[index - this.#importedFunctions] = body;
  }

  /** Appends a function without locals of its own. Returns its number. */
  append(type: FunctionType, code: readonly number[]): number {
    return this.appendBody(type, Uint8Array.from([0, ...code, op.end]));
  }

  appendBody({ takes, returns }: FunctionType, body: Uint8Array): number {
    this.#declared.push(unsigned(this.#typeCount + this.#types.length));
    this.#types.push([functionType, takes.length, ...takes, returns.length, ...returns]);
    this.#bodies.push(body);
    return this.#importedFunctions + this.#bodies.length - 1;
  }

  /** Appends an exported 32-bit global that begins with 0. Returns its number. */
  appendGlobal(name: string): number {
    const globals = this.#section("globals");
    globals.bytes = appended(globals.bytes, [[valueType.i32, 1, op.const32, 0, op.end]]);
    const exported = this.#section("exports");
    const bytes = [...Buffer.from(name)];
    exported.bytes = appended(exported.bytes, [[bytes.length, ...bytes, globalKind, this.#globals]]);
    return this.#globals++;
  }

  bytes(): Uint8Array<ArrayBuffer> {
    const types = this.#section("types");
    types.bytes = appended(types.bytes, this.#types.splice(0));
    const declared = this.#section("functions");
    declared.bytes = appended(declared.bytes, this.#declared.splice(0));
    this.#section("code").bytes = vector(this.#bodies.map((body) => [...unsigned(body.length), ...body]));
    const parts: Uint8Array[] = [this.#header];
    for (const { id, bytes } of this.#sections)
      parts.push(Uint8Array.from([id, ...unsigned(bytes.length)]), bytes);
    const whole = new Uint8Array(parts.reduce((size, part) => size + part.length, 0));
    let at = 0;
    for (const part of parts) {
      whole.set(part, at);
      at += part.length;
    }
    return whole;
  }
}

export function replaced(
  body: Uint8Array,
  from: readonly number[],
  to: readonly number[],
  times = 1,
): Uint8Array {
  const bytes = Buffer.from(body);
  const wanted = Buffer.from(from);
  const parts: Uint8Array[] = [];
  let done = 0;
  for (let at = bytes.indexOf(wanted); at >= 0; at = bytes.indexOf(wanted, done)) {
    parts.push(bytes.subarray(done, at), Uint8Array.from(to));
    done = at + wanted.length;
  }
  if (parts.length !== 2 * times) throw new Error("the Lua file is not as expected");
  return Buffer.concat([...parts, bytes.subarray(done)]);
}

function readSections(file: Uint8Array): Section[] {
  const sections: Section[] = [];
  for (let at = 8; at < file.length;) {
    const id = file[at]!;
    const size = readUnsigned(file, at + 1);
    sections.push({ id, bytes: file.slice(size.end, size.end + size.value) });
    at = size.end + size.value;
  }
  return sections;
}

interface Span {
  readonly start: number;
  readonly end: number;
}

/** Elements of a vector, each as the bytes that `read` says it has. */
function vectorOf(bytes: Uint8Array, read: (bytes: Uint8Array, at: number) => Span): Uint8Array[] {
  const count = readUnsigned(bytes, 0);
  const found: Uint8Array[] = [];
  for (let i = 0, at = count.end; i < count.value; i++) {
    const { start, end } = read(bytes, at);
    found.push(bytes.slice(start, end));
    at = end;
  }
  return found;
}

function readBody(bytes: Uint8Array, at: number): Span {
  const size = readUnsigned(bytes, at);
  return { start: size.end, end: size.end + size.value };
}

function countOf(bytes: Uint8Array): number {
  return readUnsigned(bytes, 0).value;
}

function vector(elements: readonly (readonly number[])[]): Uint8Array {
  return Uint8Array.from([...unsigned(elements.length), ...elements.flat()]);
}

function appended(bytes: Uint8Array, elements: readonly (readonly number[])[]): Uint8Array {
  const count = readUnsigned(bytes, 0);
  const rest = bytes.subarray(count.end);
  return Uint8Array.from([...unsigned(count.value + elements.length), ...rest, ...elements.flat()]);
}

function readUnsigned(bytes: Uint8Array, start: number): { value: number; end: number } {
  let value = 0;
  let at = start;
  for (let shift = 0; ; shift += 7) {
    const byte = bytes[at++]!;
    value |= (byte & 0x7f) << shift;
    if (byte < 0x80) return { value: value >>> 0, end: at };
  }
}

/** Instructions that belong together. */
export function step(...bytes: readonly number[]): readonly number[] {
  return bytes;
}

/** LEB128. */
export function unsigned(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  while (rest >= 0x80) {
    bytes.push((rest & 0x7f) | 0x80);
    rest >>>= 7;
  }
  bytes.push(rest);
  return bytes;
}

/** Signed LEB128. */
export function signed(value: bigint | number): number[] {
  const bytes: number[] = [];
  let rest = BigInt(value);
  for (;;) {
    const byte = Number(rest & 0x7fn);
    rest >>= 7n;
    if ((rest === 0n && byte < 0x40) || (rest === -1n && byte >= 0x40)) return [...bytes, byte];
    bytes.push(byte | 0x80);
  }
}

/** A double as it stands behind `op.constDouble`. */
export function doubleBytes(value: number): number[] {
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleLE(value);
  return [...bytes];
}
