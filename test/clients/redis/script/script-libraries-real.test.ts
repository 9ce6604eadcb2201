/**
 * cjson, cmsgpack, struct and bit in the real redis-server and in ours: each function with its options and errors, then random
 * values, of which both must make the same bytes, and read the same back. Skipped, and said so, where there is no redis-server 7.0.
 */
import { after, before, test } from "node:test";
import fc from "fast-check";
import type { Word } from "../../../support/raw-redis.ts";
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

/** Shows any value as text, tables by their fields in order. */
const show = `local function show(v)
  if v ~= v then return 'nan' end
  if type(v) == 'number' then return string.format('%.17g', v) end
  if type(v) == 'userdata' then return 'null' end
  if type(v) ~= 'table' then return type(v) .. ':' .. tostring(v) end
  local r = {} for k, x in pairs(v) do r[#r + 1] = show(k) .. '=' .. show(x) end
  table.sort(r) return '{' .. table.concat(r, ',') .. '}' end
`.replace("local function show", "local show\nfunction show");
const showAll = `${show} local function all(...) local r = {} for i = 1, select('#', ...) do r[i] = show((select(i, ...))) end return r end\n`;
const hex =
  "local function hex(s) return (s:gsub('.', function(c) return string.format('%02x', c:byte()) end)) end\n";
const prelude = `${showAll.replace("function show(v)", "show = function(v)")}${hex}`;

test("cjson.encode", options, async () => {
  await both.sameScripts(
    [
      "{}",
      "{1, 2, 3}",
      "{1, nil, 3}",
      "{[1] = 1, [5] = 5}",
      "{[1] = 1, [30] = 5}",
      "{[0] = 1}",
      "{[-1] = 1}",
      "{[1.5] = 1}",
      "{[1e15] = 1, a = 2}",
      "{[2^31 - 1] = 1}",
      "{[2^31] = 1}",
      "{[2^40] = 1}",
      "{[1/0] = 1}",
      "{[1] = 1, [2^31] = 2}",
      "{[1] = 1, [2] = 2, [3] = 3, [2^33] = 4, [2^34] = 5}",
      "{[2^31] = 1, [2^32] = 2}",
      "{a = 1}",
      "{[1] = 1, a = 2}",
      "'text'",
      "''",
      "'\\0\\1\\31\\127\\128\\255'",
      "'quote\" slash/ back\\\\ \\b\\f\\n\\r\\t'",
      "1",
      "-0",
      "0.1",
      "1/3",
      "1e14",
      "123456789012345",
      "1e15",
      "1e100",
      "1.5e-7",
      "0.0001",
      "0.00001",
      "100000000000000",
      "99999999999999.5",
      "1/0",
      "-1/0",
      "0/0",
      "true",
      "false",
      "nil",
      "cjson.null",
      "print",
      "pcall",
      "{pcall}",
      "{[true] = 1}",
      "{{}, {{}}, {a = {}}}",
      "coroutine.create(function() end)",
      "setmetatable({}, {__index = {1, 2}})",
    ].map((value) => `return cjson.encode(${value})`),
  );
  await both.sameScripts([
    "return cjson.encode()",
    "return cjson.encode(1, 2)",
    "local t = {} t[1] = t return cjson.encode(t)",
    "local t = {} local u = t for i = 1, 999 do u[1] = {} u = u[1] end return #cjson.encode(t)",
    "local t = {} local u = t for i = 1, 1000 do u[1] = {} u = u[1] end return #cjson.encode(t)",
    "local c = cjson.new() return {tostring(c == cjson), c.encode({1}), c._VERSION, tostring(c.null == cjson.null)}",
    "local c = cjson.new() c.encode_invalid_numbers('null') return c.encode({1/0, 0/0})",
    "local c = cjson.new() c.encode_invalid_numbers(true) return c.encode({1/0, -1/0, 5})",
    "local c = cjson.new() c.encode_number_precision(3) return c.encode({1/3, 12345, 0.5})",
    "local c = cjson.new() c.encode_number_precision(15)",
    "local c = cjson.new() c.encode_number_precision(0)",
    "local c = cjson.new() c.encode_sparse_array(true) return c.encode({[1] = 1, [100] = 2})",
    "local c = cjson.new() return {c.encode_sparse_array(true, 3, 20)}",
    "local c = cjson.new() return {c.encode_sparse_array()}",
    "local c = cjson.new() c.encode_sparse_array(1)",
    "local c = cjson.new() c.encode_sparse_array('nope')",
    "local c = cjson.new() c.encode_sparse_array(true, -1)",
    "local c = cjson.new() c.encode_sparse_array(true, 1, 2, 3)",
    "local c = cjson.new() c.encode_max_depth(2) return c.encode({{1}})",
    "local c = cjson.new() c.encode_max_depth(2) return c.encode({{{1}}})",
    "local c = cjson.new() return {c.encode_max_depth(), c.decode_max_depth(), c.encode_number_precision(), tostring(c.encode_keep_buffer()), tostring(c.encode_invalid_numbers()), tostring(c.decode_invalid_numbers())}",
    "local c = cjson.new() return {tostring(c.encode_keep_buffer(false)), tostring(c.encode_invalid_numbers('null')), tostring(c.decode_invalid_numbers('off'))}",
    "local c = cjson.new() c.decode_max_depth(2) return c.decode('[[[1]]]')",
    "local c = cjson.new() c.decode_invalid_numbers(false) return c.decode('[0x10]')",
    "local c = cjson.new() c.decode_invalid_numbers(false) return c.decode('[nan]')",
    "local c = cjson.new() c.decode_invalid_numbers(false) return c.decode('[01]')",
    "local c = cjson.new() c.decode_invalid_numbers(false) return c.decode('[-5, 1.5e3]')",
  ]);
});

