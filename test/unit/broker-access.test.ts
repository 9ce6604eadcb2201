import assert from "node:assert/strict";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { test } from "node:test";
import { Access, type Security } from "../../src/broker/access/access.ts";
import { passwordDigest } from "../../src/broker/access/password-hash.ts";
import { everyName, newUser } from "../../src/broker/access/users.ts";
import { quickHash } from "../../sim/quick-hash.ts";
import { logIn, makeAccess, openStorage } from "../support/access.ts";

test("guest is there at first, with a hash that really is of its password", async () => {
  const { access } = await makeAccess();
  assert.equal((await logIn(access, "guest", "guest"))?.name, "guest");
  assert.equal(await logIn(access, "guest", "other"), null);
  // One under another name, whose password nobody has remembered, must come to the same by computing.
  access.users.set({ ...access.users.get("guest")!, name: "copy" });
  assert.equal((await logIn(access, "copy", "guest"))?.name, "copy");
  assert.equal(await logIn(access, "copy", "guesT"), null);
  assert.equal(await logIn(access, "nobody", "guest"), null);
  assert.deepEqual([access.loginsMade, access.loginsFailed], [2, 3]);
});

function user(access: Access, name: string, password: string) {
  return newUser(name, { passwords: [access.storedPassword(passwordDigest(password))] });
}

test("users have their own passwords, and a changed one is changed at once", async () => {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), "access-"));
  const { access, storage } = await makeAccess({ storage: await openStorage(directory) });
  access.users.set({ ...user(access, "anna", "first"), tags: ["management"] });
  assert.deepEqual((await logIn(access, "anna", "first"))?.user?.tags, ["management"]);
  access.users.set(user(access, "anna", "second"));
  assert.equal(await logIn(access, "anna", "first"), null);
  assert.equal((await logIn(access, "anna", "second"))?.name, "anna");
  await storage.close();
  const { access: again, storage: storageAgain } = await makeAccess({
    storage: await openStorage(directory),
  });
  assert.equal((await logIn(again, "anna", "second"))?.name, "anna");
  again.users.set({ ...again.users.get("anna")!, isEnabled: false });
  assert.equal(await logIn(again, "anna", "second"), null, "switched off");
  assert.equal(again.users.delete("guest"), true);
  assert.equal(again.users.delete("anna"), true);
  assert.equal(await logIn(again, "anna", "second"), null);
  await storageAgain.close();
  const last = await makeAccess({ storage: await openStorage(directory) });
  assert.equal(await logIn(last.access, "guest", "guest"), null, "guest was deleted, and does not come back");
  await last.storage.close();
  fs.rmSync(directory, { recursive: true });
});

test("guest's well-known password opens nothing from elsewhere, and nothing once a password is set", async () => {
  const from = async (security: Security | undefined, remoteHost: string) => {
    const { access } = await makeAccess({ ...(security && { security }) });
    return (await logIn(access, "guest", "guest", { remoteHost }))?.name;
  };
  const closed = { password: undefined, name: "guest", isInsecure: false };
  assert.equal(await from(closed, "127.0.0.1"), "guest");
  assert.equal(await from(closed, "::ffff:127.0.0.1"), "guest");
  assert.equal(await from(closed, "10.0.0.1"), undefined);
  assert.equal(await from({ ...closed, isInsecure: true }, "10.0.0.1"), "guest");
  assert.equal(await from({ ...closed, password: "x", name: "anna" }, "127.0.0.1"), undefined);
  assert.equal(await from({ ...closed, password: "x" }, "127.0.0.1"), undefined);
});

