import assert from "node:assert/strict";
import { test } from "node:test";
import { Access } from "../../src/broker/access.ts";
import { systemRandom } from "../../src/net/runtime.ts";
import { Storage } from "../../src/storage/index.ts";

async function makeAccess(): Promise<Access> {
  const storage = await Storage.open({
    disk: null,
    directory: "memory",
    now: () => 0,
    journalBytesMax: 1 << 20,
    requestFlush: () => {},
    pause: async () => {},
    onDurable: () => {},
    onFatal: () => {},
  });
  return new Access(storage, systemRandom);
}

test("guest is there at first, with a hash that really is of its password", async () => {
  const access = await makeAccess();
  access.restore();
  assert.equal(access.authenticate("guest", "guest")?.name, "guest");
  assert.equal(access.authenticate("guest", "other"), null);
  // Another one, which has not been told the password, must come to the same by computing.
  const other = await makeAccess();
  other.users.set("guest", access.users.get("guest")!);
  assert.equal(other.authenticate("guest", "guest")?.name, "guest");
  assert.equal(other.authenticate("guest", "guesT"), null);
});

test("users have their own passwords, and a changed one is changed at once", async () => {
  const access = await makeAccess();
  access.setUser("anna", "first", ["management"]);
  assert.deepEqual(access.authenticate("anna", "first")?.tags, ["management"]);
  access.setUser("anna", "second", []);
  assert.equal(access.authenticate("anna", "first"), null);
  assert.equal(access.authenticate("anna", "second")?.name, "anna");
  assert.equal(access.authenticate("nobody", "second"), null);
  assert.equal(access.deleteUser("anna"), true);
  assert.equal(access.authenticate("anna", "second"), null);
});
