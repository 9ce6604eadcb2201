/**
 * Redis ACLs: the same commands to the real redis-server and to us, replies compared; then what only ours does: users are
 * kept, and their rules hold for the other protocols too.
 */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import amqplib from "amqplib";
import { createClient } from "redis";
import { startTestBroker, type TestBroker } from "../../support/broker.ts";
import { RawRedis } from "../../support/raw-redis.ts";
import { noRealRedis, RealRedis } from "../../support/real-redis.ts";

let broker: TestBroker;
before(async () => {
  broker = await startTestBroker();
});
const clients: RawRedis[] = [];
let real: RealRedis | undefined;
after(async () => {
  for (const client of clients) await client.close();
  await real?.stop();
  await broker.stop();
});

/** What an administrator says, then each line by bob; lines as people type them. */
const administration = `
  ACL USERS
  ACL WHOAMI
  ACL SETUSER bob
  ACL GETUSER bob
  ACL SETUSER bob on >pw ~a:* %R~r:* %W~w:* &ch* -@all +get +set +xadd +publish +psubscribe +subscribe +exists +config|get +multi +exec +mget +hello +reset +unsubscribe +punsubscribe
  ACL SETUSER bob +nosuch
  ACL SETUSER bob +@nosuch
  ACL SETUSER bob foo
  ACL SETUSER bob +config|nosuch
  ACL SETUSER dan on nopass ~* -@all +echo|Hi +get|a +GET|b
  ACL DRYRUN dan echo hi
  ACL DRYRUN dan echo HI
  ACL DRYRUN dan echo other
  ACL DRYRUN dan get b
  ACL DRYRUN dan get c
  ACL SETUSER dan -echo
  ACL DRYRUN dan echo hi
  ACL SETUSER dan +get
  ACL DRYRUN dan get c
  ACL SETUSER dan -@read
  ACL DRYRUN dan get a
  ACL SETUSER dan +get|a
  ACL SETUSER dan +set|k -get|a
  ACL SETUSER dan +get| 
  ACL SETUSER dan +nosuch|a
  ACL SETUSER dan +config|get|a
  ACL SETUSER dan +config|
  ACL DRYRUN dan get a
  ACL SETUSER dan nocommands
  ACL DRYRUN dan get a
  ACL DELUSER dan
  ACL SETUSER allk allkeys ~x
  ACL SETUSER allc &*
  ACL SETUSER allc &x
  ACL SETUSER carl on nopass allkeys allcommands allchannels -@dangerous
  ACL GETUSER carl
  ACL DRYRUN bob get a:1
  ACL DRYRUN bob get b
  ACL DRYRUN bob del a:1
  ACL DRYRUN bob publish x y
  ACL DRYRUN bob set r:1 x
  ACL DRYRUN bob get w:1
  ACL DRYRUN nobody get b
  ACL DRYRUN bob nosuch b
  ACL DRYRUN bob get
  ACL DELUSER nobody
  ACL DELUSER default
  ACL DELUSER carl nobody
  ACL GETUSER nobody
  ACL CAT nosuch
  ACL LOG
  ACL LOG RESET
  ACL LOG x
  ACL GENPASS 0
  ACL GENPASS x
  ACL FOO
`;

const bobs = `
  SET a:1 x
  GET a:1
  GET b
  MGET a:1 b
  SET r:1 x
  GET r:1
  SET w:1 x
  GET w:1
  EXISTS r:1 w:1
  EXISTS b
  DEL a:1
  XADD a:s 1-1 f v
  XADD b 1-1 f v
  PUBLISH ch1 x
  PUBLISH x x
  CONFIG GET maxmemory
  CONFIG SET maxmemory 0
  ACL WHOAMI
  ACL SETUSER bob +@all
  SUBSCRIBE x
  PSUBSCRIBE c*
  PSUBSCRIBE *
  MULTI
  SET a:1 y
  SET b y
  EXEC
  AUTH bob wrong
  AUTH nobody pw
  GET a:1
`;

