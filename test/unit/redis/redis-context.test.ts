/** Redis commands that are called without a connection: a context with no session, whose reply goes to a `ByteWriter`. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type Peer, Rig } from "../../../fuzz/rig.ts";
import { passwordDigest } from "../../../src/broker/access/password-hash.ts";
import { newUser } from "../../../src/broker/access/users.ts";
import { commandTable } from "../../../src/protocols/redis/command-table.ts";
import type { RedisSession } from "../../../src/protocols/redis/session.ts";
import type { Reply } from "../../../src/protocols/redis/wire/reply-parser.ts";
import { requestBytes, ScriptCaller } from "../../support/redis-script-caller.ts";

const noScript = "ERR This Redis command is not allowed from script";

async function open(): Promise<{ rig: Rig; peer: Peer; script: ScriptCaller }> {
  const rig = await Rig.open();
  const peer = rig.connect("redis");
  return { rig, peer, script: new ScriptCaller((peer.connection.session as RedisSession).server) };
}

/** Texts and numbers of a reply, lists as lists. */
function plain(reply: Reply): unknown {
  if ("bytes" in reply) return reply.bytes.toString();
  if ("items" in reply) return reply.items.map(plain);
  if ("text" in reply) return reply.type === "error" ? `-${reply.text}` : reply.text;
  return "value" in reply ? Number(reply.value) : null;
}

function says(rig: Rig, peer: Peer, ...words: string[]): string {
  peer.send(requestBytes(words));
  rig.settle();
  return peer.take().toString();
}

test("strings, streams and errors without a connection, seen by a connection too", async () => {
  const { rig, peer, script } = await open();
  const call = (...words: string[]): unknown => plain(script.call(...words));
  assert.equal(call("SET", "k", "v"), "OK");
  assert.equal(call("GET", "k"), "v");
  assert.equal(says(rig, peer, "GET", "k"), "$1\r\nv\r\n");
  assert.equal(call("XADD", "s", "1-1", "f", "v"), "1-1");
  assert.equal(
    call("XADD", "s", "1-1", "f", "v"),
    "-ERR The ID specified in XADD is equal or smaller than the target stream top item",
  );
  assert.deepEqual(call("XREAD", "STREAMS", "s", "0"), [["s", [["1-1", ["f", "v"]]]]]);
  assert.equal(says(rig, peer, "XLEN", "s"), ":1\r\n");
  assert.equal(call("GET", "s"), "-WRONGTYPE Operation against a key holding the wrong kind of value");
  assert.equal(script.publisherSeenCount, 2);
  assert.equal(call("DEL", "k", "s", "none"), 2);
  assert.equal(script.writerSeenCount, 1);
  assert.equal(says(rig, peer, "EXISTS", "k", "s"), ":0\r\n");
});

test("nothing waits, and a long reply is written at once", async () => {
  const { rig, script } = await open();
  assert.equal(plain(script.call("XREAD", "BLOCK", "0", "STREAMS", "s", "$")), null);
  script.call("XGROUP", "CREATE", "s", "g", "$", "MKSTREAM");
  const groupRead = ["GROUP", "g", "c", "BLOCK", "0", "STREAMS", "s", ">"];
  assert.equal(plain(script.call("xreadgroup", ...groupRead)), null);
  script.call("DEL", "s");
  const names = Array.from({ length: 3000 }, (_, i) => `k${i}`);
  script.call("MSET", ...names.flatMap((name) => [name, name]));
  assert.deepEqual(plain(script.call("MGET", ...names)), names);
  assert.equal((plain(script.call("KEYS", "*")) as string[]).length, names.length);
  script.call("HSET", "hash", ...names.flatMap((name) => [name, name]));
  assert.equal((plain(script.call("HKEYS", "hash")) as string[]).length, names.length);
  assert.deepEqual(plain(script.call("HMGET", "hash", ...names)), names);
  assert.equal(rig.broker.work.waitingCount, 0);
});

test("the database is the caller's own, and those who watch a key hear of its change", async () => {
  const { rig, peer, script } = await open();
  says(rig, peer, "WATCH", "k");
  script.call("SELECT", "1");
  script.call("SET", "k", "one");
  says(rig, peer, "MULTI");
  assert.equal(says(rig, peer, "EXEC"), "*0\r\n");
  says(rig, peer, "WATCH", "k");
  script.call("SELECT", "0");
  script.call("SET", "k", "zero");
  says(rig, peer, "MULTI");
  assert.equal(says(rig, peer, "EXEC"), "*-1\r\n");
});

test("every command either is refused to scripts or runs without a connection", async () => {
  const { rig, script } = await open();
  let refused = 0;
  let run = 0;
  for (const spec of commandTable.all) {
    const words = spec.fullName.split("|");
    while (words.length < Math.abs(spec.arity)) words.push(words.length % 2 === 1 ? "k" : "1");
    const text = plain(script.call(...words));
    if (!spec.isImplemented)
      assert.equal(text, "-ERR Unknown Redis command called from script", spec.fullName);
    else if (spec.run !== undefined && spec.flags.includes("noscript")) {
      assert.equal(text, `-${noScript}`, spec.fullName);
      refused++;
    } else if (spec.run !== undefined) {
      assert.notEqual(text, `-${noScript}`, spec.fullName);
      assert.ok(!String(text).startsWith("-ERR internal"), `${spec.fullName}: ${String(text)}`);
      run++;
    }
  }
  rig.settle();
  assert.deepEqual(rig.errors, []);
  assert.ok(refused > 40 && run > 60, `${refused} refused, ${run} run`);
});

