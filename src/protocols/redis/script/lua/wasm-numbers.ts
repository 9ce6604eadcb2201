/**
 * Makes Lua's C functions take numbers as where C's `long` and `ptrdiff_t` have 64 bits, as redis is built. In WebAssembly they
 * have 32, and what lies beyond would be the least of those: `string.format("%d", 1764485000123)` said "-2147483648".
 *
 * How C turns a double into an integer on x86-64, and where that happens in Lua 5.1:
 *
 * - `lua_tointeger`, and by it luaL_checkinteger, luaL_optinteger and their `(int)` forms: the whole part as 64 bits, or, of what
 *   does not fit and of a NaN, -2^63. Most callers keep the lower 32 bits in an `int`: unpack, select, tonumber's base, error,
 *   collectgarbage, table.concat/insert/remove, string.rep/char/gsub, math.ldexp, and our cjson and cmsgpack. So it returns those.
 * - string.sub, byte, find and match keep 64 bits (`ptrdiff_t`) and compare them with a length, which has less than 31: to them
 *   the nearest 32-bit number means the same.
 * - string.format's d, i (`long`) and o, u, x, X (`unsigned long`): 64 bits, printed as `intmax_t`.
 * - tonumber with a base: `strtoul` of 64 bits.
 *
 * A double as an `int` without a `long` between (format's c, keys of tables) is as in C already. Invariant: numbers that fit into
 * 32 bits take the same way as before.
 */
import {
  doubleBytes,
  op,
  replaced,
  signed,
  step,
  unsigned,
  valueType,
  type FunctionType,
  type WasmModule,
} from "./wasm-module.ts";

const functions = {
  toInteger: 48,
  type: 38,
  checkNumber: 109,
  checkInteger: 111,
  optionalInteger: 112,
  byte: 391,
  find: 396,
  sub: 409,
  format: 397,
  toNumber: 160,
  parseUnsigned: 517,
} as const;
const { i32, i64, double } = valueType;
const two31 = 2 ** 31;
const two32 = 2 ** 32;
const two63 = 2 ** 63;
const least32 = -(2 ** 31);
const least64 = -(2n ** 63n);
/** Frames of string.format: its locals, where its integers are kept for `sprintf`, and the letters of sizes in a format. */
const numberLocal = 12;
const argumentLocal = 4;
const signedOffset = 32;
const unsignedOffset = 48;
const sizeLetter = { long: "l".charCodeAt(0), intmax: "j".charCodeAt(0) } as const;

export function widenNumbers(module: WasmModule): void {
  widenIntegers(module);
  widenPositions(module);
  widenFormat(module);
  widenToNumber(module);
}

const call = (index: number): number[] => [op.call, ...unsigned(index)];
const local = (index: number): number[] => [op.getLocal, index];
const constant = (value: number): number[] => [op.constDouble, ...doubleBytes(value)];

/** `(f64) -> whether it fits into 64 bits`, as the condition of an `if`. */
const fits = [...local(0), op.absDouble, ...constant(two63), op.lessDouble];

/** lua_tointeger: what does not fit into 32 bits are the lower bits of a 64-bit number. */
function widenIntegers(module: WasmModule): void {
  const lowBits = module.append({ takes: [double], returns: [i32] }, [
    ...fits,
    ...step(op.if, i32, ...local(0), op.truncate64, op.wrap),
    // The lower bits of -2^63.
    ...step(op.else, op.const32, 0, op.end),
  ]);
  const numberOfToInteger = 3;
  module.replace(
    functions.toInteger,
    [op.const32, ...signed(least32)],
    [...local(numberOfToInteger), ...call(lowBits)],
  );
}

