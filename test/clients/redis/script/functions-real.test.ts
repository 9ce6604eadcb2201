/**
 * FUNCTION and FCALL in the real redis-server and in ours, byte by byte in RESP2 and RESP3: what libraries may do while they are
 * loaded and later, names, flags, payloads in both directions. Skipped, and said so, where there is no redis-server 7.0.
 */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { Word } from "../../../support/raw-redis.ts";
import { noRealRedis } from "../../../support/real-redis.ts";
import { ScriptPairs } from "../../../support/script-pairs.ts";

let both: ScriptPairs;
const options = { skip: noRealRedis };

before(async () => {
  if (noRealRedis === false) both = await ScriptPairs.start();
});

after(async () => {
  if (noRealRedis === false) await both.stop();
});

function library(code: string, name = "lib"): string {
  return `#!lua name=${name}\n${code}`;
}

/** Registers `f`, whose body is given. */
function oneFunction(body: string): string {
  return library(`redis.register_function('f', function(keys, args) ${body} end)`);
}

test("loading: first lines, names, registration", options, async () => {
  const register = "redis.register_function";
  const codes = [
    "",
    "x",
    "return 1",
    "#!lua",
    "#!lua\n",
    "#!lua name=\nreturn 1",
    "#!lua name=a-b\nreturn 1",
    "#!lua name=a name=b\nreturn 1",
    "#!lua nome=a\nreturn 1",

    "#!python name=a\nreturn 1",
    "#!\nreturn 1",
    "#! name=a\n",
    "#!LUA name=up\nreturn 1",
    "#!lua  name=two\nreturn 1",
    "#!lua NAME=big\nreturn 1",

    library(""),
    library("local x = 1"),
    library("this is no lua"),
    library("foo = 1"),
    library("return foo"),
    library("redis.call('get', 'k')"),
    library("pairs({})"),

    library("error('x')"),
    library("error({err = 'X y'})"),
    library("redis.foo()"),
    library("redis.log(1, 'x')"),
    library("redis.log(99, 'x')"),
    library("return redis.REDIS_VERSION.x"),
    ...[
      `${register}()`,
      `${register}('f')`,
      `${register}('f', 1)`,
      `${register}({}, 1)`,
      `${register}(1, function() end)`,
      `${register}('f', function() end, 3)`,
    ].map((code) => library(code)),
    ...[
      `${register}('a b', function() end)`,
      `${register}('', function() end)`,
      `${register}('f', function() end) ${register}('f', function() end)`,
    ].map((code) => library(code)),
    ...[
      "{}",
      "{function_name = 'f'}",
      "{callback = function() end}",
      "{function_name = 'f', callback = 1}",
      "{function_name = {}, callback = function() end}",
      "{1, 2}",
    ].map((given) => library(`${register}${given}`)),
    ...[
      "{function_name = 'f', callback = function() end, x = 1}",
      "{function_name = 'f', callback = function() end, flags = 1}",
      "{function_name = 'f', callback = function() end, flags = {'nope'}}",
      "{function_name = 'f', callback = function() end, flags = {1}}",
      "{function_name = 'f', callback = function() end, description = {}}",
      "{function_name = 'f', callback = function() end, flags = {'no-writes', 'allow-oom', 'allow-stale', 'no-cluster'}, description = 'text'}",
    ].map((given) => library(`${register}${given}`)),
  ];
  const commands: Word[][] = [["function", "flush"]];
  for (const code of codes)
    commands.push(["function", "load", "replace", code], ["function", "list", "withcode"]);
  commands.push(
    ["function", "load", oneFunction("return 1")],
    ["function", "load", "replace", oneFunction("return 2")],
    [
      "function",
      "load",
      "replace",
      library("redis.register_function('f', function() return 3 end)", "other"),
    ],
    ["fcall", "f", 0],
    ["function", "load"],
    ["function", "load", "replace"],
    ["function", "load", "nope", "x"],
    ["function", "load", "replace", "replace", oneFunction("return 4")],
    ["function", "delete", "nope"],
    ["function", "delete", "lib"],
    ["function", "delete", "lib"],
    ["fcall", "f", 0],
    ["function", "flush", "sync"],
    ["function", "flush", "async"],
    ["function", "flush", "nope"],
    ["function", "flush", "sync", "x"],
    ["function", "nope"],
    ["function"],
    ["function", "help"],
    ["function", "kill"],
    ["function", "stats"],
    ["function", "list"],
    ["function", "list", "libraryname"],
    ["function", "list", "libraryname", "l*"],
    ["function", "list", "libraryname", "L*", "withcode"],
    ["function", "list", "withcode", "withcode"],
    ["function", "list", "nope"],
  );
  await both.sameCommands(commands);
});

