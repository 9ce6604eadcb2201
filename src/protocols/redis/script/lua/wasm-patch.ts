/**
 * Adds to the Lua 5.1 WebAssembly file what redis has in its own copy of Lua, and what stock Lua has no hook for:
 *
 * - **read-only tables**: a table whose flags are `readOnlyFlags` refuses every write, as redis's `lua_enablereadonlytable` does.
 *   Stock Lua has no such bit, and metatables cannot stop a write to a field that is there.
 * - **a budget for pattern matching and comparison**: `string.find("aaa...", ".-b")` takes minutes within one C call, in which
 *   no instruction hook runs. Both functions count down a global, and call out when it is 0.
 *
 * Not here: what is called then (lua-instance.ts), reading the file (wasm-file.ts). The places are function numbers of one file,
 * so the file is pinned by its hash. Nothing is moved: functions are prefixed, new ones are appended.
 * Invariant: `mark` sets what stock Lua never sets by itself: its flags are 0xff in a new table and 0 after a write.
 */

/** SHA-256 of dist/liblua5.1.wasm in npm's wasmoon-lua5.1 1.18.10. */
export const fileHash = "cba969b97e8a319eba8996b5df488aed5cdd22a56f2de53b42598e474014e610";
/** `flags` of a read-only table, and where they are in it. */
export const readOnlyFlags = 0x40;
export const flagsOffset = 6;
/** Places of the function table, behind what the file fills: what a write to a read-only table calls, and an empty budget. */
const readOnlyCallback = 177;
export const budgetCallback = 178;
/** The exported global that counts down. */
const budgetName = "budget";

const functions = {
  rawSetIndex: 419,
  rawSet: 418,
  setTable: 443,
  setMetatable: 78,
  match: 402,
  compareBytes: 491,
} as const;
/** Numbers of the first function that is appended, and of the appended global. */
const importedFunctions = 27;
const types = { takesPointer: 6, takesNothing: 12, takesThree: 5 } as const;

const op = {
  if: 0x04,
  end: 0x0b,
  call: 0x10,
  callIndirect: 0x11,
  getLocal: 0x20,
  getGlobal: 0x23,
  setGlobal: 0x24,
  load32: 0x28,
  load8: 0x2d,
  store8: 0x3a,
  const32: 0x41,
  isZero: 0x45,
  equal: 0x46,
  add: 0x6a,
  and: 0x71,
} as const;
const noResult = 0x40;
const i32 = 0x7f;

const sectionIds = { functions: 3, globals: 6, exports: 7, code: 10 } as const;

interface Section {
  readonly id: number;
  bytes: Uint8Array;
}

