/**
 * Numbers beyond 32 bits, as the real redis-server and we take them in every function of Lua and of redis's libraries that has an
 * integer: C's `long` has 64 bits there, and 32 in WebAssembly (src/protocols/redis/script/lua/wasm-numbers.ts). Skipped, and said so,
 * where there is no redis-server 7.0.
 */
import { after, before, test } from "node:test";
import fc from "fast-check";
import { noRealRedis } from "../../../support/real-redis.ts";
import { ScriptPairs } from "../../../support/script-pairs.ts";
import { thorough } from "../../../support/thorough.ts";

let both: ScriptPairs;
const options = { skip: noRealRedis };

before(async () => {
  if (noRealRedis === false) both = await ScriptPairs.start();
});

after(async () => {
  if (noRealRedis === false) await both.stop();
});

/** A number that Lua code can spell, and its value. */
interface Spelled {
  readonly text: string;
  readonly value: number;
}

const edges = [0, 8, 31, 32, 33, 40, 52, 53, 62, 63, 64, 65, 100];

const power: fc.Arbitrary<Spelled> = fc
  .tuple(fc.constantFrom(...edges), fc.constantFrom(0, 1, -1, 2, 3, 0.5, -0.5, 5, -4096), fc.boolean())
  .map(([exponent, more, isNegative]) => {
    const sign = isNegative ? "-" : "";
    const value = 2 ** exponent + more;
    return { text: `${sign}(2^${exponent} + ${more})`, value: isNegative ? -value : value };
  });
const special: fc.Arbitrary<Spelled> = fc.constantFrom(
  { text: "0/0", value: NaN },
  { text: "1/0", value: Infinity },
  { text: "-1/0", value: -Infinity },
  { text: "-0", value: -0 },
  { text: "1e300", value: 1e300 },
  { text: "1764485000123", value: 1764485000123 },
);
const small: fc.Arbitrary<Spelled> = fc
  .integer({ min: -8, max: 8 })
  .map((value) => ({ text: String(value), value }));
const number = fc.oneof({ weight: 5, arbitrary: power }, special, { weight: 2, arbitrary: small });

/** As C keeps a number in an `int`. */
function lowBits(value: number): number {
  return Math.abs(value) < 2 ** 63 ? value | 0 : 0;
}

