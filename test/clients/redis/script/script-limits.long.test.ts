/**
 * What a script may cost: time, with BUSY and SCRIPT KILL; memory; C functions that no hook reaches. After each of them the broker
 * serves, and runs scripts as before.
 */
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { after, before, beforeEach, test } from "node:test";
import { startTestBroker, type TestBroker } from "../../../support/broker.ts";
import { RawRedis } from "../../../support/raw-redis.ts";
import { until } from "../../../support/wait.ts";

const limitMs = 60;
const busy = "-BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE.\r\n";
const busyFunction = busy.replace("SCRIPT KILL", "FUNCTION KILL");
const endless = "while true do end";

let broker: TestBroker;
let runner: RawRedis;
let other: RawRedis;

before(async () => {
  broker = await startTestBroker();
  runner = await RawRedis.open(broker.ports.redis);
  other = await RawRedis.open(broker.ports.redis);
  assert.equal(await other.call("config", "set", "busy-reply-threshold", limitMs), "+OK\r\n");
  assert.equal(
    await other.call("config", "get", "lua-time-limit"),
    `*2\r\n$14\r\nlua-time-limit\r\n$2\r\n${limitMs}\r\n`,
  );
});

after(async () => {
  await runner.close();
  await other.close();
  await broker.stop();
});

beforeEach(async () => {
  assert.equal(await other.call("flushall"), "+OK\r\n");
});

/** Others are served, and scripts run. */
async function assertServes(): Promise<void> {
  assert.equal(await other.call("set", "k", "v"), "+OK\r\n");
  assert.equal(await other.call("eval", "return redis.call('get', KEYS[1])", 1, "k"), "$1\r\nv\r\n");
}

/** Of a test that is about other limits: on a busy machine all takes long. */
async function withoutTimeLimit(work: () => Promise<void>): Promise<void> {
  assert.equal(await other.call("config", "set", "busy-reply-threshold", 0), "+OK\r\n");
  try {
    await work();
  } finally {
    assert.equal(await other.call("config", "set", "busy-reply-threshold", limitMs), "+OK\r\n");
  }
}

test("a result that holds itself, or is too deep, is an error", () =>
  withoutTimeLimit(async () => {
    const tooDeep = "-ERR reached lua stack limit\r\n";
    assert.equal(await runner.call("eval", "local t = {} t[1] = t return t", 0), tooDeep);
    assert.equal(await runner.call("eval", "local t = {map = {}} t.map.a = t return t", 0), tooDeep);
    const nested = "local t = 'x' for i = 1, tonumber(ARGV[1]) do t = {t} end return t";
    assert.equal(await runner.call("eval", nested, 0, 100_000), tooDeep);
    assert.equal(await runner.call("eval", nested, 0, 400), `${"*1\r\n".repeat(400)}$1\r\nx\r\n`);
    await assertServes();
  }));

test("a result that is written without end is cut off", async () => {
  const doubled = "local t = 'x' for i = 1, 60 do t = {t, t} end return t";
  assert.match(
    await runner.call("eval", doubled, 0),
    /^-ERR Script [\da-f]{40} was ended: it ran 2 times longer/,
  );
  await assertServes();
});

test("C functions that loop without Lua code are cut off", async () => {
  for (const script of ["local t = {} table.insert(t, -2^31, 'x')", "return string.rep('', 2^31 - 1)"])
    assert.match(
      await runner.call("eval", script, 0),
      /^-ERR Script [\da-f]{40} was ended: it ran 2 times longer/,
    );
  await assertServes();
});

/** Memory of a process; 0 where the system does not tell. */
function residentBytes(pid: number): number {
  if (!existsSync(`/proc/${pid}/status`)) return 0;
  return 1024 * Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "latin1"))?.[1]);
}