test("the same replies as redis 7.0", { skip: noRealRedis }, async () => {
  real = await RealRedis.start();
  const { port } = real;
  const open = async (): Promise<(line: string) => Promise<void>> => {
    const us = await RawRedis.open(broker.ports.redis);
    const them = await RawRedis.open(port);
    clients.push(us, them);
    return async (line) => {
      const words = line.trim().split(" ");
      const [got, wanted] = await Promise.all([us.call(...words), them.call(...words)]);
      assert.equal(masked(got), masked(wanted), line);
    };
  };
  const linesOf = (text: string): string[] => text.trim().split("\n");
  const admin = await open();
  for (const line of linesOf(administration)) await admin(line);
  const bob = await open();
  await bob("AUTH bob pw");
  for (const line of linesOf(bobs)) await bob(line);
  await admin("ACL SETUSER bob -get");
  await bob("GET a:1");
  await admin("ACL SETUSER bob +get off");
  await bob("GET a:1");
  await bob("AUTH bob pw");
  await admin("ACL SETUSER bob on resetpass >other <other >more");
  await bob("AUTH bob pw");
  await bob("AUTH bob more");
  await bob("MULTI");
  await bob("GET a:1");
  await admin("ACL SETUSER bob resetkeys");
  await bob("EXEC");
  // Patterns may come to any key.
  for (const keys of ["~a:*", "%R~a:* %W~*", "%R~* %W~a:*", "~*"]) {
    await admin(`ACL SETUSER bob resetkeys ${keys} +@all`);
    for (const sort of ["", "BY w*", "BY nosort", "GET #", "GET w* BY nosort", "BY", "LIMIT 0 x BY w*"])
      for (const command of ["SORT", "SORT_RO"]) await bob(`${command} a:none ${sort}`.trim());
  }
  await admin("ACL DELUSER bob");
  await bob("GET a:1");
});

test("ACL LOG has what redis's has of each refusal", { skip: noRealRedis }, async () => {
  real ??= await RealRedis.start();
  const seen: unknown[] = [];
  for (const port of [broker.ports.redis, real.port]) {
    const admin = await RawRedis.open(port);
    const gil = await RawRedis.open(port);
    clients.push(admin, gil);
    const say = async (client: RawRedis, words: string): Promise<string> =>
      await client.call(...words.split(" "));
    assert.equal(await say(admin, "ACL LOG RESET"), "+OK\r\n");
    assert.equal(await say(admin, "ACL SETUSER gil on >pw ~g:* &g +@all -config"), "+OK\r\n");
    const logins = "AUTH gil wrong|auth nobody pw|HELLO 2 AUTH gil wrong|AUTH gil pw";
    const refused =
      "GET x|GET x|GET y|CONFIG GET *|PUBLISH x y|MULTI|GET z|DISCARD|SUBSCRIBE x|MULTI|GET g:1";
    for (const line of `${logins}|${refused}`.split("|")) await say(gil, line);
    await say(admin, "ACL SETUSER gil resetkeys");
    await say(gil, "EXEC");
    for (const count of ["", " 3", " 0", " -1", " x"]) seen.push(logged(await say(admin, `ACL LOG${count}`)));
    for (let i = 0; i < 140; i++) await say(gil, `GET k${i}`);
    seen.push((await say(admin, "ACL LOG 1000")).slice(0, 6));
    assert.equal(await say(admin, "ACL LOG RESET"), "+OK\r\n");
    assert.equal(await say(admin, "ACL LOG"), "*0\r\n");
  }
  assert.equal((seen[0] as string[]).length, 9);
  assert.deepEqual(seen.slice(0, seen.length / 2), seen.slice(seen.length / 2));
});

/** Entry by entry the fields that redis 7.0 has too, without ages and clients. */
function logged(reply: string): string[] | string {
  if (!reply.startsWith("*")) return reply;
  const entries = reply.split("count\r\n").slice(1);
  return entries.map((entry) => {
    assert.match(entry, /client-info\r\n\$\d+\r\nid=\d+ addr=127\.0\.0\.1:\d+ .* user=/);
    assert.match(entry, /age-seconds\r\n\$\d+\r\n\d/);
    return entry.slice(0, entry.indexOf("$11\r\nage-seconds"));
  });
}

test(
  "what a subscriber may no longer hear ends it, as in redis; others go on",
  { skip: noRealRedis },
  async () => {
    real ??= await RealRedis.start();
    for (const port of [broker.ports.redis, real.port]) {
      const open = async (): Promise<RawRedis> => {
        const client = await RawRedis.open(port);
        clients.push(client);
        return client;
      };
      const admin = await open();
      const say = async (words: string): Promise<string> => await admin.call(...words.split(" "));
      assert.equal(await say("ACL SETUSER eve on >pw ~* &ch* &solo +@all"), "+OK\r\n");
      const listen = async (...words: string[]): Promise<RawRedis> => {
        const client = await open();
        assert.equal(await client.call("auth", "eve", "pw"), "+OK\r\n");
        assert.match(await client.call(...words), /^\*3/);
        return client;
      };
      const chosen = [
        ["subscribe", "ch1"],
        ["psubscribe", "ch*"],
        ["ssubscribe", "ch2"],
        ["subscribe", "solo"],
      ];
      const [channel, pattern, shard, solo] = await Promise.all(chosen.map((words) => listen(...words)));
      assert.equal(await say("ACL SETUSER eve resetchannels &ch* &solo"), "+OK\r\n");
      for (const client of [channel!, pattern!, shard!, solo!])
        assert.match(await client.call("ping"), /pong/i);
      assert.equal(await say("ACL SETUSER eve resetchannels &ch1 &solo"), "+OK\r\n");
      assert.match(await channel!.call("ping"), /pong/);
      assert.match(await solo!.call("ping"), /pong/);
      for (const client of [pattern!, shard!]) assert.equal(await client.call("ping"), "closed");
      assert.equal(await say("ACL SETUSER eve resetchannels &solo"), "+OK\r\n");
      assert.equal(await channel!.call("ping"), "closed");
      assert.match(await solo!.call("ping"), /pong/);
      assert.equal(await say("PUBLISH solo x"), ":1\r\n");
    }
  },
);

