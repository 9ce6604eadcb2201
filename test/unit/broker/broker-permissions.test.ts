import assert from "node:assert/strict";
import { test } from "node:test";
import type { KafkaAcl } from "../../../src/broker/access/acls.ts";
import { limits } from "../../../src/base/limits.ts";
import { keysOfPattern } from "../../../src/broker/access/rights.ts";
import {
  faultsOfPatterns,
  operations,
  type ResourceKind,
  type Right,
} from "../../../src/broker/access/rule.ts";
import {
  administratorTag,
  everyName,
  everyRedisRule,
  newUser,
  type User,
} from "../../../src/broker/access/users.ts";
import { makeAccess } from "../../support/access.ts";

async function asker(user: Partial<User>, acls: readonly Partial<KafkaAcl>[] = []) {
  const { access } = await makeAccess();
  access.users.set(newUser("ann", user));
  access.acls.add(
    acls.map((acl) => ({
      kind: "name",
      name: "t",
      patternType: "literal",
      principal: "User:ann",
      host: "*",
      operation: "read",
      permission: "allow",
      ...acl,
    })),
  );
  const authorization = access.permissions.of("ann");
  const may = (
    right: Right,
    name: string,
    {
      vhost = "/",
      kind = "name",
      host = "127.0.0.1",
    }: { vhost?: string; kind?: ResourceKind; host?: string } = {},
  ): boolean => authorization.allows({ vhost, kind, right, name }, host);
  return { access, authorization, may };
}

test("RabbitMQ's: expressions found anywhere in the name, in one virtual host; an empty one is the empty name", async () => {
  const { may } = await asker({ permissions: { "/": { configure: "", write: "b", read: "^a" } } });
  assert.ok(may("read", "abc") && !may("read", "xabc") && may("write", "xbx") && !may("write", "x"));
  assert.ok(!may("create", "a") && may("create", ""));
  assert.ok(!may("read", "abc", { vhost: "other" }) && !may("read", "abc", { vhost: "\0redis/1" }));
  assert.ok(may("describe", "abc") && !may("describe", "zzz"), "to read is to see");
  assert.ok(may("read", "abc", { kind: "group" }) && !may("read", "abc", { kind: "channel" }));
});

test("stored patterns that cannot be matched allow nothing, and are told", async () => {
  const long = "a".repeat(limits.globBytesMax + 1);
  const user: Partial<User> = {
    permissions: { "/": { configure: "(a)\\1", write: "^(?!b)", read: "(" } },
    redis: { commands: ["+@all"], keys: [`%R~${long}`, "~k"], channels: [`&${long}`] },
  };
  const { may } = await asker(user);
  assert.ok(!may("create", "aa") && !may("read", "a") && !may("read", long));
  assert.ok(may("write", "a") && !may("write", "b") && may("read", "k"));
  const faults = faultsOfPatterns(newUser("ann", user));
  assert.deepEqual(
    faults.map((fault) => /back-reference|without its|too long/.exec(fault)?.[0]),
    ["back-reference", "without its", "too long", "too long"],
  );
});

test("Redis's: patterns for reading, writing or both, in every database; channels are apart", async () => {
  const { may, authorization } = await asker({
    redis: { commands: ["+@all"], keys: ["~both:*", "%R~r:?", "%W~w:[ab]"], channels: ["&ch*"] },
  });
  for (const vhost of ["/", "\0redis/3"]) {
    assert.ok(may("read", "both:1", { vhost }) && may("write", "both:1", { vhost }), vhost);
    assert.ok(
      may("read", "r:1", { vhost }) && !may("write", "r:1", { vhost }) && !may("read", "r:12", { vhost }),
    );
    assert.ok(
      may("write", "w:a", { vhost }) && !may("write", "w:c", { vhost }) && !may("read", "w:a", { vhost }),
    );
  }
  assert.ok(!may("read", "both:1", { vhost: "other" }));
  assert.ok(may("read", "ch1", { kind: "channel" }) && !may("read", "both:1", { kind: "channel" }));
  const pattern = (name: string): boolean =>
    authorization.allowsPattern({ vhost: "/", kind: "channel", right: "read", name }, "127.0.0.1");
  assert.ok(pattern("ch*") && !pattern("ch1*") && !pattern("*") && !pattern("c*"));
});

test("Kafka's: literals, prefixes, everybody, hosts; a denial counts more, but not for administrators", async () => {
  const acls: Partial<KafkaAcl>[] = [
    { name: "lit", operation: "write" },
    { name: "pre", patternType: "prefixed" },
    { name: "pre-no", permission: "deny", operation: "read" },
    { name: "all", principal: "User:*", operation: "all" },
    { name: "far", host: "10.0.0.1" },
    { name: "not", principal: "User:bob" },
    { kind: "cluster", name: "kafka-cluster", operation: "create" },
  ];
  const { may } = await asker({}, acls);
  assert.ok(may("write", "lit") && !may("write", "lit2") && !may("read", "lit") && may("describe", "lit"));
  assert.ok(may("read", "pre-fix") && !may("read", "pre-no") && may("describe", "pre-no"));
  for (const operation of operations) assert.ok(may(operation, "all"), operation);
  assert.ok(!may("read", "far") && may("read", "far", { host: "10.0.0.1" }) && !may("read", "not"));
  assert.ok(may("create", "kafka-cluster", { kind: "cluster" }) && !may("alter", "x", { kind: "cluster" }));
  const root = await asker({ tags: [administratorTag], permissions: { "/": everyName } }, acls);
  assert.ok(root.may("read", "pre-no") && root.may("alter", "x", { kind: "cluster" }));
});