/** The patched file. Throws where the file is not as it should be. */
export function patchLua(file: Uint8Array): Uint8Array<ArrayBuffer> {
  const sections = readSections(file);
  const section = (id: number): Section => sections.find((one) => one.id === id)!;
  const bodies = vectorOf(section(sectionIds.code).bytes, readBody);
  const assertWritable = importedFunctions + bodies.length;
  const spend = assertWritable + 1;
  const globals = section(sectionIds.globals);
  const budget = countOf(globals.bytes);

  const check = (pushTable: readonly number[]): number[] => [
    ...pushTable,
    ...step(op.const32, 0, op.getLocal, 0, op.call, ...unsigned(assertWritable)),
  ];
  const patch = (index: number, change: (body: Uint8Array) => Uint8Array): void => {
    bodies[index - importedFunctions] = change(bodies[index - importedFunctions]!);
  };
  // luaH_set(L, table, key), luaH_setnum(L, table, index)
  for (const index of [functions.rawSet, functions.rawSetIndex])
    patch(index, (body) => prefixed(body, check([op.getLocal, 1])));
  // lua_setmetatable(L, 1): the table is at the stack's base.
  patch(functions.setMetatable, (body) =>
    prefixed(body, [
      ...step(op.getLocal, 1, op.const32, 1, op.equal, op.if, noResult),
      ...check([op.getLocal, 0, op.load32, 2, 12, op.load32, 2, 0]),
      op.end,
    ]),
  );
  // luaV_settable: where it says `table->flags = 0`, with the table and 0 on the stack.
  const store = [op.const32, 0, op.store8, 0, flagsOffset];
  patch(functions.setTable, (body) =>
    replaced(body, store, [op.const32, 0, op.getLocal, 0, op.call, ...unsigned(assertWritable)]),
  );
  for (const index of [functions.match, functions.compareBytes])
    patch(index, (body) => prefixed(body, [op.call, ...unsigned(spend)]));

  bodies.push(
    // (table, value, L): table.flags = value, unless it is read-only
    bodyOf([
      ...step(op.getLocal, 0, op.load8, 0, flagsOffset, op.const32, 0xc0, 1, op.and),
      ...step(op.const32, 0xc0, 0, op.equal, op.if, noResult),
      ...step(op.getLocal, 2, op.const32, ...signed(readOnlyCallback)),
      ...step(op.callIndirect, types.takesPointer, 0, op.end),
      ...step(op.getLocal, 0, op.getLocal, 1, op.store8, 0, flagsOffset),
    ]),
    bodyOf([
      ...step(op.getGlobal, budget, op.const32, 0x7f, op.add, op.setGlobal, budget),
      ...step(op.getGlobal, budget, op.isZero, op.if, noResult),
      ...step(op.const32, ...signed(budgetCallback), op.callIndirect, types.takesNothing, 0, op.end),
    ]),
  );
  section(sectionIds.code).bytes = vector(bodies.map((body) => withSize(body)));
  const declared = section(sectionIds.functions);
  declared.bytes = appended(declared.bytes, [[types.takesThree], [types.takesNothing]]);
  globals.bytes = appended(globals.bytes, [[i32, 1, op.const32, 0, op.end]]);
  const exported = section(sectionIds.exports);
  const name = [...Buffer.from(budgetName)];
  exported.bytes = appended(exported.bytes, [[name.length, ...name, 3, budget]]);
  return joined(file.subarray(0, 8), sections);
}

/** Instructions that belong together. */
function step(...bytes: readonly number[]): readonly number[] {
  return bytes;
}

function withSize(body: Uint8Array): number[] {
  return [...unsigned(body.length), ...body];
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

interface Span {
  readonly start: number;
  readonly end: number;
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

/** A function without locals of its own. */
function bodyOf(code: readonly number[]): Uint8Array {
  return Uint8Array.from([0, ...code, op.end]);
}

/** `code` runs first. Locals are declared before any code. */
function prefixed(body: Uint8Array, code: readonly number[]): Uint8Array {
  const groups = readUnsigned(body, 0);
  let at = groups.end;
  for (let i = 0; i < groups.value; i++) at = readUnsigned(body, at).end + 1;
  return Uint8Array.from([...body.subarray(0, at), ...code, ...body.subarray(at)]);
}

/** Replaces the one place that has these bytes. */
function replaced(body: Uint8Array, from: readonly number[], to: readonly number[]): Uint8Array {
  const bytes = Buffer.from(body);
  const at = bytes.indexOf(Buffer.from(from));
  if (at < 0 || bytes.includes(Buffer.from(from), at + 1)) throw new Error("the Lua file is not as expected");
  return Uint8Array.from([...body.subarray(0, at), ...to, ...body.subarray(at + from.length)]);
}

function joined(header: Uint8Array, sections: readonly Section[]): Uint8Array<ArrayBuffer> {
  const parts: Uint8Array[] = [header];
  for (const { id, bytes } of sections) parts.push(Uint8Array.from([id, ...unsigned(bytes.length)]), bytes);
  const whole = new Uint8Array(parts.reduce((size, part) => size + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
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

/** Signed LEB128 of a number that is not negative. */
function signed(value: number): number[] {
  const bytes = unsigned(value);
  if ((bytes.at(-1)! & 0x40) === 0) return bytes;
  bytes[bytes.length - 1]! |= 0x80;
  bytes.push(0);
  return bytes;
}
