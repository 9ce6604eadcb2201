/**
 * Adds to the Lua 5.1 WebAssembly file what redis has in its own copy of Lua, and what stock Lua has no hook for:
 *
 * - **read-only tables**: a table whose flags are `readOnlyFlags` refuses every write, as redis's `lua_enablereadonlytable` does.
 *   Stock Lua has no such bit, and metatables cannot stop a write to a field that is there.
 * - **a budget for what C does without running Lua code**: `string.find("aaa...", ".-b")`, `table.insert(t, -2^31, x)` and
 *   `string.rep("", 2^31 - 1)` take minutes within one C call, in which no instruction hook runs. The steps of all such loops count
 *   down a global, and call out when it is 0. So do calls that look at a whole table or heap, each of which may take 100 ms: a
 *   loop of them reaches the instruction hook after minutes only.
 * - **a bound in unpack**: stock Lua takes -2^31 for the count of `unpack(t, -2^31 + 1, 0)` and writes beyond its stack.
 * - **64-bit numbers**: wasm-numbers.ts.
 *
 * Not here: what is called then (lua-instance.ts), reading the file (wasm-file.ts), how a file is changed (wasm-module.ts). The
 * places are function numbers of one file, so the file is pinned by its hash (engine/README.md).
 * Invariant: `readOnlyFlags` is what stock Lua never sets by itself: flags are 0xff in a new table and 0 after a write.
 */
import { op, signed, step, unsigned, valueType, WasmModule } from "./wasm-module.ts";
import { widenNumbers } from "./wasm-numbers.ts";

/** SHA-256 of engine/liblua5.1.wasm. */
export const fileHash = "cba969b97e8a319eba8996b5df488aed5cdd22a56f2de53b42598e474014e610";
/** `flags` of a read-only table, and where they are in it. */
export const readOnlyFlags = 0x40;
export const flagsOffset = 6;
/** The bits of `readOnlyFlags`, and one that tells it from a new table. */
const flagsMask = 0xc0;
/** Places of the function table, behind what the file fills: what a write to a read-only table calls, and an empty budget. */
const readOnlyCallback = 177;
export const budgetCallback = 178;
/** The exported global that counts down. */
const budgetName = "budget";
const importedFunctions = 27;
const intMax = 2 ** 31 - 1;

const functions = {
  rawSetIndex: 419,
  rawSet: 418,
  setTable: 443,
  setMetatable: 78,
  match: 402,
  compareBytes: 491,
  addBytes: 120,
  unpack: 163,
  next: 137,
  collectGarbage: 141,
  maxn: 427,
} as const;
/** Numbers of types that the file has. */
const types = { takesPointer: 6, takesNothing: 12 } as const;
const { i32, none } = valueType;

/** The patched file. Throws where the file is not as it should be. */
export function patchLua(file: Uint8Array): Uint8Array<ArrayBuffer> {
  const module = new WasmModule(file, importedFunctions);
  makeTablesReadOnly(module);
  spendBudget(module);
  boundUnpack(module);
  widenNumbers(module);
  return module.bytes();
}

function makeTablesReadOnly(module: WasmModule): void {
  // (table, value, L): table.flags = value, unless it is read-only
  const assertWritable = module.append({ takes: [i32, i32, i32], returns: [] }, [
    ...step(op.getLocal, 0, op.load8, 0, flagsOffset, op.const32, ...signed(flagsMask), op.and),
    ...step(op.const32, ...signed(readOnlyFlags), op.equal, op.if, none),
    ...step(op.getLocal, 2, op.const32, ...signed(readOnlyCallback)),
    ...step(op.callIndirect, types.takesPointer, 0, op.end),
    ...step(op.getLocal, 0, op.getLocal, 1, op.store8, 0, flagsOffset),
  ]);
  const check = (pushTable: readonly number[]): number[] => [
    ...pushTable,
    ...step(op.const32, 0, op.getLocal, 0, op.call, ...unsigned(assertWritable)),
  ];
  // luaH_set(L, table, key), luaH_setnum(L, table, index)
  for (const index of [functions.rawSet, functions.rawSetIndex])
    module.prefix(index, check([op.getLocal, 1]));
  // lua_setmetatable(L, 1): the table is at the stack's base.
  module.prefix(functions.setMetatable, [
    ...step(op.getLocal, 1, op.const32, 1, op.equal, op.if, none),
    ...check([op.getLocal, 0, op.load32, 2, 12, op.load32, 2, 0]),
    op.end,
  ]);
  // luaV_settable: where it says `table->flags = 0`, with the table and 0 on the stack.
  module.replace(
    functions.setTable,
    [op.const32, 0, op.store8, 0, flagsOffset],
    [op.const32, 0, op.getLocal, 0, op.call, ...unsigned(assertWritable)],
  );
}

function spendBudget(module: WasmModule): void {
  const budget = module.appendGlobal(budgetName);
  const spend = module.append({ takes: [], returns: [] }, [
    ...step(op.getGlobal, budget, op.const32, ...signed(-1), op.add, op.setGlobal, budget),
    ...step(op.getGlobal, budget, op.isZero, op.if, none),
    ...step(op.const32, ...signed(budgetCallback), op.callIndirect, types.takesNothing, 0, op.end),
  ]);
  const { match, compareBytes, addBytes, rawSetIndex, next, collectGarbage, maxn } = functions;
  for (const index of [match, compareBytes, addBytes, rawSetIndex, next])
    module.prefix(index, [op.call, ...unsigned(spend)]);
  for (const index of [collectGarbage, maxn])
    module.prefix(index, step(op.const32, 1, op.setGlobal, budget, op.call, ...unsigned(spend)));
}

/** As redis does it: one less than the count of values is compared without its sign. */
function boundUnpack(module: WasmModule): void {
  const [first, last, less] = [1, 3, 2];
  const difference = [op.getLocal, last, op.getLocal, first, op.subtract, op.teeLocal, less];
  module.replace(
    functions.unpack,
    [...difference, op.const32, 0, op.greaterOrEqual],
    [...difference, op.const32, ...signed(intMax), op.lessUnsigned],
  );
}
