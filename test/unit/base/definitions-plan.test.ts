import assert from "node:assert/strict";
import { test } from "node:test";
import { type Definitions, definitionsIn } from "../../../src/base/definitions/document.ts";
import { erlangPairs, erlangTerm } from "../../../src/base/definitions/erlang-term.ts";
import { withoutForeign } from "../../../src/base/definitions/foreign.ts";
import { planOf } from "../../../src/base/definitions/plan.ts";

const there: Definitions = {
  users: [{ name: "a", password_hash: "x", tags: ["management"], limits: {} }],
  vhosts: [{ name: "/" }],
  policies: [
    { vhost: "/", name: "p", pattern: "^q", "apply-to": "all", definition: { expires: 1 }, priority: 0 },
  ],
  queues: [{ vhost: "/", name: "q", durable: true, auto_delete: false, arguments: {} }],
  parameters: [{ vhost: "/", component: "vhost-limits", name: "limits", value: {} }],
};

function shown(wanted: Definitions, prunes = false): string[] {
  return planOf(there, wanted, { prunes }).map(
    ({ action, called, fields }) => `${action} ${called}${fields.length === 0 ? "" : `: ${fields.join()}`}`,
  );
}

test("what is there already needs no change, however it is written", () => {
  assert.deepEqual(shown(there), []);
  assert.deepEqual(
    shown({
      users: [{ name: "a", tags: " management" }],
      policies: [{ name: "p", vhost: "/", pattern: "^q", definition: { expires: 1 } }],
      queues: [{ vhost: "/", name: "q", arguments: [] }],
      parameters: [{ vhost: "/", component: "vhost-limits", name: "limits", value: [] }],
    }),
    [],
  );
});

test("additions, changes and conflicts, in the order of import", () => {
  assert.deepEqual(
    shown({
      queues: [
        { vhost: "/", name: "q", durable: false },
        { vhost: "/", name: "new" },
      ],
      users: [{ name: "a", tags: [] }, { name: "b" }],
      policies: [{ vhost: "/", name: "p", pattern: "^r", priority: 2, definition: { expires: 1 } }],
      bindings: [{ vhost: "/", source: "e", destination_type: "queue", destination: "q", routing_key: "k" }],
    }),
    [
      "change user 'a': tags",
      "add user 'b'",
      "change policy 'p' in virtual host '/': pattern,priority",
      "conflict queue 'q' in virtual host '/': durable",
      "add queue 'new' in virtual host '/'",
      "add binding 'e' -> 'q' by 'k' in virtual host '/'",
    ],
  );
});

test("pruning deletes what the document's categories lack, last things first", () => {
  assert.deepEqual(shown({ users: [], policies: [], queues: [{ vhost: "/", name: "r" }] }, true), [
    "add queue 'r' in virtual host '/'",
    "delete queue 'q' in virtual host '/'",
    "delete policy 'p' in virtual host '/'",
    "delete user 'a'",
  ]);
});

test("pruning spares who prunes, the virtual host /, dead letters of what stays, and other virtual hosts", () => {
  const current: Definitions = {
    users: [{ name: "me" }, { name: "other" }],
    vhosts: [{ name: "/" }, { name: "v" }, { name: "w" }],
    permissions: ["me", "other"].map((user) => ({ user, vhost: "v" })),
    topic_permissions: ["me", "other"].map((user) => ({ user, vhost: "v", exchange: "e" })),
    queues: ["/", "v"].flatMap((vhost) => ["a", "a.dead", "b", "b.dead"].map((name) => ({ name, vhost }))),
  };
  const wanted: Definitions = {
    users: [],
    vhosts: [],
    permissions: [],
    topic_permissions: [],
    queues: [
      { name: "a", vhost: "v" },
      { name: "new", vhost: "/" },
    ],
  };
  const pruned = (vhost?: string): string[] =>
    planOf(current, wanted, { prunes: true, user: "me", vhost }).map(
      ({ action, called }) => `${action} ${called}`,
    );
  const ofV = ["delete queue 'b.dead' in virtual host 'v'", "delete queue 'b' in virtual host 'v'"];
  const rights = [
    "delete topic permission of user 'other' on exchange 'e' in virtual host 'v'",
    "delete permission of user 'other' in virtual host 'v'",
  ];
  assert.deepEqual(pruned("v"), [...ofV, ...rights]);
  assert.deepEqual(pruned(), [
    "add queue 'new' in virtual host '/'",
    ...ofV,
    ...["b.dead", "b", "a.dead", "a"].map((name) => `delete queue '${name}' in virtual host '/'`),
    ...rights,
    "delete virtual host 'w'",
    "delete virtual host 'v'",
    "delete user 'other'",
  ]);
});