test("machines of large scripts are freed, though the scripts stay cached", () =>
  withoutTimeLimit(async () => {
    const script =
      "local s = string.rep('x', 1e6) local t = {} for i = 1, 100 do t[i] = s .. i end return #t";
    // Unfreed they would have 2 GB.
    const megabytesMax = 450;
    for (let i = 0; i < 20; i++) {
      assert.equal(await runner.call("eval", `${script} -- ${i}`, 0), ":100\r\n");
      const bytes = residentBytes(broker.pid);
      assert.ok(bytes < megabytesMax << 20, `${bytes} bytes after ${i + 1} scripts`);
    }
    await assertServes();
  }));

test("a script that takes long: others are told BUSY, and may kill it", async () => {
  const running = runner.call("eval", endless, 0);
  await until(async () => (await other.call("get", "k")) === busy, "BUSY");
  assert.equal(await other.call("eval", "return 1", 0), busy);
  assert.equal(await other.call("multi"), "+OK\r\n");
  assert.equal(await other.call("get", "k"), busy);
  assert.equal(await other.call("exec"), `-EXECABORT Transaction discarded because of: ${busy.slice(1)}`);
  assert.equal(await other.call("discard"), "-ERR DISCARD without MULTI\r\n");
  assert.equal(await other.call("function", "stats"), busy);
  assert.equal(await other.call("function", "kill"), busy);
  assert.equal(await other.call("script", "kill"), "+OK\r\n");
  assert.match(
    await running,
    /^-ERR Script killed by user with SCRIPT KILL\.\.\. script: [\da-f]{40}, on @user_script:1\.\r\n$/,
  );
  assert.equal(await other.call("script", "kill"), "-NOTBUSY No scripts in execution right now.\r\n");
  await assertServes();
});

test("a loop of short calls under a limit that is over before it is looked at is stopped, not ended", async () => {
  assert.equal(await other.call("config", "set", "lua-time-limit", 1), "+OK\r\n");
  const running = runner.call("eval", "while 1 do redis.call('ping') end", 0);
  await until(async () => (await other.call("get", "k")) === busy, "BUSY");
  assert.equal(await other.call("script", "kill"), "+OK\r\n");
  assert.match(await running, /^-ERR Script killed by user/);
  assert.equal(await other.call("config", "set", "lua-time-limit", limitMs), "+OK\r\n");
  await assertServes();
});

test("a function that takes long", async () => {
  const code = "#!lua name=lib\nredis.register_function('f', function() while true do end end)";
  assert.equal(await other.call("function", "load", code), "$3\r\nlib\r\n");
  const running = runner.call("fcall", "f", 1, "key", "value");
  await until(async () => (await other.call("get", "k")) === busyFunction, "BUSY");
  const stats = await other.call("function", "stats");
  assert.match(stats, /name\r\n\$1\r\nf\r\n\$7\r\ncommand\r\n\*5\r\n\$5\r\nfcall\r\n\$1\r\nf\r\n/);
  assert.equal(await other.call("script", "kill"), busyFunction);
  assert.equal(await other.call("function", "kill"), "+OK\r\n");
  assert.match(await running, /^-ERR Script killed by user with /);
  assert.equal(await other.call("function", "delete", "lib"), "+OK\r\n");
  await assertServes();
});

test("a script that takes long and ends by itself is answered, and what it writes then is there", async () => {
  const script = `local ends = ARGV[1] local n = 0
    while n < 3e7 do n = n + 1 end
    redis.call('set', KEYS[1], n) return redis.call('get', KEYS[1])`;
  const running = runner.call("eval", script, 1, "n", "x");
  const behind = runner.call("get", "n");
  assert.equal(await running, "$8\r\n30000000\r\n");
  assert.equal(await behind, "$8\r\n30000000\r\n");
  await assertServes();
});

const million = "local t = {} for i = 1, 1e6 do t[i] = i end";