const texts = [
  "",
  " ",
  "1",
  "-1",
  "1.5",
  "1e5",
  "1E+5",
  "-1.5e-3",
  "01",
  "0x1F",
  "0x",
  "0x1.8p3",
  "+1",
  ".5",
  "-.5",
  "5.",
  "1e",
  "-",
  "--1",
  "inf",
  "-inf",
  "Infinity",
  "nan",
  "NaN",
  "nan(1)",
  "i",
  "n",
  "1e400",
  "1e-400",
  "123456789012345678901234567890",
  "true",
  "false",
  "null",
  "True",
  "tru",
  "truex",
  "nul",
  "t",
  "undefined",
  "x",
  "'a'",
  '""',
  '"a"',
  '"a',
  '"a\\',
  '"\\n\\t\\b\\f\\r\\/\\\\\\""',
  '"\\x"',
  '"\\u0041"',
  '"\\u00e9\\u20ac"',
  '"\\ud83d\\ude00"',
  '"\\ud83d"',
  '"\\ude00"',
  '"\\ud83d\\u0041"',
  '"\\u12"',
  '"\\uzzzz"',
  '"\\u0000"',
  '""',
  '"ÿ"',
  '"a\0b"',
  "1\0garbage",
  "[]",
  "[1]",
  "[1,2]",
  "[1,]",
  "[,1]",
  "[1 2]",
  "[",
  "]",
  "[[]]",
  "[1,[2,{}]]",
  "[null]",
  "[null,1]",
  "[true",
  "[1,",
  "{}",
  '{"a":1}',
  '{"a":1,"b":[2]}',
  '{"a":1,}',
  '{"a"}',
  '{"a":}',
  "{a:1}",
  "{1:1}",
  '{"a":1 "b":2}',
  "{",
  "}",
  '{"a":null}',
  '{"a":1,"a":2}',
  '{"1":2}',
  " 	\r\n[ 1 , 2 ] ",
  "[1] x",
  "[1][2]",
  "{}{}",
  "\x001",
  "1\0",
  "[\0",
];

