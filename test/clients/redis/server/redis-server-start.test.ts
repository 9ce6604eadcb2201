/**
 * What depends on how the broker was started, or acts on connections and the disk: SHUTDOWN, DEBUG, appendfsync, timeout, maxclients,
 * INFO's sections. The texts that redis has too are compared in redis-server-real.test.ts.
 */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { startTestBroker, type TestBroker } from "../../../support/broker.ts";
import { RawRedis } from "../../../support/raw-redis.ts";
import { until } from "../../../support/wait.ts";

let broker: TestBroker;
let client: RawRedis;

before(async () => {
  broker = await startTestBroker({
    args: ["--redis-shutdown", "--redis-debug-command", "local", "--redis-appendfsync", "always"],
  });
  client = await RawRedis.open(broker.ports.redis);
});

after(async () => {
  await client.close();
  await broker.stop();
});

test("appendfsync always: every kind of write is answered", async () => {
  assert.match(await client.call("config", "get", "appendfsync"), /always/);
  const replies = client.pipeline([
    ["set", "k", "v"],
    ["get", "k"],
    ["multi"],
    ["incr", "n"],
    ["xadd", "s", "*", "f", "v"],
    ["exec"],
    ["sadd", "set", ...Array.from({ length: 3000 }, (_, at) => `m${at}`)],
    ["sunionstore", "other", "set"],
    ["eval", "return redis.call('incr', 'n')", "0"],
    ["blpop", "list", "0.01"],
    ["set", "k", "w"],
    ["save"],
    ["bgsave"],
    ["debug", "sleep", "0.01"],
  ]);
  const last = (await Promise.all(replies)).slice(6);
  assert.deepEqual(last.slice(0, 3), [":3000\r\n", ":3000\r\n", ":2\r\n"]);
  assert.deepEqual(last.slice(4), ["+OK\r\n", "+OK\r\n", "+Background saving started\r\n", "+OK\r\n"]);
  await until(
    async () => (await client.call("info", "persistence")).includes("rdb_bgsave_in_progress:0"),
    "BGSAVE",
  );
  assert.match(await client.call("lastsave"), /^:\d{10}\r\n$/);
});

test("DEBUG SLEEP is timed, as any command's work", async () => {
  await client.call("config", "set", "slowlog-log-slower-than", 300_000);
  await client.call("slowlog", "reset");
  assert.equal(await client.call("debug", "sleep", "0.3"), "+OK\r\n");
  const shown = await client.call("slowlog", "get", -1);
  const [, microseconds] = /:(\d+)\r\n\*3\r\n\$5\r\ndebug\r\n\$5\r\nsleep\r\n/.exec(shown) ?? [];
  assert.ok(Number(microseconds) >= 300_000, shown);
  await client.call("config", "set", "slowlog-log-slower-than", 10_000);
});

test("DEBUG PROTOCOL, ERROR and STRINGMATCH-LEN", async () => {
  assert.equal(await client.call("debug", "protocol", "double"), "$5\r\n3.141\r\n");
  assert.equal(await client.call("debug", "error", "ABC x"), "-ABC x\r\n");
  assert.equal(await client.call("debug", "stringmatch-len", "10", "a*a"), ":1\r\n");
  assert.equal(await client.call("debug", "set-active-expire", "1"), "+OK\r\n");
  assert.match(await client.call("debug", "jmap"), /^-ERR unknown subcommand or wrong number/);
});

test("timeout closes idle connections, but not those that wait", async () => {
  const idle = await RawRedis.open(broker.ports.redis);
  const waiting = await RawRedis.open(broker.ports.redis);
  await idle.call("ping");
  const popped = waiting.call("blpop", "never", "0");
  await client.call("config", "set", "timeout", "1");
  await until(
    async () => !(await client.call("client", "list")).includes("cmd=ping"),
    "the idle connection to end",
  );
  await client.call("config", "set", "timeout", "0");
  await client.call("rpush", "never", "x");
  assert.match(await popped, /never/);
  await waiting.close();
  await idle.close();
});

test("maxclients refuses connections in redis's words", async () => {
  await client.call("config", "set", "maxclients", "1");
  const refused = await RawRedis.open(broker.ports.redis);
  assert.match(await refused.call("ping"), /^(-ERR max number of clients reached\r\n|closed)$/);
  await client.call("config", "set", "maxclients", "1000");
  assert.match(await client.call("info", "stats"), /rejected_connections:1/);
  assert.match(await client.call("config", "set", "maxclients", "9999999"), /not able to handle/);
  await refused.close();
});

test("INFO has the fields that exporters read", async () => {
  const info = await client.call("info", "everything");
  for (const field of [
    "redis_version",
    "os",
    "process_id",
    "run_id",
    "uptime_in_seconds",
    "connected_clients",
    "blocked_clients",
    "pubsub_clients",
    "watching_clients",
    "total_watched_keys",
    "client_recent_max_input_buffer",
    "loading",
    "rdb_last_save_time",
    "aof_current_size",
    "total_commands_processed",
    "instantaneous_ops_per_sec",
    "total_net_input_bytes",
    "total_net_output_bytes",
    "rejected_connections",
    "expired_keys",
    "expired_subkeys",
    "total_error_replies",
    "role",
    "connected_slaves",
    "master_replid",
    "used_cpu_sys",
    "used_cpu_user",
    "cluster_enabled",
    "cmdstat_set",
    "latency_percentiles_usec_set",
    "db0",
  ])
    assert.match(info, new RegExp(`\r\n${field}:[^\r]+\r\n`), field);
});

test("SHUTDOWN ends the process with everything on the disk", async () => {
  await client.call("set", "kept", "1");
  assert.equal(await client.call("shutdown", "nosave"), "closed");
  await broker.restart();
  client = await RawRedis.open(broker.ports.redis);
  assert.equal(await client.call("get", "kept"), "$1\r\n1\r\n");
});
