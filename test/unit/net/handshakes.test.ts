/** TLS handshakes of a listener: each ends once, and what has ended is nothing that the listener still ends. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Handshakes } from "../../../src/net/handshakes.ts";

function opened() {
  const failed: string[] = [];
  const dropped: string[] = [];
  const door = { handshakeFailed: (_host: string, reason: string) => void failed.push(reason) };
  const all = new Handshakes(door as never);
  const begin = (name: string) => {
    const guest = { drop: () => {} };
    const handshake = all.begin({ guest } as never, "host", () => void dropped.push(name));
    return { handshake, guest };
  };
  return { all, begin, failed, dropped };
}

/** How a handshake ends, and what is counted and dropped then. */
const ends = {
  "it succeeds": { failed: 0, dropped: 0, end: (one: Begun) => one.handshake.end() },
  "it fails": { failed: 1, dropped: 1, end: (one: Begun) => one.handshake.fail("why") },
  "it makes room for another": { failed: 0, dropped: 1, end: (one: Begun) => one.guest.drop() },
} as const;
type Begun = ReturnType<ReturnType<typeof opened>["begin"]>;

for (const [first, one] of Object.entries(ends)) {
  for (const [then, other] of Object.entries(ends)) {
    test(`${first}, and then ${then}: only the first counts`, () => {
      const { all, begin, failed, dropped } = opened();
      const handshake = begin("a");
      one.end(handshake);
      assert.equal(all.open.size, 0);
      other.end(handshake);
      assert.equal(handshake.handshake.end(), false);
      assert.deepEqual([failed.length, dropped.length], [one.failed, one.dropped]);
    });
  }
}

test("a listener that closes ends the handshakes that are in progress, and no connection", () => {
  const { all, begin, failed, dropped } = opened();
  const done = begin("done");
  begin("in progress");
  begin("failed").handshake.fail("why");
  assert.equal(done.handshake.end(), true);
  begin("another");
  all.dropAll();
  assert.deepEqual(dropped, ["failed", "in progress", "another"]);
  assert.deepEqual(failed, ["why"]);
  all.dropAll();
  assert.equal(dropped.length, 3);
});