test("cjson.decode", options, async () => {
  await both.sameCommands(
    texts.map((text): Word[] => ["eval", `${prelude}return show(cjson.decode(ARGV[1]))`, 0, text]),
  );
  await both.sameScripts([
    "return cjson.decode()",
    "return cjson.decode('1', 2)",
    "return cjson.decode({})",
    "return cjson.decode(5)",
    "return cjson.decode(string.rep('[', 1000) .. string.rep(']', 1000)) and 1",
    "return cjson.decode(string.rep('[', 1001) .. string.rep(']', 1001)) and 1",
    "return cjson.decode('null') == cjson.null",
    "return cjson.decode('[1,2,3]')",
    'return cjson.decode(\'{"ok":"yes"}\')',
    "return select(2, pcall(cjson.decode, '{'))",
  ]);
});

test("cmsgpack", options, async () => {
  const values = [
    "nil",
    "true",
    "false",
    "0",
    "1",
    "127",
    "128",
    "255",
    "256",
    "65535",
    "65536",
    "2^32-1",
    "2^32",
    "2^53",
    "2^62",
    "2^63",
    "2^64",
    "1e300",
    "-1",
    "-32",
    "-33",
    "-128",
    "-129",
    "-32768",
    "-32769",
    "-2^31",
    "-2^31-1",
    "-2^53",
    "-2^63",
    "-2^64",
    "0.5",
    "0.1",
    "-0.1",
    "1e-300",
    "1/0",
    "-1/0",
    "3.5e38",
    "-0",
    "''",
    "'a'",
    "string.rep('x', 31)",
    "string.rep('x', 32)",
    "string.rep('x', 255)",
    "string.rep('x', 256)",
    "string.rep('x', 65535)",
    "string.rep('x', 65536)",
    "'\\0\\255'",
    "{}",
    "{1}",
    "{1, 2, 3}",
    "{1, nil, 3}",
    "{[1] = 1, [3] = 3}",
    "{[0] = 1}",
    "{[1.5] = 1}",
    "{a = 1}",
    "{[true] = 2}",
    "{{}, {{}}}",
    "pcall",
    "{pcall}",
    "coroutine.create(pcall)",
    "(function() local t = {} for i = 1, 20 do t[i] = i end return t end)()",
    "(function() local t = {} for i = 1, 16 do t['k' .. i] = nil end return t end)()",
    "(function() local t = {} local u = t for i = 1, 20 do u[1] = {} u = u[1] end return t end)()",
    "(function() local t = {} t[1] = t return t end)()",
    "setmetatable({}, {__index = function() return 1 end})",
  ];
  await both.sameScripts(values.map((value) => `${prelude}return hex(cmsgpack.pack(${value}))`));
  await both.sameScripts(
    values.map((value) => `${prelude}return show(cmsgpack.unpack(cmsgpack.pack(${value})))`),
  );
  await both.sameScripts(
    [
      "return cmsgpack.pack()",
      "return hex(cmsgpack.pack(1, 'a', {2}))",
      "return all(cmsgpack.unpack(cmsgpack.pack(1, 'a', {2})))",
      "return all(cmsgpack.unpack_one(cmsgpack.pack(1, 'a', {2})))",
      "return all(cmsgpack.unpack_one(cmsgpack.pack(1, 'a', {2}), 1))",
      "return all(cmsgpack.unpack_one(cmsgpack.pack(1, 'a', {2}), 3))",
      "return all(cmsgpack.unpack_one(cmsgpack.pack(1), 1))",
      "return all(cmsgpack.unpack_one(cmsgpack.pack(1), 2))",
      "return all(cmsgpack.unpack_one(cmsgpack.pack(1), -1))",
      "return all(cmsgpack.unpack_limit(cmsgpack.pack(1, 2, 3), 2))",
      "return all(cmsgpack.unpack_limit(cmsgpack.pack(1, 2, 3), 2, 1))",
      "return all(cmsgpack.unpack_limit(cmsgpack.pack(1, 2, 3), 5))",
      "return all(cmsgpack.unpack_limit(cmsgpack.pack(1, 2, 3), 0))",
      "return all(cmsgpack.unpack_limit(cmsgpack.pack(1, 2, 3), 0, 1))",
      "return all(cmsgpack.unpack_limit(cmsgpack.pack(1, 2, 3), -1))",
      "return all(cmsgpack.unpack_limit('x'))",
      "return all(cmsgpack.unpack(''))",
      "return all(cmsgpack.unpack())",
      "return all(cmsgpack.unpack({}))",
      "return all(cmsgpack.unpack(12))",
    ].map((script) => `${prelude}${script}`),
  );
  const bytes = Array.from({ length: 256 }, (_, byte): Word[] => [
    "eval",
    `${prelude}return all(cmsgpack.unpack(ARGV[1]))`,
    0,
    Buffer.concat([Buffer.from([byte]), Buffer.from([0, 0, 0, 2, 1, 2, 3, 4, 5, 6])]),
  ]);
  await both.sameCommands(bytes.filter((words) => ![0xdd, 0xdf].includes((words[3] as Buffer)[0]!)));
});

