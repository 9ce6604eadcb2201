/**
 * The commands about the server beside the real redis-server: CONFIG, persistence, replication, SHUTDOWN's checks, DEBUG, CLIENT.
 * Replies byte for byte. Skipped, and said so, where there is no redis-server 7.0.
 */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { BesideRedis } from "../../../support/beside-redis.ts";
import { RawRedis } from "../../../support/raw-redis.ts";
import { noRealRedis } from "../../../support/real-redis.ts";

let beside: BesideRedis;
const options = { skip: noRealRedis, timeout: 20_000 };

before(async () => {
  if (noRealRedis === false) beside = await BesideRedis.start([]);
});
after(async () => {
  if (noRealRedis === false) await beside.stop();
});

test("CONFIG GET and SET: values, units, errors and their order", options, async () => {
  await beside.sameAll(`
    config get slowlog-max-len
    config get SLOWLOG-MAX-LEN slowlog-max-len
    config get hz
    config get nosuch
    config get no?such*
    config get hash-max-ziplist-entries
    config get list-max-listpack-size
    config get latency-tracking-info-percentiles
    config set slowlog-max-len
    config set slowlog-max-len 10 x
    config set nosuch 1
    config set nosuch 1 databases 2
    config set databases 2
    config set DataBases 2
    config set databases 2 nosuch 1
    config set dbfilename x
    config set slowlog-max-len 10 slowlog-max-len 20
    config set slowlog-max-len abc
    config set slowlog-max-len -1
    config set slowlog-max-len 1kb
    config set slowlog-max-len 007
    config set slowlog-max-len 9223372036854775808
    config set slowlog-log-slower-than -2
    config set slowlog-log-slower-than -1
    config get slowlog-log-slower-than
    config set slowlog-log-slower-than 10000 slowlog-max-len 128
    config set hll-sparse-max-bytes 4kb
    config get hll-sparse-max-bytes
    config set hll-sparse-max-bytes 4x
    config set hll-sparse-max-bytes -1
    config set hll-sparse-max-bytes 3000
    config set latency-tracking maybe
    config set latency-tracking NO
    config get latency-tracking
    config set latency-tracking yes
    config set appendfsync sometimes
    config set appendfsync No
    config get appendfsync
    config set appendfsync everysec
    config set busy-reply-threshold 100
    config get lua-time-limit
    config set lua-time-limit 5000
    config get busy-reply-threshold
    config set timeout abc
    config set timeout -1
    config set timeout 0
    config set maxclients 0
    config set maxclients 100
    config get maxclients
    config set stream-node-max-entries 50
    config set stream-node-max-entries 100
    config set activedefrag x
    config set loglevel loud
    config set maxmemory-samples 0
    config set zset-max-listpack-entries -1
    config set hash-max-listpack-value 64
    config set proto-max-bulk-len 1
    config set client-query-buffer-limit 1
    config set client-output-buffer-limit x
    config set client-output-buffer-limit
    config set save x
    config resetstat
    config resetstat x
    config rewrite
    config help
    config nosuch
  `);
  await beside.same(2, ["config", "set", "latency-tracking-info-percentiles", "50.0 100.0 0.1"]);
  await beside.same(3, ["config", "get", "latency-tracking-info-percentiles"]);
  await beside.same(2, ["config", "set", "latency-tracking-info-percentiles", "50 x"]);
  await beside.same(2, ["config", "set", "latency-tracking-info-percentiles", "101"]);
  await beside.same(2, ["config", "set", "latency-tracking-info-percentiles", ""]);
  await beside.same(2, ["config", "get", "latency-tracking-info-percentiles"]);
  for (const limit of ["pubsub 32mb 8mb", "nobody 0 0 0", "pubsub x 0 0", "pubsub 0 0 x", "master 0 0 0"])
    await beside.same(2, ["config", "set", "client-output-buffer-limit", limit]);
  await beside.same(2, ["config", "set", "client-output-buffer-limit", "pubsub 64mb 0 0"]);
  await beside.same(2, ["config", "get", "client-output-buffer-limit"]);
});

test("a parameter without a use here keeps its value, and says so", options, async () => {
  const client = await RawRedis.open(beside.ports[0]);
  assert.match(
    await client.call("config", "set", "tls-port", "7000"),
    /^-ERR CONFIG SET failed .*tls-port.*no use for it.*'0'/,
  );
  assert.equal(await client.call("config", "set", "tls-port", "0"), "+OK\r\n");
  await client.close();
});

