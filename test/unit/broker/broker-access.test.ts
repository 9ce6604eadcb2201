import assert from "node:assert/strict";
import crypto from "node:crypto";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { test } from "node:test";
import { Access, type Credentials, type Security } from "../../../src/broker/access/access.ts";
import { type PasswordHash, passwordDigest } from "../../../src/broker/access/password-hash.ts";
import { everyName, newUser, type StoredPassword } from "../../../src/broker/access/users.ts";
import { quickHash } from "../../../sim/quick-hash.ts";
import { logIn, makeAccess, openStorage } from "../../support/access.ts";

test("guest is there at first, with a hash that really is of its password", async () => {
  const { access } = await makeAccess();
  assert.equal((await logIn(access, "guest", "guest"))?.name, "guest");
  assert.equal(await logIn(access, "guest", "other"), null);
  // One under another name, whose password nobody has remembered, must come to the same by computing.
  access.users.set({ ...access.users.get("guest")!, name: "copy" });
  assert.equal((await logIn(access, "copy", "guest"))?.name, "copy");
  assert.equal(await logIn(access, "copy", "guesT"), null);
  assert.equal(await logIn(access, "nobody", "guest"), null);
  assert.deepEqual(access.attemptsMade(), { succeeded: 2, failed: 3 });
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

test("an empty password logs in nobody, but over Redis who was given it or needs none", async () => {
  const { access } = await makeAccess({ passwordHash: quickHash });
  const salt = Buffer.from("salt");
  const hash = Buffer.concat([salt, crypto.createHash("sha256").update(salt).digest()]).toString("base64");
  const importedPassword = { algorithm: "rabbit_password_hashing_sha256", hash };
  access.users.set(newUser("imported", { importedPassword }));
  access.users.set(user(access, "own", ""));
  access.users.set(newUser("open", { needsNoPassword: true }));
  const into = async (protocol: Credentials["protocol"]): Promise<string[]> => {
    const takesNoPassword = protocol === "redis";
    const found = ["imported", "own", "open", "nobody"].map(async (name) => {
      const authorization = await logIn(access, name, "", { protocol, takesNoPassword });
      return authorization === null ? [] : [name];
    });
    return (await Promise.all(found)).flat();
  };
  for (const protocol of ["amqp", "http", "kafka"] as const) assert.deepEqual(await into(protocol), []);
  assert.deepEqual(await into("redis"), ["own", "open"]);
  assert.deepEqual(access.attemptsMade(), { succeeded: 2, failed: 14 });
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
  assert.equal(access.attemptsMade().failed, 100);
});

test("the same password of many connections is looked at once", async () => {
  let computed = 0;
  const { access } = await makeAccess({
    passwordHash: {
      ...quickHash,
      later: (digest, salt, done) => {
        computed++;
        setImmediate(() => quickHash.later(digest, salt, done));
      },
    },
  });
  access.users.set(user(access, "anna", "p"));
  const all = await Promise.all(Array.from({ length: 1000 }, () => logIn(access, "anna", "p")));
  assert.ok(all.every((authorization) => authorization?.name === "anna"));
  assert.equal(computed, 1);
});

/** Hashes end when the test says so. */
function manualHash() {
  const begun: (() => void)[] = [];
  let computed = 0;
  return {
    ...quickHash,
    later: ((digest, salt, done) => {
      computed++;
      begun.push(() => quickHash.later(digest, salt, done));
    }) satisfies PasswordHash["later"],
    get computed(): number {
      return computed;
    },
    /** The oldest that runs ends. */
    end: (): boolean => {
      begun.shift()?.();
      return begun.length > 0;
    },
  };
}

test("a wrong password takes one hash and one way: whether the user exists, may come in, and has one password or many", async () => {
  const hash = manualHash();
  const security = { password: "x", name: "operator", isInsecure: false };
  const { access } = await makeAccess({ passwordHash: hash, security });
  const passwords: StoredPassword[] = [];
  for (let i = 0; i < 16; i++) {
    const digest = passwordDigest(`p${i}`);
    assert.equal(access.findStoredPassword(passwords, digest), undefined);
    passwords.push(access.storedPassword(digest, passwords));
    assert.equal(access.findStoredPassword(passwords, digest), passwords[i]);
  }
  access.users.set(newUser("many", { passwords }));
  access.users.set(newUser("one", { passwords: passwords.slice(0, 1) }));
  access.users.set(newUser("none"));
  access.users.set(newUser("disabled", { passwords, isEnabled: false }));
  for (const name of ["many", "one", "none", "disabled", "operator", "default", "guest", "nobody"]) {
    const before = hash.computed;
    const answer = logIn(access, name, "wrong", { remoteHost: "10.0.0.1" });
    while (hash.end());
    assert.equal(await answer, null);
    assert.equal(hash.computed - before, 1, name);
  }
  for (const password of ["p15", "p0"]) {
    const answer = logIn(access, "many", password);
    while (hash.end());
    assert.equal((await answer)?.name, "many");
  }
});

test("guesses at a user that does not exist wait as those at one that does", async () => {
  const { access, time } = await makeAccess({ passwordHash: quickHash });
  const answers: Record<string, number[]> = {};
  for (const name of ["guest", "nobody"]) {
    const told: number[] = (answers[name] = []);
    for (let i = 0; i < 20; i++) {
      access.logIn({ protocol: "amqp", name, password: `wrong ${i}`, remoteHost: "127.0.0.1" }, () =>
        told.push(time.monotonic()),
      );
    }
  }
  time.advance(60_000);
  assert.equal(answers["guest"]!.length, 20);
  assert.deepEqual(answers["nobody"], answers["guest"]);
});

test("a hundred and twenty addresses that guess keep no right password out: the lines take turns", async () => {
  const hash = manualHash();
  const { access } = await makeAccess({ passwordHash: hash });
  access.users.set(user(access, "anna", "right"));
  let failed = 0;
  for (let address = 0; address < 120; address++) {
    for (let i = 0; i < 30; i++) {
      const credentials = {
        protocol: "amqp" as const,
        name: `user ${i}`,
        password: "wrong",
        remoteHost: `10.0.0.${address}`,
      };
      access.logIn(credentials, () => failed++);
    }
  }
  let answer: string | null | undefined;
  access.logIn(
    { protocol: "amqp", name: "anna", password: "right", remoteHost: "10.1.1.1" },
    (authorization) => {
      answer = authorization?.name ?? null;
    },
  );
  for (let ended = 0; answer === undefined; ended++) {
    assert.ok(ended <= 125, "not within one round");
    hash.end();
  }
  assert.equal(answer, "anna");
  // From where somebody has logged in, one does not even wait for a round.
  access.users.set(user(access, "berta", "right too"));
  answer = undefined;
  access.logIn(
    { protocol: "amqp", name: "berta", password: "right too", remoteHost: "10.1.1.1" },
    (authorization) => {
      answer = authorization?.name ?? null;
    },
  );
  for (let ended = 0; answer === undefined; ended++) {
    assert.ok(ended <= 4, "not within its group's next turn");
    hash.end();
  }
  assert.equal(answer, "berta");
  while (hash.end());
  assert.equal(failed, 120 * 30);
});

test("an address that tries one name after the other is given rests; one whose passwords are right is not", async () => {
  const hash = { ...quickHash, computed: 0 };
  const { access, time } = await makeAccess({
    passwordHash: {
      ...quickHash,
      later: (digest, salt, done) => {
        hash.computed++;
        quickHash.later(digest, salt, done);
      },
    },
  });
  const spray = (remoteHost: string): void => {
    for (let i = 0; i < 100; i++)
      access.logIn({ protocol: "amqp", name: `user ${i}`, password: "wrong", remoteHost }, () => {});
  };
  spray("10.0.0.1");
  assert.equal(hash.computed, 32);
  time.advance(1000);
  assert.equal(hash.computed, 32 + 5);
  // The others have waited longer than a login may.
  time.advance(20_000);
  assert.ok(hash.computed < 32 + 60, `${hash.computed}`);
  const names = Array.from({ length: 100 }, (_, i) => `right ${i}`);
  for (const name of names) access.users.set(user(access, name, "p"));
  const all = await Promise.all(names.map((name) => logIn(access, name, "p", { remoteHost: "10.0.0.2" })));
  assert.ok(all.every((authorization) => authorization !== null));
});
