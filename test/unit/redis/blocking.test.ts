/**
 * Clients that wait for keys: what is bounded, what is done in which turn, and who ends a wait. Random runs are in blocking-model.test.ts, and
 * what a redis-server says in test/clients/redis/redis-blocking-real.test.ts.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type Peer, Rig } from "../../../fuzz/rig.ts";
import { limits } from "../../../src/base/limits.ts";
import { passwordDigest } from "../../../src/broker/access/password-hash.ts";
import { newUser } from "../../../src/broker/access/users.ts";
import type { BlockedClients } from "../../../src/protocols/redis/blocking/blocked-clients.ts";
import type { RedisSession } from "../../../src/protocols/redis/session.ts";
import { PopRig } from "../../support/pop-commands.ts";
import { requestBytes } from "../../support/redis-script-caller.ts";

const words = (line: string): Buffer => requestBytes(line.split(" "));

function blockingOf(peer: Peer): BlockedClients {
  return (peer.connection.session as RedisSession).server.blocking;
}

async function open(): Promise<{
  rig: Rig;
  blocking: BlockedClients;
  connect: () => Peer;
  says: (peer: Peer, ...lines: string[]) => string;
}> {
  const pops = await PopRig.open();
  const { rig } = pops;
  const says = (peer: Peer, ...lines: string[]): string => {
    peer.send(Buffer.concat(lines.map(words)));
    rig.settle();
    return peer.take().toString("latin1");
  };
  return { rig, blocking: pops.server.blocking, connect: () => pops.connect(), says };
}

/** How often those who wait for the key now try their commands again. */
function countLooks(blocking: BlockedClients, type: string, key: string): { count: number } {
  const looks = { count: 0 };
  for (const line of blocking.waitingFor(type, 0, key)!.lines.values()) {
    for (const client of line) {
      const serve = client.serve.bind(client);
      client.serve = (waiting) => {
        looks.count++;
        return serve(waiting);
      };
    }
  }
  return looks;
}

const popped = (key: string, character: string): string =>
  `*2\r\n$${key.length}\r\n${key}\r\n$1\r\n${character}\r\n`;

test("what a script has made ready is served when the script is over, not between its commands", async () => {
  const { connect, says } = await open();
  const [one, two, writer] = [connect(), connect(), connect()];
  says(one, "BTPOP a b 0");
  says(two, "XREAD BLOCK 0 STREAMS s $");
  const script = ["TSCRIPT", "SET a x", "DEL a", "APPEND b y", "XADD s 1-1 f v", "XADD s 1-2 f v"];
  writer.send(requestBytes(script));
  assert.equal(says(writer, "EXISTS b"), "+OK\r\n:0\r\n");
  assert.equal(one.take().toString(), popped("b", "y"));
  assert.match(two.take().toString(), /^\*1\r\n\*2\r\n\$1\r\ns\r\n\*2\r\n/);
});

test("what is behind a command that waited runs after the commands of the turn in which it is answered", async () => {
  const { connect, says } = await open();
  const [one, two, writer] = [connect(), connect(), connect()];
  says(one, "BTPOP a 0", "APPEND b y");
  says(two, "BTPOP b 0");
  assert.equal(says(writer, "APPEND a x", "EXISTS b", "TPOP b"), ":1\r\n:0\r\n*-1\r\n");
  assert.equal(one.take().toString(), `${popped("a", "x")}:1\r\n`);
  assert.equal(two.take().toString(), popped("b", "y"));
});

test("a client that ends after it was answered, in the same turn, has what it sent before run", async () => {
  const { rig, connect, says } = await open();
  const [one, writer] = [connect(), connect()];
  says(one, "BTPOP a 0", "APPEND b y");
  writer.send(words("APPEND a x"));
  one.connection.peerEnded();
  rig.settle();
  assert.equal(says(writer, "GET b"), ":1\r\n$1\r\ny\r\n");
});

test("a wait ends with CLIENT UNBLOCK in the middle of MULTI, before what MULTI brings", async () => {
  const { connect, says } = await open();
  const [one, other] = [connect(), connect()];
  const id = says(one, "CLIENT ID").slice(1, -2);
  says(one, "BTPOP a 0");
  const replies = says(other, "MULTI", "APPEND a x", `CLIENT UNBLOCK ${id} ERROR`, "EXEC", "GET a");
  assert.ok(replies.endsWith("*2\r\n:1\r\n:1\r\n$1\r\nx\r\n"), replies);
  assert.equal(one.take().toString(), "-UNBLOCKED client unblocked via CLIENT UNBLOCK\r\n");
});