test("a document is an object of lists", () => {
  assert.equal(definitionsIn([]), "the document is no JSON object");
  assert.equal(definitionsIn({ users: {} }), "users is no list");
  assert.deepEqual(definitionsIn({ users: [1, { name: "a" }], other: 3 }), { users: [{ name: "a" }] });
});

test("values as Erlang prints them", () => {
  for (const [value, text] of [
    [-1, "-1"],
    ["x", '<<"x">>'],
    ['"', '<<"\\"">>'],
    [null, "null"],
    [[1, "a", true], '[1,<<"a">>,true]'],
    [{ a: 1 }, '#{<<"a">> => 1}'],
    [undefined, "undefined"],
  ] as const) {
    assert.equal(erlangTerm(value), text);
  }
  assert.equal(erlangPairs({ b: 1, a: "x" }), '[{<<"a">>,<<"x">>},{<<"b">>,1}]');
  const long = erlangPairs({ nah: true, nope: "s", x: [1, "a"], y: { a: 1 }, z: null });
  assert.equal(
    long,
    '[{<<"nah">>,true},\n {<<"nope">>,<<"s">>},\n {<<"x">>,[1,<<"a">>]},\n {<<"y">>,#{<<"a">> => 1}},\n {<<"z">>,null}]',
  );
  assert.ok(erlangTerm("x".repeat(5000)).length < 2100);
});

test("what belongs to the cluster that a document comes from is left alone", () => {
  const current = { global_parameters: [{ name: "internal_cluster_id", value: "mine" }] };
  const wanted = { global_parameters: [{ name: "internal_cluster_id", value: "another's" }] };
  assert.deepEqual(planOf(current, wanted, { prunes: true }), []);
  assert.deepEqual(planOf(current, { global_parameters: [] }, { prunes: true }), []);
});

test("parameters that are policies and limits are called so", () => {
  const value = { "max-queues": 1 };
  const parameters = ["operator_policy", "vhost-limits", "own"].map((component) => ({
    vhost: "/",
    component,
    name: "x",
    value,
  }));
  assert.deepEqual(shown({ parameters }), [
    "add operator policy 'x' in virtual host '/'",
    "add limits of virtual host '/'",
    "add parameter 'own/x' in virtual host '/'",
  ]);
});

test("shovels and federation are left out and named", () => {
  const { kept, leftOut } = withoutForeign({
    queues: [{ vhost: "/", name: "q", type: "x-federation-upstream" }],
    exchanges: [{ vhost: "/", name: "federation: e", type: "x-federation-upstream" }],
    parameters: ["shovel", "federation-upstream", "federation-upstream-set", "vhost-limits"].map(
      (component) => ({
        vhost: "/",
        component,
        name: "p",
      }),
    ),
    policies: [
      { vhost: "/", name: "fed", definition: { "federation-upstream-set": "all" } },
      { vhost: "/", name: "both", definition: { "federation-upstream": "up", expires: 1 } },
      { vhost: "/", name: "own", definition: { expires: 1 } },
      { vhost: "/", name: "odd", definition: 3 },
    ],
  });
  assert.deepEqual(leftOut, [
    "exchange 'federation: e' in virtual host '/': there is no federation here",
    "policy 'fed' in virtual host '/': there is no federation here",
    "policy 'both' in virtual host '/': without federation-upstream, since there is no federation here",
    "parameter 'shovel/p' in virtual host '/': there are no shovels here",
    "parameter 'federation-upstream/p' in virtual host '/': there is no federation here",
    "parameter 'federation-upstream-set/p' in virtual host '/': there is no federation here",
  ]);
  assert.deepEqual(
    kept.policies!.map(({ name, definition }) => [name, definition]),
    [
      ["both", { expires: 1 }],
      ["own", { expires: 1 }],
      ["odd", 3],
    ],
  );
  assert.equal(kept.parameters!.length, 1);
  assert.deepEqual([kept.queues!.length, kept.exchanges!.length], [1, 0]);
});