test("calling: arguments, globals, errors, flags", options, async () => {
  const commands: Word[][] = [["function", "flush"], ["flushall"]];
  const bodies = [
    "return {keys, args}",
    "return {#keys, #args}",
    "return KEYS",
    "return ARGV",
    "return foo",
    "foo = 1",
    "return _G.foo",
    "_G.foo = 1",
    "return type(_G)",
    "return type(pairs)",
    "return redis.call('set', 'k', 'v')",
    "return redis.call('get', 'k')",
    "return redis.call('nope')",
    "return redis.pcall('nope')",
    "error('x')",
    "error({err = 'X y'})",
    "return {err = 'X y'}",
    "return redis.register_function('g', function() end)",
    "return redis.breakpoint()",
    "return redis.replicate_commands()",
    "return redis.debug('x')",
    "redis.setresp(3) return redis.call('hgetall', 'none')",
    "string.format = 1",
    "redis.call = 1",
    "return cjson.encode({1})",
    "return math.floor(1.5)",
    "redis.call('set', 'k', 1) error('after')",
    "return keys.x",
    "keys[1] = 'changed' return keys[1]",
    "return {double = 1.5}",
    "return true",
    "return nil",
    "return {map = {a = 1}}",
    "return loadstring('return 5')()",
    "return loadstring('return foo')()",
    "return pcall(function() error('x') end)",
  ];
  for (const body of bodies)
    commands.push(
      ["function", "load", "replace", oneFunction(body)],
      ["fcall", "f", 1, "a", "b\0", "c"],
      ["fcall_ro", "f", 0],
    );
  const flagged = (flags: string): string =>
    library(
      `redis.register_function{function_name = 'f', callback = function() return redis.call('set', 'k', 'v') end, flags = {${flags}}}`,
    );
  for (const flags of ["", "'no-writes'", "'allow-oom'", "'no-cluster', 'allow-stale'"])
    commands.push(["function", "load", "replace", flagged(flags)], ["fcall", "f", 0], ["fcall_ro", "f", 0]);
  commands.push(
    ["fcall", "nope", 0],
    ["fcall", "f"],
    ["fcall", "f", "x"],
    ["fcall", "f", -1],
    ["fcall", "f", 2, "a"],
    ["fcall", "F", 0],
    ["function", "stats"],
    ["multi"],
    ["fcall", "f", 0],
    ["function", "stats"],
    ["exec"],
  );
  await both.sameCommands(commands);
});

/** Which of two is met first is chance. */
function anyLibrary(reply: string): string {
  return reply.replace(/Library (one|two) /, "Library ");
}

test("payloads go both ways", options, async () => {
  const codes = [
    library("redis.register_function('a', function() return 'A' end)", "one"),
    library(
      `redis.register_function('b', function() return '${"long and repeated ".repeat(200)}' end)`,
      "two",
    ),
  ];
  const [{ us, them }] = both.pairs as [(typeof both.pairs)[number]];
  for (const [from, to] of [
    [us, them],
    [them, us],
  ] as const) {
    for (const side of [from, to]) await side.call("function", "flush");
    for (const code of codes) assert.match(await from.call("function", "load", code), /^\$/);
    const reply = await from.call("function", "dump");
    const payload = Buffer.from(reply.slice(reply.indexOf("\r\n") + 2, -2), "latin1");
    assert.equal(await to.call("function", "restore", payload), "+OK\r\n");
    assert.equal(await to.call("fcall", "a", 0), "$1\r\nA\r\n");
    assert.equal(await to.call("fcall", "b", 0), await from.call("fcall", "b", 0));
    for (const words of [
      ["function", "restore", payload],
      ["function", "restore", payload, "append"],
      ["function", "restore", payload, "replace"],
      ["function", "restore", payload, "flush"],
      ["function", "restore", payload, "nope"],
      ["function", "restore", payload, "flush", "x"],
      ["function", "restore", "x"],
      ["function", "restore", Buffer.concat([payload, Buffer.from("x")])],
      ["function", "restore", Buffer.alloc(10)],
      ["function", "restore"],
    ])
      assert.equal(
        anyLibrary(await to.call(...words)),
        anyLibrary(await from.call(...words)),
        words.map(String).join(" ").slice(0, 80),
      );
  }
});