test("an error of the command that is tried again is its answer, and the next one has its turn", async () => {
  const { connect, says, blocking } = await open();
  const [one, two, writer] = [connect(), connect(), connect()];
  says(one, "BTMOVE a h 0");
  says(two, "BTPOP a 0");
  says(writer, "HSET h f v", "APPEND a x");
  assert.match(one.take().toString(), /^-WRONGTYPE /);
  assert.equal(two.take().toString(), popped("a", "x"));
  assert.equal(blocking.clientCount, 0);
});

test("a chain of moves goes on until the last one has it", async () => {
  const { connect, says, blocking } = await open();
  const peers = Array.from({ length: 50 }, () => connect());
  for (const [i, peer] of peers.entries()) says(peer, `BTMOVE k${i} k${i + 1} 0`);
  const writer = connect();
  assert.equal(says(writer, "APPEND k0 x", "GET k50"), ":1\r\n$1\r\nx\r\n");
  assert.equal(blocking.keyCount, 0);
  // One that leads back to where it began ends as well: each waits once.
  says(peers[0]!, "BTMOVE a b 0");
  says(peers[1]!, "BTMOVE b a 0");
  assert.equal(says(writer, "APPEND a x", "GET a", "GET b"), ":1\r\n$1\r\nx\r\n$-1\r\n");
});

for (const [what, setup, act] of [
  ["RENAME", "SET other x", "RENAME other a"],
  ["COPY", "SET other x", "COPY other a"],
  ["SWAPDB", "PING", "SWAPDB 0 3"],
] as const) {
  test(`${what} makes a key ready`, async () => {
    const { connect, says } = await open();
    const [one, writer] = [connect(), connect()];
    says(writer, "SELECT 3", "SET a x", "SELECT 0", setup);
    says(one, "BTPOP a 0");
    says(writer, act);
    assert.equal(one.take().toString(), popped("a", "x"));
  });
}

test("a change of a key that nobody waits for is told to nobody, one of another type wakes nobody", async () => {
  const { connect, says, blocking } = await open();
  const [one, reader, writer] = [connect(), connect(), connect()];
  let told = 0;
  const changed = blocking.changed.bind(blocking);
  blocking.changed = (...place) => {
    told++;
    changed(...place);
  };
  says(reader, "XREAD BLOCK 0 STREAMS a $");
  says(writer, "SET x 1", "SET a 1", "DEL a");
  // Those who wait for streams ask the keyspace nothing.
  assert.equal(told, 0);
  assert.ok((reader.connection.session as RedisSession).server.keyspace.watcher!.isEmpty);
  says(one, "BTPOP a 0");
  const looks = countLooks(blocking, "string", "a");
  says(writer, "HSET a f v", "HSET a f w");
  assert.equal(told, 2);
  assert.equal(looks.count, 0);
  assert.equal(one.take().length, 0);
  told = 0;
  says(writer, "XADD other 1-1 f v", "XADD other 1-2 f v");
  assert.equal(told, 0);
});

test("10,000 waiting clients are served over several turns, in their order, and others are answered meanwhile", async () => {
  const { rig, connect, says, blocking } = await open();
  const count = 10_000;
  const peers = Array.from({ length: count }, () => connect());
  for (const peer of peers) peer.send(words("BTPOP a 0"));
  rig.settle();
  const [writer, other] = [connect(), connect()];
  writer.send(requestBytes(["APPEND", "a", "x".repeat(count)]));
  rig.time.endTick();
  const served = peers.filter(({ sizeReceived }) => sizeReceived > 0).length;
  assert.ok(served > 1000 && served < count && blocking.clientCount > 0, `${served} in one turn`);
  assert.ok(peers.slice(0, served).every(({ sizeReceived }) => sizeReceived > 0));
  other.send(words("PING"));
  rig.time.endTick();
  assert.equal(other.take().toString(), "+PONG\r\n");
  rig.settle();
  assert.ok(peers.every((peer) => peer.take().toString() === popped("a", "x")));
  assert.equal(says(writer, "EXISTS a"), `:${count}\r\n:0\r\n`);
  assert.equal(blocking.keyCount, 0);
});

