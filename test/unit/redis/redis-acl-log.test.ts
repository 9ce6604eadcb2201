/** What counts as the same refusal in ACL LOG, by a clock that is passed in. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { AclLog } from "../../../src/protocols/redis/acl/log.ts";
import type { AclRefusal } from "../../../src/protocols/redis/acl/refusal.ts";

const refusal: AclRefusal = { reason: "command", context: "toplevel", object: "get", username: "ann" };

test("a refusal that comes again within a minute of the last is the same entry, however old that is", () => {
  const state = { now: 1000 };
  const log = new AclLog({ now: () => state.now, monotonic: () => state.now });
  for (let i = 0; i < 10; i++) {
    log.add(refusal, `client ${i}`);
    state.now += 60_000;
  }
  const [entry, ...others] = log.newest(10);
  assert.deepEqual(others, []);
  assert.equal(entry!.count, 10);
  assert.equal(entry!.createdAt, 1000);
  assert.equal(entry!.updatedAt, 1000 + 9 * 60_000);
  assert.equal(entry!.client, "client 9");
  state.now += 1;
  log.add(refusal, "later");
  assert.deepEqual(
    log.newest(10).map(({ id, count }) => [id, count]),
    [
      [1, 1],
      [0, 10],
    ],
  );
});

test("what differs in anything is an entry of its own; the newest comes first, also when it is counted again", () => {
  const log = new AclLog({ now: () => 0, monotonic: () => 0 });
  const others: AclRefusal[] = [
    { ...refusal, reason: "key" },
    { ...refusal, context: "multi" },
    { ...refusal, object: "set" },
    { ...refusal, username: "bob" },
  ];
  for (const each of [refusal, ...others, refusal]) log.add(each, "");
  assert.deepEqual(
    log.newest(10).map(({ id, count }) => [id, count]),
    [
      [0, 2],
      [4, 1],
      [3, 1],
      [2, 1],
      [1, 1],
    ],
  );
});