/** Calls with numbers in place of `A` and `B`. */
const calls = [
  "string.sub('abcdef', A)",
  "string.sub('abcdef', A, B)",
  "('abcdef'):byte(A)",
  "('abcdef'):byte(A, B)",
  "string.find('abcabc', 'b', A)",
  "string.find('abcabc', 'b', A, true)",
  "string.match('abcabc', '.', A)",
  "string.gsub('aaaa', 'a', 'b', A)",
  "string.char(A)",
  "string.char(65, A)",
  "string.format('%d|%i', A, B)",
  "string.format('%5d|%-25d|%+d', A, B, A)",
  "string.format('%025d|% d|%.20d', A, B, A)",
  "string.format('%u|%x|%X|%o', A, A, B, B)",
  "string.format('%#x|%#o|%016x|%3u', A, A, B, B)",
  "string.format('%c|%5c', A, B)",
  "string.format('%.3f|%e|%g|%s', A, A, B, B)",
  "string.format('%d', tostring(A))",
  "string.format('%d')",
  "tonumber('7', A)",
  "tonumber(A, 16)",
  "tonumber(string.format('%x', A), 16)",
  "tonumber(string.format('-%x', A), 16)",
  "tonumber('zz' .. string.format('%u', A), 36)",
  "tonumber(string.format('%o', A), 8)",
  "select(A, 'a', 'b', 'c')",
  "unpack({1, 2, 3}, A)",
  "unpack({1, 2, 3}, A, B)",
  "table.concat({'a', 'b', 'c'}, '-', A)",
  "table.concat({'a', 'b', 'c'}, '-', A, B)",
  "table.remove({1, 2, 3}, A)",
  "ipairs({1, 2, 3})({4, 5, 6}, A)",
  "math.ldexp(1, A)",
  "math.random(A)",
  "math.random(A, B)",
  "math.fmod(A, B)",
  "math.floor(A), math.ceil(A), math.abs(A), math.modf(A)",
  "math.max(A, B), math.min(A, B)",
  "A % B",
  "math.floor(A / B)",
  "A == B, A < B, A <= B",
  "tostring(A), A .. ''",
  "#tostring(A), -A",
  "({[A] = 1})[B]",
  "rawget({1, 2, 3}, A)",
  "(function() local n = 0 for i = A, A + 3 do n = n + 1 if n > 9 then break end end return n end)()",
  "(function() math.randomseed(A) return math.random() end)()",
  "bit.tobit(A), bit.bnot(A), bit.bswap(A)",
  "bit.band(A, B), bit.bor(A, B), bit.bxor(A, B)",
  "bit.lshift(A, B), bit.rshift(A, B), bit.arshift(A, B), bit.rol(A, B), bit.ror(A, B)",
  "bit.tohex(A), bit.tohex(A, B)",
  "cjson.encode({A})",
  "cjson.new().encode_max_depth(A)",
  "cjson.new().encode_number_precision(A)",
  "cjson.new().encode_sparse_array(true, A, B)",
  "cmsgpack.unpack(cmsgpack.pack(A, B))",
  "cmsgpack.unpack_one('\\1\\2\\3', A)",
  "cmsgpack.unpack_limit('\\1\\2\\3', A, B)",
  "struct.unpack('b', 'abc', A)",
  "struct.unpack('I8i8Li4h', struct.pack('I8i8Li4h', A, B, A, B, A))",
  "struct.unpack('fd', struct.pack('fd', A, B))",
  "struct.pack('Bc0', A, 'abc')",
  "redis.setresp(A)",
  "redis.log(A, 'x')",
  "redis.set_repl(A)",
  "redis.call('echo', A)",
] as const;
/** Of the number, C's `int` may not be so large that a loop or the memory does not end soon. */
const boundedCalls = ["string.rep('ab', A)", "error('x', A)", "pcall(error, 'x', A)"] as const;
const boundMax = 1000;
/** From a place far below 1 on, table.insert moves billions of nils. */
const insertCall =
  "(function() local t = {1, 2, 3} table.insert(t, A, 'x') return t[1], t[2], t[3], t[4], t[A] end)()";

const one: fc.Arbitrary<string> = fc
  .oneof(
    { weight: 9, arbitrary: fc.tuple(fc.constantFrom(...calls), number, number) },
    fc.tuple(
      fc.constant(insertCall),
      number.filter(({ value }) => lowBits(value) >= -boundMax),
      number,
    ),
    fc.tuple(
      fc.constantFrom(...boundedCalls),
      number.filter(({ value }) => lowBits(value) <= boundMax),
      number,
    ),
  )
  .map(([call, a, b]) => call.replaceAll("A", `(${a.text})`).replaceAll("B", `(${b.text})`));

const callsOfScript = 25;

test("numbers of any size in every function that takes one", options, async () => {
  const edge = [
    "2^31",
    "-2^31",
    "2^32",
    "2^53",
    "-2^53",
    "2^63",
    "-2^63",
    "2^64",
    "0/0",
    "1/0",
    "-1/0",
    "-1",
    "1.9",
  ];
  const everyCall = calls.flatMap((call) =>
    edge.map((text) => call.replaceAll("A", `(${text})`).replaceAll("B", "(2^40)")),
  );
  await both.sameCalls(everyCall);
});

test("random numbers around the sizes of C's integers", options, async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(one, { minLength: callsOfScript, maxLength: callsOfScript }), (given) =>
      both.sameCalls(given),
    ),
    { numRuns: 60 * thorough },
  );
});

test("random texts with a base", options, async () => {
  const text = fc.stringMatching(/^ ?[-+]?(0x|0X)?[0-9a-zA-Z]{1,20} ?$/);
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(text, fc.integer({ min: 1, max: 37 })), { minLength: callsOfScript }),
      (given) => both.sameCalls(given.map(([digits, base]) => `tonumber('${digits}', ${base})`)),
    ),
    { numRuns: 20 * thorough },
  );
});

test("a script that writes times in milliseconds into keys", options, async () => {
  const script =
    "local k = string.format('due:%d', ARGV[1]) redis.call('set', k, 1) return redis.call('keys', 'due:*')";
  await both.sameCommands([["flushall"], ["eval", script, 0, "1764485000123"]]);
});