test("of 5,000 readers of a group an entry has two or three looked at: who gets it, and the next one, who finds nothing", async () => {
  const { rig, connect, says, blocking } = await open();
  const writer = connect();
  says(writer, "XGROUP CREATE s g $ MKSTREAM");
  const peers = Array.from({ length: 5000 }, () => connect());
  for (const peer of peers) peer.send(words("XREADGROUP GROUP g c BLOCK 0 STREAMS s >"));
  rig.settle();
  const looks = countLooks(blocking, "stream", "s");
  for (let i = 0; i < 100; i++) says(writer, "XADD s * f v");
  assert.ok(looks.count <= 300, `${looks.count} looks for 100 entries`);
  assert.deepEqual(
    peers.map(({ sizeReceived }) => sizeReceived > 0),
    peers.map((_, i) => i < 100),
  );
  assert.equal(blocking.clientCount, 4900);
});

test("readers of a stream do not stand in each other's way, and wait for the next stream when theirs is deleted", async () => {
  const { connect, says } = await open();
  const [late, early, writer] = [connect(), connect(), connect()];
  says(writer, "XADD s 1-1 f v");
  says(late, "XREAD BLOCK 0 STREAMS s 5-5");
  says(early, "XREAD BLOCK 0 STREAMS s $");
  says(writer, "XADD s 2-1 f v");
  assert.match(early.take().toString(), /2-1/);
  says(early, "XREAD BLOCK 0 STREAMS s $");
  says(writer, "DEL s", "SET s x", "DEL s");
  assert.equal(late.take().length + early.take().length, 0);
  says(writer, "XADD s 6-1 f v");
  assert.match(late.take().toString(), /6-1/);
  assert.match(early.take().toString(), /6-1/);
});

test("an entry that is gone when the transaction is over wakes nobody; another position of the group does", async () => {
  const { connect, says } = await open();
  const [plain, member, writer] = [connect(), connect(), connect()];
  says(writer, "XADD s 1-1 f v", "XGROUP CREATE s g $");
  says(plain, "XREAD BLOCK 0 STREAMS s $");
  says(member, "XREADGROUP GROUP g c BLOCK 0 STREAMS s >");
  says(writer, "MULTI", "XADD s 2-1 f v", "XDEL s 2-1", "EXEC");
  assert.equal(plain.take().length + member.take().length, 0);
  says(writer, "XGROUP SETID s g 0");
  assert.match(member.take().toString(), /1-1/);
  assert.equal(plain.take().length, 0);
});

test("the timer of a wait ends with it", async () => {
  const { rig, connect, says } = await open();
  const [one, two, writer] = [connect(), connect(), connect()];
  const { time } = rig;
  let timers = 0;
  const after = time.after.bind(time);
  time.after = (delayMs, action) => {
    const timer = after(delayMs, action);
    if (delayMs !== 123_456) return timer;
    timers++;
    return { cancel: () => (timers--, timer.cancel()) };
  };
  says(one, "BTPOP a 123456");
  says(two, "BTPOP b 123456");
  assert.equal(timers, 2);
  says(writer, "APPEND a x");
  two.end();
  assert.equal(timers, 0);
});

test("one command waits for so many keys at most, and all together for so many", async () => {
  const { rig, connect, says, blocking } = await open();
  const keys = Array.from({ length: limits.redisWaitKeysMax }, (_, i) => `k${i}`);
  const line = (more: string): string => `BTPOP ${keys.join(" ")} ${more}0`;
  const one = connect();
  assert.equal(says(one, line("other ")), "-ERR a command waits for at most 10000 keys; name fewer\r\n");
  assert.equal(blocking.keyCount, 0);
  // The same key twice is one.
  assert.equal(says(one, line("k0 k1 ")), "");
  assert.equal(blocking.keyCount, keys.length);
  const peers: Peer[] = [one];
  while (peers.length < limits.redisWaitKeysTotalMax / keys.length) {
    const peer = connect();
    assert.equal(says(peer, line("")), "");
    peers.push(peer);
  }
  const late = connect();
  assert.match(says(late, "BTPOP a 0"), /^-ERR clients wait for 500000 keys already, of 500000 at most; /);
  peers.pop()!.end();
  assert.equal(says(late, "BTPOP a 0"), "");
  for (const peer of peers) peer.end();
  rig.settle();
  assert.deepEqual([blocking.clientCount, blocking.keyCount], [1, 1]);
  assert.equal(says(connect(), "APPEND a x"), ":1\r\n");
  assert.equal(late.take().toString(), popped("a", "x"));
});

