/** The Lua machine without a broker: what is added to its file, its memory, and numbers as C prints them. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { limits } from "../../../src/base/limits.ts";
import { LuaInstance } from "../../../src/protocols/redis/script/lua/lua-instance.ts";
import { argumentText, generalText, truncated } from "../../../src/protocols/redis/script/lua/numbers.ts";
import { luaStatus } from "../../../src/protocols/redis/script/lua/raw-api.ts";
import { RandomNumbers } from "../../../src/protocols/redis/script/lua/random-numbers.ts";
import { openStandard, protect } from "../../../src/protocols/redis/script/lua/sandbox.ts";
import { readLua } from "../../../src/protocols/redis/script/lua/wasm-file.ts";
import { patchLua } from "../../../src/protocols/redis/script/lua/wasm-patch.ts";

interface Counted {
  readonly lua: LuaInstance;
  /** How often the budget was used up. */
  spent: number;
}

function machine(): Counted {
  const counted: { lua?: LuaInstance; spent: number } = { spent: 0 };
  const lua = new LuaInstance({
    hook: () => {},
    budgetSpent: () => {
      counted.spent++;
      lua.raw.budget.value = 128;
    },
  });
  lua.raw.budget.value = 128;
  openStandard(lua, new RandomNumbers());
  protect(lua);
  counted.lua = lua;
  return counted as Counted;
}

/** What the script returns, or its error's text. */
function run({ lua }: Counted, text: string): string | undefined {
  const { raw, state } = lua;
  lua.pushText(state, text);
  const at = lua.string(state, -1);
  const compiled = raw.luaL_loadbuffer(state, at, lua.stringBytes, lua.name("@test"));
  if (compiled === luaStatus.ok) raw.lua_pcall(state, 0, 1, 0);
  const result = lua.text(state, -1);
  raw.lua_settop(state, 0);
  return result;
}

test("tables are read-only, whichever way they are written to", () => {
  const counted = machine();
  const refusal = "Attempt to modify a readonly table";
  for (const [script, wanted] of [
    ["x = 1", `test:1: ${refusal}`],
    ["string.len = nil", `test:1: ${refusal}`],
    ["rawset(string, 'x', 1)", refusal],
    ["table.insert(string, 1)", refusal],
    ["setmetatable(string, {})", refusal],
    ["setmetatable({}, {__newindex = string}).x = 1", `test:1: ${refusal}`],
    ["local t = {} t.x = 1 t[1] = 2 rawset(t, 'y', 3) return t.x + t[1] + t.y", "6"],
    ["return setmetatable({}, {__index = {z = 4}}).z", "4"],
    ["return tostring(string.len) == tostring(string.len) and string.len('four')", "4"],
  ] as const)
    assert.equal(run(counted, script), wanted, script);
});

test("patterns and comparisons spend the budget in proportion to their steps", () => {
  const counted = machine();
  const spentBy = (script: string): number => {
    const before = counted.spent;
    run(counted, script);
    return counted.spent - before;
  };
  const once = spentBy("return string.find(string.rep('a', 200), '.-b')");
  const twice = spentBy("return string.find(string.rep('a', 400), '.-b')");
  assert.ok(once > 100, `${once} times`);
  assert.ok(twice / once > 3.5 && twice / once < 4.5, `${once}, ${twice}`);
});

test("memory ends at its bound, and the machine goes on", () => {
  const counted = machine();
  assert.equal(run(counted, "local s = 'x' while true do s = s .. s end"), "not enough memory");
  assert.ok(counted.lua.memoryBytes <= limits.luaMemoryBytesMax);
  assert.equal(run(counted, "return 1 + 1"), "2");
});

test("another file is not patched", () => {
  const file = readLua();
  assert.ok(WebAssembly.validate(patchLua(file)));
  // The one place in luaV_settable that is replaced: a store of 0 to a table's flags.
  const changed = Buffer.from(file);
  for (
    let at = changed.indexOf("41003a0006", 0, "hex");
    at >= 0;
    at = changed.indexOf("41003a0006", at + 1, "hex")
  )
    changed[at + 4] = 7;
  assert.throws(() => patchLua(changed), /not as expected/);
});

test("numbers as C prints and casts them", () => {
  for (const [value, precision, wanted] of [
    [123456789012345, 14, "1.2345678901234e+14"],
    [123456789012355, 14, "1.2345678901236e+14"],
    [10137607577015.2, 14, "10137607577015"],
    [0.1, 14, "0.1"],
    [1 / 3, 3, "0.333"],
    [1e-5, 14, "1e-05"],
    [0.0001, 14, "0.0001"],
    [-0, 14, "-0"],
    [100, 14, "100"],
    [-2.5, 1, "-2"],
  ] as const)
    assert.equal(generalText(value, precision), wanted);
  assert.deepEqual([0.1, 5, 2 ** 53, 1e17, -0].map(argumentText), [
    "0.10000000000000001",
    "5",
    "9007199254740992",
    "1e+17",
    "-0",
  ]);
  assert.deepEqual([3.9, -3.9, NaN, 2 ** 63, 2 ** 62].map(truncated), [
    3,
    -3,
    -(2n ** 63n),
    -(2n ** 63n),
    2n ** 62n,
  ]);
});
