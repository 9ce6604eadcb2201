/** What becomes of long Redis commands when something else changes between two of their turns. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type Peer, Rig } from "../../fuzz/rig.ts";
import { passwordDigest } from "../../src/broker/access/password-hash.ts";
import { newUser } from "../../src/broker/access/users.ts";

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