/** Everything, by each kind of rules there is. */
const byRules: Readonly<Record<string, Partial<User>>> = {
  "RabbitMQ's permissions": { permissions: { "/": everyName } },
  "Redis's rules": { redis: everyRedisRule },
  "a selector": { redis: { commands: [], keys: [], channels: [], selectors: [everyRedisRule] } },
};

for (const [what, user] of Object.entries(byRules)) {
  for (const tags of [[], [administratorTag], ["management"]]) {
    for (const [principal, isHers] of [
      ["User:*", true],
      ["User:ann", true],
      ["User:bob", false],
    ] as const) {
      test(`a denial to ${principal} for ann [${tags.join()}], who may by ${what}`, async () => {
        const { authorization } = await asker({ ...user, tags }, [
          { name: "no", permission: "deny", principal },
        ]);
        const [asked = authorization] = authorization.selectors;
        const may = (name: string): boolean =>
          asked.allows({ vhost: "/", kind: "name", right: "read", name }, "127.0.0.1");
        const isDenied = isHers && !tags.includes(administratorTag);
        assert.equal(may("no"), !isDenied);
        assert.equal(asked.hasDenials, isDenied);
        assert.equal(asked.allowsAll("/"), !isDenied);
        assert.equal(may("yes"), true);
      });
    }
  }
}

test("whoever may do everything is known to, and a question more costs nothing; what is taken is taken at once", async () => {
  const { access, authorization, may } = await asker({ permissions: { "/": everyName } });
  assert.ok(authorization.allowsAll("/") && !authorization.allowsAll("\0redis/1"));
  const before = authorization.version;
  access.users.set(newUser("ann", { redis: everyRedisRule }));
  assert.equal(access.permissions.of("ann"), authorization, "connections keep what they have");
  assert.ok(
    authorization.version > before && authorization.allowsAll("/") && authorization.allowsAll("\0redis/1"),
  );
  access.acls.add([
    {
      kind: "name",
      name: "x",
      patternType: "literal",
      principal: "User:*",
      host: "*",
      operation: "read",
      permission: "deny",
    },
  ]);
  assert.ok(!authorization.allowsAll("/") && !may("read", "x") && may("read", "y"));
  let told = 0;
  authorization.holders.add({ userDeleted: () => told++ });
  access.users.delete("ann");
  assert.ok(!may("read", "y") && !authorization.hasVhost("/"));
  assert.equal(told, 1);
});

test("`allowsAll` is true only where every question is answered by yes", async () => {
  const names = ["", "a", "some.name", "\xff\0"];
  const cases: { user: Partial<User>; acls?: Partial<KafkaAcl>[] }[] = [
    { user: { permissions: { "/": everyName } } },
    { user: { permissions: { "/": { ...everyName, read: "^a" } } } },
    { user: { redis: everyRedisRule } },
    { user: { redis: { ...everyRedisRule, channels: [] } } },
    { user: { redis: { ...everyRedisRule, keys: ["%R~*"] } } },
    { user: {}, acls: [{ name: "*", operation: "all" }] },
    { user: { redis: { ...everyRedisRule, keys: [] } }, acls: [{ name: "*", operation: "all" }] },
    { user: { permissions: { "/": everyName } }, acls: [{ permission: "deny" }] },
    { user: {}, acls: [{ name: "*", operation: "all", host: "10.0.0.1" }] },
  ];
  const free: number[] = [];
  for (const [i, { user, acls }] of cases.entries()) {
    const { authorization, may } = await asker(user, acls);
    if (!authorization.allowsAll("/")) continue;
    free.push(i);
    for (const name of names) {
      for (const operation of [
        "read",
        "write",
        "create",
        "delete",
        "alter",
        "describe",
        "alterConfigs",
      ] as const) {
        for (const kind of ["name", "group"] as const) {
          assert.ok(may(operation, name, { kind }), `${JSON.stringify(user)} ${kind} ${operation} ${name}`);
        }
      }
      assert.ok(may("read", name, { kind: "channel" }) && may("write", name, { kind: "channel" }));
    }
  }
  assert.deepEqual(free, [0, 2]);
});

test("a binding by a topic pattern takes the channels that begin as it does before its first wild word", async () => {
  const patterns: [pattern: string, prefix: string, isExact: boolean][] = [
    ["news", "news", true],
    ["", "", true],
    ["a*.b#", "a*.b#", true],
    ["news.*", "news.", false],
    ["news.sport.*.x", "news.sport.", false],
    // `#` is no word as well, and then there is no dot before it.
    ["news.#", "news", false],
    ["#", "", false],
    ["*.news", "", false],
  ];
  for (const [pattern, prefix, isExact] of patterns)
    assert.deepEqual(keysOfPattern(pattern), { prefix, isExact }, pattern);
  const covers = async (channels: string, prefix: string): Promise<boolean> => {
    const redis = { commands: ["+@all"], keys: [], channels: [channels] };
    const { authorization } = await asker({ redis });
    return authorization.allowsPrefix(
      { vhost: "/", kind: "channel", right: "read", name: prefix },
      "127.0.0.1",
    );
  };
  assert.ok(
    (await covers("&*", "")) && (await covers("&news.*", "news.")) && (await covers("&news*", "news")),
  );
  assert.ok(!(await covers("&news.*", "news")) && !(await covers("&news", "news")));
  assert.ok(
    !(await covers("&n?ws.*", "news.")),
    "a glob that is more than a beginning is not known to cover it",
  );
});
