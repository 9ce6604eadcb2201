/** Long Redis commands: what changes between two of their turns, and those that have one turn only. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type Peer, Rig } from "../../../fuzz/rig.ts";
import { passwordDigest } from "../../../src/broker/access/password-hash.ts";
import { newUser } from "../../../src/broker/access/users.ts";
import { exec } from "../../../src/protocols/redis/transaction/exec.ts";
import type { RedisSession } from "../../../src/protocols/redis/session.ts";

function words(...parts: (string | number)[]): Buffer {
  const bulks = parts.map((part) => `$${Buffer.byteLength(String(part))}\r\n${part}\r\n`);
  return Buffer.from(`*${parts.length}\r\n${bulks.join("")}`);
}

function setListener(rig: Rig, channels: string[]): void {
  const { access } = rig.broker;
  const passwords = [access.storedPassword(passwordDigest("secret"))];
  access.users.set(
    newUser("listener", { passwords, redis: { commands: ["+@all"], keys: ["~*"], channels } }),
  );
}

function logIn(rig: Rig): Peer {
  const peer = rig.connect("redis");
  peer.send(words("AUTH", "listener", "secret"));
  rig.settle();
  assert.equal(peer.take().toString(), "+OK\r\n");
  return peer;
}

const channels = Array.from({ length: 5000 }, (_, i) => (i < 4000 ? `early${i}` : `late${i}`));

for (const command of ["SUBSCRIBE", "SSUBSCRIBE"]) {
  for (const left of ["&early*", "&*a*"]) {
    test(`${command} is at work when its user is left with ${left}`, async () => {
      const rig = await Rig.open();
      setListener(rig, ["&*"]);
      const peer = logIn(rig);
      peer.send(words(command, ...channels));
      assert.equal(rig.broker.work.waitingCount, 1);
      setListener(rig, [left]);
      rig.settle();
      assert.equal(peer.isClosed, left === "&early*");
      assert.equal(rig.broker.work.waitingCount, 0);
    });
  }
}

test("all replies of EXEC are bounded together, and what changes something is done all the same", async () => {
  const rig = await Rig.open();
  const peer = rig.connect("redis");
  peer.send(words("SET", "large", "x".repeat(40_000)));
  peer.send(words("MULTI"));
  for (let i = 0; i < 5; i++) peer.send(words("GET", "large"));
  peer.send(words("SET", "large", "y", "GET"));
  peer.send(words("INCR", "count"));
  rig.settle();
  peer.take();
  const { context } = peer.connection.session as RedisSession;
  exec(context, 100_000);
  peer.connection.touch();
  rig.settle();
  const replies = peer.take().toString();
  assert.deepEqual(
    replies
      .replaceAll(/x+/g, "x")
      .split("\r\n")
      .map((line) => line.slice(0, 10)),
    ["*7", "$40000", "x", "$40000", "x", "-ERR the r", "-ERR the r", "-ERR the r", "-ERR the r", ":1", ""],
  );
  peer.send(words("GET", "large"));
  rig.settle();
  assert.equal(peer.take().toString(), "$1\r\ny\r\n");
});