test("what cannot be interrupted is ended, and no pcall keeps it", async () => {
  for (const script of [
    "redis.call('set', 'written', 1) while true do end",
    "while true do pcall(function() while true do end end) end",
    "redis.call('set', 'written', 1) while true do pcall(function() error('x') end) end",
    "redis.call('set', 'written', 1) local c = coroutine.wrap(function() while true do coroutine.yield() end end) while true do c() end",
    "while true do coroutine.resume(coroutine.create(function() while true do end end)) end",
    "return string.find(string.rep('a', 200000), '.-b')",
    "return string.gsub(string.rep('a', 200000), '.-.-b', '')",
    "return (string.rep('a', 4e6)):find(string.rep('a', 2e6) .. 'b', 1, true)",
    "return table.sort({3, 2, 1}, function() while true do end end)",
    "return load(function() return 'x' end)",
    // Each call takes long, and few instructions are run between them.
    `${million} while true do cjson.encode(t) end`,
    `${million} while true do cmsgpack.pack(t) end`,
    `${million} while true do table.maxn(t) end`,
    `${million} while true do collectgarbage() end`,
    `${million} for i = 1, 1e6 - 1 do t[i] = nil end while true do next(t) end`,
  ]) {
    // A script that has written, so that it is ended and not suspended.
    assert.match(
      await runner.call("eval", `redis.call('set', 'written', 1) ${script}`, 0),
      /^-ERR Script [\da-f]{40} was ended: /,
      script,
    );
    await assertServes();
  }
  assert.equal(await other.call("get", "written"), "$1\r\n1\r\n");
  // Within EXEC nothing may come in between.
  for (const words of [["multi"], ["eval", endless, 0], ["get", "k"]]) await runner.call(...words);
  assert.match(await runner.call("exec"), /^\*2\r\n-ERR Script [\da-f]{40} was ended: .*\$1\r\nv\r\n$/s);
  const slow = "#!lua name=slow\nwhile true do end";
  assert.equal(
    await runner.call("function", "load", slow),
    "-ERR Error registering functions: ERR FUNCTION LOAD timeout\r\n",
  );
  await assertServes();
});

test("the script of a client that has gone runs on until it is killed, as in redis", async () => {
  const leaver = await RawRedis.open(broker.ports.redis);
  const running = leaver.call("eval", endless, 0);
  await until(async () => (await other.call("get", "k")) === busy, "BUSY");
  await leaver.close();
  assert.equal(await running, "closed");
  assert.equal(await other.call("get", "k"), busy);
  assert.equal(await other.call("script", "kill"), "+OK\r\n");
  await until(async () => (await other.call("get", "k")) !== busy, "the end of the script");
  await assertServes();
});

test("memory and depth", async () => {
  assert.equal(await other.call("config", "set", "lua-time-limit", 5000), "+OK\r\n");
  for (const [script, wanted] of [
    ["local s = 'x' while true do s = s .. s end", /not enough memory/],
    ["return pcall(function() local s = 'x' while true do s = s .. s end end)", /.*/],
    [
      "local s = 'x' for i = 1, 20 do s = s .. s end local t = {} for i = 1, 300 do t[i] = s end return cjson.encode(t)",
      /not enough memory/,
    ],
    [
      "local s = 'x' for i = 1, 20 do s = s .. s end local t = {} for i = 1, 300 do t[i] = s end return cmsgpack.pack(t)",
      /not enough memory/,
    ],
    ["local function f() return 1 + f() end return f()", /stack overflow/],
    ["return string.find(string.rep('a', 300000), string.rep('a?', 300000))", /stack overflow|too complex/],
    ["local t = {} for i = 1, 1e5 do t = {t} end return t", /^/],
    ["local s = string.rep('[', 1e5) return cjson.decode(s)", /too many nested/],
    ["local s = string.rep('\\145', 1e5) return cmsgpack.unpack(s)", /stack overflow|too many/],
    ["return loadstring('return ' .. string.rep('(', 1e5) .. '1' .. string.rep(')', 1e5))", /^/],
    ["return unpack({}, 1, 1e7)", /too many results/],
    ["return redis.call('set', 'k', unpack({}, 1, 7000))", /^-ERR/],
  ] as const) {
    assert.match(await runner.call("eval", script, 0), wanted, script);
    await assertServes();
  }
  assert.equal(await other.call("config", "set", "lua-time-limit", limitMs), "+OK\r\n");
});