test("struct", options, async () => {
  const packed = [
    "'b', 1",
    "'b', -1",
    "'B', 255",
    "'B', 256",
    "'h', -2",
    "'>h', -2",
    "'H', 65535",
    "'l', 2^53",
    "'l', -2^53",
    "'>l', 5",
    "'L', 2^63",
    "'L', 2^64",
    "'T', 7",
    "'i', 5",
    "'>i3', 5",
    "'i16', -5",
    "'I1', 300",
    "'i33', 1",
    "'i0', 1",
    "'i99999999999', 1",
    "'f', 0.1",
    "'>f', 0.1",
    "'d', 0.1",
    "'>d', 0.1",
    "'x'",
    "'bxb', 1, 2",
    "'c3', 'abcdef'",
    "'c3', 'ab'",
    "'c0', 'abc'",
    "'c', 'abc'",
    "'s', 'abc'",
    "'s', ''",
    "'!b', 1",
    "'!4bi', 1, 2",
    "'!bd', 1, 2",
    "'!3b', 1",
    "'!2 b h', 1, 2",
    "'z', 1",
    "'b'",
    "'b', 'x'",
    "'c3', {}",
    "'>', 1",
    "' '",
    "''",
    "'Bc0', 3, 'abc'",
    "'h', 1.9",
    "'h', -1.9",
    "'b', '12'",
    "{}",
    "5",
  ];
  await both.sameScripts(packed.map((given) => `${prelude}return hex(struct.pack(${given}))`));
  await both.sameScripts(
    [
      "b",
      ">h",
      "<i",
      "!4bi",
      "c5",
      "c",
      "x",
      "s",
      "c0",
      "f",
      "d",
      "bhlT",
      "!bhlT",
      "z",
      ">",
      "i7",
      "!3b",
      "",
    ].map((format) => `${prelude}return struct.size('${format}')`),
  );
  const data =
    "'\\1\\2\\3\\4\\5\\6\\7\\8\\9abc\\0def\\255\\255\\255\\255\\255\\255\\255\\255\\255\\255\\255\\255\\255\\255\\255\\255'";
  const formats = [
    "b",
    "B",
    "h",
    ">h",
    "H",
    "i",
    ">I",
    "l",
    ">L",
    "i3",
    ">i3",
    "I16",
    "f",
    ">d",
    "x",
    "xb",
    "c3",
    "c0",
    "Bc0",
    "c30",
    "s",
    "bs",
    "!4bi",
    "bbbb",
    "z",
    "",
    "c100",
    ">i16",
  ];
  await both.sameScripts(
    formats.flatMap((format) => [
      `${prelude}return all(struct.unpack('${format}', ${data}))`,
      `${prelude}return all(struct.unpack('${format}', ${data}, 10))`,
      `${prelude}return all(struct.unpack('${format}', ${data}, 17))`,
      `${prelude}return all(struct.unpack('${format}', ${data}, 33))`,
    ]),
  );
  await both.sameScripts(
    [
      "struct.unpack('b')",
      "struct.unpack('b', '')",
      "struct.unpack('b', 'a', 0)",
      "struct.unpack('b', 'a', -5)",
      "struct.unpack('', '', 100)",
      "struct.unpack('Bc0', '\\9ab')",
      "struct.unpack('bc0', '\\255ab')",
      "struct.pack()",
      "struct.size()",
      "struct.unpack('s', 'abc')",
      "struct.unpack({}, 'a')",
      "struct.unpack('b', {})",
    ].map((call) => `${prelude}return all(${call})`),
  );
});