test("a script's user is asked about commands, keys and channels, in redis's words", async () => {
  const { rig, peer } = await open();
  const { access } = rig.broker;
  const passwords = [access.storedPassword(passwordDigest("secret"))];
  const redis = { commands: ["+@all", "-get"], keys: ["~a*"], channels: [] };
  access.users.set(newUser("limited", { passwords, redis }));
  const script = new ScriptCaller((peer.connection.session as RedisSession).server, "limited");
  const call = (...words: string[]): unknown => plain(script.call(...words));
  const cannot = "-ERR The user executing the script can't";
  assert.equal(call("GET", "a"), `${cannot} run this command or subcommand`);
  assert.equal(
    call("SET", "b", "v"),
    `${cannot} access at least one of the keys mentioned in the command arguments`,
  );
  assert.equal(call("PUBLISH", "c", "m"), `${cannot} publish to the channel mentioned in the command`);
  assert.equal(call("SET", "a", "v"), "OK");
  assert.deepEqual(
    script.refusals.map(({ reason, context, object }) => [reason, context, object]),
    [
      ["command", "lua", "get"],
      ["key", "lua", "b"],
      ["channel", "lua", "c"],
    ],
  );
});

/** A command's reply as values, the way in which Lua will get it: text, numbers, lists, null, and errors with their words. */
type Value = string | number | null | { readonly error: string } | Value[];

function valueOf(reply: Reply): Value {
  if ("bytes" in reply) return reply.bytes.toString();
  if ("items" in reply) return reply.items.map(valueOf);
  if ("text" in reply) return reply.type === "error" ? { error: reply.text } : reply.text;
  return "value" in reply ? Number(reply.value) : null;
}

test("what a script does with a user of its own: replies are values, and what is refused is refused in redis's words", async () => {
  const { rig, peer } = await open();
  const { access } = rig.broker;
  const passwords = [access.storedPassword(passwordDigest("secret"))];
  const redis = { commands: ["+@all", "-persist"], keys: ["~mine*"], channels: [] };
  access.users.set(newUser("owner", { passwords, redis }));
  const { server } = peer.connection.session as RedisSession;
  const script = new ScriptCaller(server, "owner");
  const call = (line: string): Value => valueOf(script.call(...line.split(" ")));
  assert.equal(call("SET mine 1"), "OK");
  assert.equal(call("INCR mine"), 2);
  assert.equal(call("GET mine"), "2");
  assert.equal(call("GET mine:none"), null);
  assert.equal(call("EXPIRE mine 100"), 1);
  assert.equal(call("TTL mine"), 100);
  assert.equal(call("XADD mine:s 1-1 f v"), "1-1");
  assert.deepEqual(call("XRANGE mine:s - +"), [["1-1", ["f", "v"]]]);
  assert.deepEqual(call("GET mine:s"), {
    error: "WRONGTYPE Operation against a key holding the wrong kind of value",
  });
  assert.equal(call("DEL mine mine:s"), 2);
  const cannot = "ERR The user executing the script can't";
  for (const [line, error] of [
    ["NOSUCH mine", "ERR Unknown Redis command called from script"],
    ["CLIENT NOSUCH", "ERR Unknown Redis command called from script"],
    ["GET", "ERR Wrong number of args calling Redis command from script"],
    ["SET theirs v", `${cannot} access at least one of the keys mentioned in the command arguments`],
    ["PERSIST mine", `${cannot} run this command or subcommand`],
    ["SUBSCRIBE c", noScript],
    ["MULTI", noScript],
    ["WATCH mine", noScript],
    ["CLIENT ID", noScript],
    ["ACL WHOAMI", noScript],
  ] as const)
    assert.deepEqual(call(line), { error }, line);
  assert.equal(server.sessions.size, 1);
  // A user whose rights end meanwhile has none with the next command.
  access.users.set(newUser("owner", { passwords, redis: { ...redis, keys: ["~other*"] } }));
  assert.deepEqual(call("GET mine"), {
    error: `${cannot} access at least one of the keys mentioned in the command arguments`,
  });
  assert.deepEqual(rig.errors, []);
});

test("what a caller without a connection changes wakes those who wait for it, when the turn ends", async () => {
  const { rig, peer, script } = await open();
  peer.send(requestBytes(["XREAD", "BLOCK", "0", "STREAMS", "s", "$"]));
  rig.settle();
  script.call("XADD", "s", "1-1", "f", "v");
  script.call("XADD", "s", "1-2", "f", "v");
  assert.equal(peer.take().length, 0);
  rig.settle();
  assert.match(peer.take().toString(), /^\*1\r\n\*2\r\n\$1\r\ns\r\n\*2\r\n.*1-1.*1-2/s);
});