test("the operator's user is there from everywhere, and not written down; `default` then has that password too", async () => {
  const security = { password: "x", name: "anna", isInsecure: false };
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), "access-"));
  const { access, storage } = await makeAccess({ security, storage: await openStorage(directory) });
  const far = { remoteHost: "10.0.0.1" };
  assert.equal((await logIn(access, "anna", "x", far))?.isAdministrator, true);
  assert.equal(await logIn(access, "anna", "", far), null);
  assert.equal(access.anonymous, null);
  assert.equal((await logIn(access, "default", "x", far))?.name, "default");
  // Changed while it is there, it is still the operator's, and keeps what it was given.
  const anna = access.users.get("anna")!;
  access.users.set({ ...anna, permissions: { ...anna.permissions, other: everyName } });
  assert.equal((await logIn(access, "anna", "x", far))?.hasVhost("other"), true);
  await storage.close();
  const { access: again, storage: storageAgain } = await makeAccess({
    storage: await openStorage(directory),
  });
  assert.deepEqual(
    again.users.all().map(({ name }) => name),
    ["guest", "anna", "default"],
  );
  assert.equal(again.anonymous?.name, "default");
  assert.equal(await logIn(again, "anna", "x", far), null, "the password is not written down");
  // Kept as open, it is closed all the same while the operator's password is set.
  again.users.set(again.defaultUser());
  await storageAgain.close();
  const last = await makeAccess({ security, storage: await openStorage(directory) });
  assert.equal(last.access.users.get("default")?.needsNoPassword, false);
  assert.equal(last.access.anonymous, null);
  assert.equal((await logIn(last.access, "anna", "x", far))?.hasVhost("other"), true);
  await last.storage.close();
  fs.rmSync(directory, { recursive: true });
});

test("guesses at one user from one address wait longer and longer, the right password among them; others do not", async () => {
  const { access, time } = await makeAccess({ passwordHash: quickHash });
  const answers: string[] = [];
  const attempt = (name: string, password: string, remoteHost: string, mark: string): void =>
    access.logIn({ protocol: "redis", name, password, remoteHost }, (authorization) =>
      answers.push(`${mark} ${authorization === null ? "no" : "yes"} ${time.monotonic()}`),
    );
  for (let i = 0; i < 7; i++) attempt("guest", `wrong ${i}`, "127.0.0.1", String(i));
  attempt("guest", "guest", "127.0.0.1", "right");
  attempt("guest", "guest", "127.0.0.2", "elsewhere");
  attempt("somebody", "x", "127.0.0.1", "another user");
  assert.deepEqual(answers, ["0 no 0", "1 no 0", "2 no 0", "3 no 0", "elsewhere yes 0", "another user no 0"]);
  answers.length = 0;
  time.advance(10_000);
  assert.deepEqual(answers, ["4 no 100", "5 no 300", "6 no 700", "right yes 1500"]);
  // It was right: the slate is clean.
  answers.length = 0;
  attempt("guest", "wrong", "127.0.0.1", "again");
  assert.deepEqual(answers, ["again no 10000"]);
});

test("an attempt whose turn would come too late is refused at once, and ten thousand addresses are remembered at most", async () => {
  const { access, time } = await makeAccess({ passwordHash: quickHash });
  let refused = 0;
  for (let i = 0; i < 100; i++) {
    access.logIn(
      { protocol: "redis", name: "guest", password: `${i}`, remoteHost: "127.0.0.1" },
      () => refused++,
    );
  }
  assert.ok(refused > 80, `${refused}`);
  time.advance(60_000);
  assert.equal(refused, 100);
  assert.equal(access.loginsFailed, 100);
});

test("the same password of many connections is looked at once", async () => {
  let computed = 0;
  const { access } = await makeAccess({
    passwordHash: {
      ...quickHash,
      inTurn: (digest, salt, done) => {
        computed++;
        setImmediate(() => quickHash.inTurn(digest, salt, done));
      },
    },
  });
  access.users.set(user(access, "anna", "p"));
  const all = await Promise.all(Array.from({ length: 1000 }, () => logIn(access, "anna", "p")));
  assert.ok(all.every((authorization) => authorization?.name === "anna"));
  assert.equal(computed, 1);
});