/** string.sub, byte, find and match: positions that are beyond 32 bits are as far away as these reach. */
function widenPositions(module: WasmModule): void {
  const nearest = module.append({ takes: [double], returns: [i32] }, [
    ...fits,
    ...step(op.if, i32, ...local(0), op.saturating, 2),
    ...step(op.else, op.const32, ...signed(least32), op.end),
  ]);
  const checkPosition = module.append({ takes: [i32, i32], returns: [i32] }, [
    ...step(...local(0), ...local(1), ...call(functions.checkNumber), ...call(nearest)),
  ]);
  // luaL_opt(L, luaL_checknumber, index, otherwise)
  const optionalPosition = module.append({ takes: [i32, i32, i32], returns: [i32] }, [
    ...step(...local(0), ...local(1), ...call(functions.type), op.const32, 0, op.greater),
    ...step(op.if, i32, ...local(0), ...local(1), ...call(checkPosition)),
    ...step(op.else, ...local(2), op.end),
  ]);
  const check = call(functions.checkInteger);
  const optional = call(functions.optionalInteger);
  module.replace(functions.sub, check, call(checkPosition));
  module.replace(functions.sub, optional, call(optionalPosition));
  module.replace(functions.byte, optional, call(optionalPosition), 2);
  module.replace(functions.find, optional, call(optionalPosition));
}

function widenFormat(module: WasmModule): void {
  const conversion: FunctionType = { takes: [double], returns: [i64] };
  const long = module.append(conversion, [
    ...step(...fits, op.if, i64, ...local(0), op.truncate64),
    ...step(op.else, op.const64, ...signed(least64), op.end),
  ]);
  // As gcc does it: what is too large for a signed number is converted less 2^63, which is added again as a bit.
  const unsignedLong = module.append(conversion, [
    ...step(...local(0), ...constant(two63), op.greaterOrEqualDouble, op.if, i64),
    ...step(...local(0), ...constant(two63), op.subtractDouble, ...call(long)),
    ...step(op.const64, ...signed(least64), op.xor64),
    ...step(op.else, ...local(0), ...call(long), op.end),
  ]);
  const argument = [...local(0), ...local(argumentLocal), ...call(functions.checkNumber)];
  const kept = [op.teeLocal, numberLocal];
  const number = local(numberLocal);
  module.replace(
    functions.format,
    [
      ...step(0x02, i32, ...argument, ...kept, op.absDouble, ...constant(two31), op.lessDouble),
      ...step(op.if, valueType.none, ...number, op.truncate32, 0x0c, 1, op.end),
      ...step(op.const32, ...signed(least32), op.end, op.store32, 2, signedOffset),
    ],
    [...argument, ...call(long), op.store64, 3, signedOffset],
  );
  module.replace(
    functions.format,
    [
      ...step(0x02, i32, ...argument, ...kept, ...constant(two32), op.lessDouble),
      ...step(...number, ...constant(0), op.greaterOrEqualDouble, op.and),
      ...step(op.if, valueType.none, ...number, op.truncateUnsigned32, 0x0c, 1, op.end),
      ...step(op.const32, 0, op.end, op.store32, 2, unsignedOffset),
    ],
    [...argument, ...call(unsignedLong), op.store64, 3, unsignedOffset],
  );
  // The letter is written as two bytes, with the end of the text behind it.
  const store16 = [0x3b, 0, 0];
  module.replace(
    functions.format,
    [op.const32, ...signed(sizeLetter.long), ...store16],
    [op.const32, ...signed(sizeLetter.intmax), ...store16],
    2,
  );
}

/** A copy of `strtoul` whose bound is 64 bits. */
function widenToNumber(module: WasmModule): void {
  const bound = [op.const64, ...signed(two32 - 1)];
  const times = 4;
  const copy = replaced(module.body(functions.parseUnsigned), bound, [op.const64, ...signed(-1)], times);
  const result = 11;
  const parse = module.appendBody(
    { takes: [i32, i32, i32], returns: [i64] },
    replaced(copy, [...local(result), op.wrap, op.end], [...local(result), op.end]),
  );
  const asInteger = 4;
  const asDouble = 6;
  module.replace(
    functions.toNumber,
    [...call(functions.parseUnsigned), op.setLocal, asInteger],
    [...call(parse), op.toDoubleUnsigned64, op.setLocal, asDouble],
  );
  module.replace(functions.toNumber, [...local(asInteger), op.toDoubleUnsigned32], local(asDouble));
}
