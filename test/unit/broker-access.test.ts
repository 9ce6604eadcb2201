import assert from "node:assert/strict";
import { test } from "node:test";
import { Access, type Security } from "../../src/broker/access.ts";
import { systemRandom } from "../../src/net/runtime.ts";
import { Storage } from "../../src/storage/index.ts";

let lastStorage: Storage | null = null;

async function makeAccess(security?: Security): Promise<Access> {
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
  lastStorage = storage;
  return new Access(storage, systemRandom, security);
}

test("guest is there at first, with a hash that really is of its password", async () => {
  const access = await makeAccess();
  access.restore();
  assert.equal(access.authenticate("guest", "guest", "127.0.0.1")?.name, "guest");
  assert.equal(access.authenticate("guest", "other", "127.0.0.1"), null);
  // Another one, which has not been told the password, must come to the same by computing.
  const other = await makeAccess();
  other.users.set("guest", access.users.get("guest")!);
  assert.equal(other.authenticate("guest", "guest", "127.0.0.1")?.name, "guest");
  assert.equal(other.authenticate("guest", "guesT", "127.0.0.1"), null);
});

test("users have their own passwords, and a changed one is changed at once", async () => {
  const access = await makeAccess();
  access.setUser("anna", "first", ["management"]);
  assert.deepEqual(access.authenticate("anna", "first", "127.0.0.1")?.tags, ["management"]);
  access.setUser("anna", "second", []);
  assert.equal(access.authenticate("anna", "first", "127.0.0.1"), null);
  assert.equal(access.authenticate("anna", "second", "127.0.0.1")?.name, "anna");
  assert.equal(access.authenticate("nobody", "second", "127.0.0.1"), null);
  assert.equal(access.deleteUser("anna"), true);
  assert.equal(access.authenticate("anna", "second", "127.0.0.1"), null);
});

test("guest's well-known password opens nothing from elsewhere, and nothing once a password is set", async () => {
  const from = async (security: Security | undefined, remote: string) => {
    const access = await makeAccess(security);
    access.restore();
    return access.authenticate("guest", "guest", remote)?.name;
  };
  const closed = { password: undefined, name: "guest", isInsecure: false };
  assert.equal(await from(closed, "127.0.0.1"), "guest");
  assert.equal(await from(closed, "::ffff:127.0.0.1"), "guest");
  assert.equal(await from(closed, "10.0.0.1"), undefined);
  assert.equal(await from({ ...closed, isInsecure: true }, "10.0.0.1"), "guest");
  assert.equal(await from({ ...closed, password: "x", name: "anna" }, "127.0.0.1"), undefined);
  assert.equal(await from({ ...closed, password: "x" }, "127.0.0.1"), undefined);
});

test("the operator's user is there from everywhere, and not written down", async () => {
  const access = await makeAccess({ password: "x", name: "anna", isInsecure: false });
  access.restore();
  assert.equal(access.authenticate("anna", "x", "10.0.0.1")?.name, "anna");
  assert.equal(access.authenticate("anna", "", "10.0.0.1"), null);
  assert.ok(access.isOperatorPassword("x") && !access.isOperatorPassword("y"));
  const again = new Access(lastStorage!, systemRandom);
  again.restore();
  assert.deepEqual([...again.users.keys()], ["guest"]);
});