test("bit", options, async () => {
  const numbers = [
    "0",
    "1",
    "-1",
    "255",
    "0x7fffffff",
    "0x80000000",
    "0xffffffff",
    "2^32",
    "2^33+1",
    "-2^31",
    "2^51",
    "0.5",
    "1.5",
    "2.5",
    "-0.5",
    "-1.5",
    "123456789.7",
    "1e15",
  ];
  const one =
    "bit.tobit(A), bit.bnot(A), bit.bswap(A), bit.tohex(A), bit.tohex(A, 4), bit.tohex(A, -3), bit.tohex(A, 20)";
  const two =
    "bit.band(A, B), bit.bor(A, B), bit.bxor(A, B), bit.lshift(A, B), bit.rshift(A, B), bit.arshift(A, B), bit.rol(A, B), bit.ror(A, B)";
  const scripts = numbers.map((a) => `return {${one.replaceAll("A", a)}, bit.tohex(${a}, 0)}`);
  for (const a of numbers)
    for (const b of numbers) scripts.push(`return {${two.replaceAll("A", a).replaceAll("B", b)}}`);
  await both.sameScripts(scripts);
  await both.sameScripts([
    "return bit.band()",
    "return bit.band(1)",
    "return bit.band(7, 6, 5)",
    "return bit.bor(1, 2, 4, 8)",
    "return bit.band('7', 5)",
    "return bit.band('x', 5)",
    "return bit.band({}, 5)",
    "return bit.lshift(1)",
    "return bit.tohex()",
    "return bit.tobit(nil)",
  ]);
});

test("random values: both make the same bytes of them, and read the same", options, async () => {
  const runs = thorough ? 2000 : 150;
  const values = fc.sample(fc.jsonValue({ maxDepth: 4 }), { numRuns: runs, seed: 20261130 });
  const jsonTexts = values.map((value) => JSON.stringify(value));
  // In tables with several keys the order is chance: what is read back is compared.
  await both.sameCommands(
    jsonTexts.map((text): Word[] => [
      "eval",
      `${prelude}local v = cjson.decode(ARGV[1]) local j = cjson.decode(cjson.encode(v)) local m = cmsgpack.unpack(cmsgpack.pack(v)) return {show(v), show(j), show(m)}`,
      0,
      Buffer.from(text),
    ]),
  );
  const lists = fc.sample(
    fc.array(fc.oneof(fc.integer(), fc.double(), fc.string(), fc.boolean()), { maxLength: 8 }),
    {
      numRuns: runs,
      seed: 7,
    },
  );
  await both.sameCommands(
    lists.map((list): Word[] => [
      "eval",
      `${prelude}local v = cjson.decode(ARGV[1]) return {cjson.encode(v), hex(cmsgpack.pack(v))}`,
      0,
      Buffer.from(JSON.stringify(list)),
    ]),
  );
  const broken = fc.sample(fc.tuple(fc.constantFrom(...jsonTexts), fc.nat(200), fc.nat(255)), {
    numRuns: runs,
    seed: 8,
  });
  await both.sameCommands(
    broken.map(([text, at, byte]): Word[] => {
      const bytes = Buffer.from(text);
      bytes[at % bytes.length] = byte;
      return ["eval", `${prelude}return show(cjson.decode(ARGV[1]))`, 0, bytes];
    }),
  );
});