test("what a client waits with is in the account of bytes in flight, until it waits no more", async () => {
  const { connect, says } = await open();
  const [one, writer] = [connect(), connect()];
  const { connection } = one;
  const before = connection.describe().heldBytes;
  says(one, `BTPOP ${"k".repeat(100_000)} other 0`);
  const held = connection.describe().heldBytes - before;
  assert.ok(held > 200_000 && held < 300_000, `${held}`);
  says(writer, "APPEND other x");
  assert.equal(connection.describe().heldBytes, before);
});

test("a wait that is longer than a timer may be is waited for in steps", async () => {
  const { rig, connect, says } = await open();
  const one = connect();
  const { time } = rig;
  const asked: number[] = [];
  const after = time.after.bind(time);
  time.after = (delayMs, action) => {
    if (delayMs >= limits.timerMsMax / 2) asked.push(delayMs);
    return after(delayMs, action);
  };
  const hour = limits.timerMsMax;
  says(one, `XREAD BLOCK ${2.5 * hour} STREAMS s $`);
  time.advance(2.5 * hour - 1);
  rig.settle();
  assert.equal(one.take().toString(), "");
  time.advance(1);
  rig.settle();
  assert.equal(one.take().toString(), "*-1\r\n");
  assert.deepEqual(asked, [hour, hour, hour / 2]);
});

test("a user who may no longer pop the key stops waiting, one whose other rights change goes on", async () => {
  const { rig, connect, says } = await open();
  const set = (commands: string[], keys: string[]): void => {
    const { access } = rig.broker;
    const passwords = [access.storedPassword(passwordDigest("secret"))];
    access.users.set(newUser("u", { passwords, redis: { commands, keys, channels: [] } }));
  };
  set(["+@all"], ["~a*", "~b*"]);
  const [one, two] = [connect(), connect()];
  for (const peer of [one, two]) assert.equal(says(peer, "AUTH u secret"), "+OK\r\n");
  says(one, "BTPOP a b 0", "ECHO after");
  says(two, "BTPOP b 0");
  set(["+@all", "-get"], ["~b*"]);
  rig.settle();
  assert.equal(
    one.take().toString(),
    "-NOPERM this user has no permissions to access one of the keys used as arguments\r\n$5\r\nafter\r\n",
  );
  assert.equal(two.take().toString(), "");
  set(["+@all", "-btpop"], ["~b*"]);
  rig.settle();
  assert.match(two.take().toString(), /^-NOPERM this user has no permissions to run the 'btpop' command/);
});

test("INFO counts who waits, for how many keys, and whose wait ends by itself", async () => {
  const { connect, says, blocking } = await open();
  const [one, two, admin] = [connect(), connect(), connect()];
  const counts = (): string[] =>
    says(admin, "INFO clients")
      .split("\r\n")
      .filter((line) => /^(blocked_clients|clients_in_timeout_table|total_blocking_keys):/.test(line));
  says(one, "BTPOP a b 0");
  says(two, "XREAD BLOCK 1000 STREAMS a $");
  assert.deepEqual(counts(), ["blocked_clients:2", "clients_in_timeout_table:1", "total_blocking_keys:3"]);
  one.end();
  says(admin, "XADD a * f v");
  assert.deepEqual(counts(), ["blocked_clients:0", "clients_in_timeout_table:0", "total_blocking_keys:0"]);
  assert.equal(blocking.toldKeyCount, 0);
});

test("those who wait for a stream are told by every protocol, those who wait when the broker stops get no answer", async () => {
  const rig = await Rig.open();
  const [one, two, admin] = [rig.connect("redis"), rig.connect("redis"), rig.connect("redis")];
  one.send(words("XREAD BLOCK 0 STREAMS q $"));
  two.send(words("XREAD BLOCK 0 STREAMS none $"));
  rig.settle();
  const vhost = rig.broker.defaultVhost;
  const queue = vhost.declareQueue({
    name: "q",
    kind: "queue",
    durable: true,
    exclusiveOwner: 0,
    autoDelete: false,
    args: {},
  });
  rig.settle();
  assert.equal(one.take().length, 0);
  admin.send(words("XADD q * f v"));
  assert.equal(queue.log.length, 1);
  rig.settle();
  assert.match(one.take().toString(), /^\*1\r\n/);
  const blocking = blockingOf(admin);
  assert.equal(blocking.clientCount, 1);
  for (const peer of [one, two, admin]) peer.connection.shutdown();
  rig.settle();
  assert.deepEqual([blocking.clientCount, blocking.keyCount], [0, 0]);
  assert.equal(two.take().length, 0);
  assert.deepEqual(rig.errors, []);
});