test("every parameter of redis is known, with its default where we have no other", options, async () => {
  const ours = await RawRedis.open(beside.ports[0]);
  const real = await RawRedis.open(beside.ports[1]);
  await Promise.all([
    ours.call("config", "set", "client-output-buffer-limit", "pubsub 32mb 0 0"),
    real.call("config", "resetstat"),
  ]);
  const got = parametersOf(await ours.call("config", "get", "*"));
  // What is beyond redis has its own prefix.
  for (const name of got.keys()) if (name.startsWith("troika-")) got.delete(name);
  const wanted = parametersOf(await real.call("config", "get", "*"));
  const other = [...wanted].filter(([name, value]) => got.get(name) !== value).map(([name]) => name);
  const known = new Set([
    "appendonly",
    "bind",
    "client-output-buffer-limit",
    "dir",
    "maxclients",
    "port",
    "protected-mode",
    "tcp-keepalive",
  ]);
  assert.deepEqual(other.filter((name) => !known.has(name)).toSorted(), []);
  assert.deepEqual(
    [...got.keys()].filter((name) => !wanted.has(name)),
    [],
  );
  await Promise.all([ours.close(), real.close()]);
});

function parametersOf(reply: string): Map<string, string> {
  const words = reply.split("\r\n").filter((_, at) => at > 0 && at % 2 === 0);
  return new Map(words.flatMap((name, at) => (at % 2 === 0 ? [[name, words[at + 1] ?? ""]] : [])));
}

test("persistence and replication", options, async () => {
  await beside.sameAll(`
    save
    save x
    bgsave x
    bgsave schedule x
    multi
    save
    discard
    replicaof no one
    replicaof NO ONE
    slaveof no one
    replicaof host abc
    replicaof host 70000
    replicaof host -1
    replicaof host
    failover
    failover abort
    failover abort x
    failover to host
    failover to host abc
    failover to host 1234
    failover to host 1234 force
    failover timeout 0
    failover timeout abc
    failover timeout 10 timeout 20
    failover force force
    failover nosuch
    role
    replconf x
    replconf nosuch 1
    replconf listening-port abc
    replconf listening-port 1234
    replconf capa eof capa psync2
    shutdown nosuch
    shutdown save nosave
    shutdown abort now
    shutdown abort
    module list
    module help
    module nosuch
    debug
    lolwut version x
  `);
});

test(
  "what is not here names the way out, behind the words by which redis's error is known",
  options,
  async () => {
    const { us, them } = beside.pair(2);
    const cases: readonly (readonly [command: string, wayOut: RegExp])[] = [
      ["module load x", /FUNCTION LOAD/],
      ["module loadex x", /FUNCTION LOAD/],
      ["module unload x", /FUNCTION LOAD/],
      ["debug sleep 0", /--redis-debug-command/],
      ["debug nosuch", /--redis-debug-command/],
    ];
    for (const [command, wayOut] of cases) {
      const [got, wanted] = [await us.call(...command.split(" ")), await them.call(...command.split(" "))];
      const known = /^-ERR \S+ command not allowed\./.exec(wanted)![0];
      assert.ok(got.startsWith(known), got);
      assert.match(got, wayOut);
    }
    for (const command of ["psync ? -1", "sync"])
      assert.match(await us.call(...command.split(" ")), /^-ERR .*troikamq export redis/);
    for (const command of ["replicaof host 1234", "slaveof host 1234"])
      assert.match(await us.call(...command.split(" ")), /^-ERR .*troikamq import redis/);
  },
);

test("CLIENT: arguments and errors of its subcommands", options, async () => {
  await beside.sameAll(`
    client
    client nosuch
    client kill
    client kill 1.2.3.4:5
    client kill addr
    client kill addr 1.2.3.4:5
    client kill nosuch x
    client kill id abc
    client kill id 0
    client kill id 999999
    client kill id 999999 addr
    client kill type nosuch
    client kill type master
    client kill type replica
    client kill user nosuch
    client kill skipme maybe
    client kill id 999999 skipme no
    client list type nosuch
    client list type
    client list id
    client list id abc
    client list id 0
    client list id 999999
    client list nosuch
    client list type master
    client list type pubsub
    client no-evict
    client no-evict maybe
    client no-evict on
    client no-evict off
    client reply maybe
    client reply on
    client unblock abc
    client unblock 999999
    client unblock 999999 maybe
    client unblock 999999 timeout
    client unblock 999999 error x
    client getname
    client setname
    client setname a~b
    client getname
    client setname ""
    client getname
    client reply
  `);
});