test("a read that waits ends when its key is taken from the user", async () => {
  const admin = await RawRedis.open(broker.ports.redis);
  const reader = await RawRedis.open(broker.ports.redis);
  const other = await RawRedis.open(broker.ports.redis);
  clients.push(admin, reader, other);
  const say = async (words: string): Promise<string> => await admin.call(...words.split(" "));
  assert.equal(await say("ACL SETUSER fay on >pw ~f:* +@all"), "+OK\r\n");
  assert.equal(await say("XGROUP CREATE f:1 g $ MKSTREAM"), "+OK\r\n");
  for (const client of [reader, other]) assert.equal(await client.call("auth", "fay", "pw"), "+OK\r\n");
  const read = reader.call(..."XREADGROUP GROUP g c BLOCK 0 STREAMS f:1 >".split(" "));
  const kept = other.call(..."XREAD BLOCK 0 STREAMS f:2 $".split(" "));
  while (!(await say("INFO clients")).includes("blocked_clients:2")) await new Promise(setImmediate);
  assert.equal(await say("ACL SETUSER fay resetkeys ~f:2"), "+OK\r\n");
  assert.equal(
    await read,
    "-NOPERM this user has no permissions to access one of the keys used as arguments\r\n",
  );
  assert.match(await say("XADD f:1 * a 1"), /^\$/);
  assert.match(await say("XADD f:2 1-1 a 1"), /^\$/);
  assert.match(await kept, /1-1/);
  assert.match(await say("XINFO CONSUMERS f:1 g"), /pending\r\n:0/);
});

/** guest is ours; hashes differ, as they must; a test has no password in its errors; who is gone may be told or not. */
function masked(reply: string): string {
  return reply
    .replace("*2\r\n$7\r\ndefault\r\n$5\r\nguest\r\n", "*1\r\n$7\r\ndefault\r\n")
    .replaceAll(/[0-9a-f]{64}/g, "HASH");
}

test("a user set by Redis is kept, and is the same user for AMQP", async () => {
  const admin = await RawRedis.open(broker.ports.redis);
  clients.push(admin);
  assert.equal(
    await admin.call("acl", "setuser", "dora", "on", ">d", "~dora:*", "+@all", "-@dangerous"),
    "+OK\r\n",
  );
  await broker.kill();
  await broker.restart();
  const client = createClient({
    url: `redis://dora:d@127.0.0.1:${broker.ports.redis}`,
    socket: { reconnectStrategy: false },
  });
  await client.connect();
  assert.equal(await client.set("dora:1", "x"), "OK");
  await assert.rejects(client.get("other"), /NOPERM/);
  await client.xAdd("dora:s", "*", { a: "1" });
  client.destroy();
  const connection = await amqplib.connect(`amqp://dora:d@127.0.0.1:${broker.ports.amqp}`);
  const channel = await connection.createChannel();
  assert.equal((await channel.checkQueue("dora:s")).queue, "dora:s");
  const failed = new Promise<Error>((resolve) => channel.on("error", resolve));
  await channel.assertQueue("other").catch(() => {});
  assert.match((await failed).message, /access to queue 'other' in vhost '\/' refused for user 'dora'/);
  await connection.close();
});

test("`default` may be closed: then nobody does anything without a login, by Redis or by Kafka", async () => {
  const admin = await RawRedis.open(broker.ports.redis);
  assert.equal(await admin.call("auth", "guest", "guest"), "+OK\r\n");
  assert.equal(await admin.call("acl", "setuser", "default", "resetpass", ">secret"), "+OK\r\n");
  const client = await RawRedis.open(broker.ports.redis);
  assert.equal(await client.call("get", "a"), "-NOAUTH Authentication required.\r\n");
  assert.equal(await client.call("auth", "secret"), "+OK\r\n");
  assert.match(await client.call("get", "a"), /^\$/);
  assert.equal(await admin.call("acl", "setuser", "default", "nopass"), "+OK\r\n");
  await admin.close();
  await client.close();
});
