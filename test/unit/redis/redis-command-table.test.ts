/** The command table by itself: names, lookup, keys. redis-real-server.test.ts compares its facts with the server's. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { loadCommandDocs } from "../../../src/protocols/redis/command-docs.ts";
import { commandTable } from "../../../src/protocols/redis/command-table.ts";
import { findKeys, requestedKeys } from "../../../src/protocols/redis/core/command-keys.ts";
import { wantsOf } from "../../../src/protocols/redis/core/claims/key-wants.ts";
import { isArityMet } from "../../../src/protocols/redis/core/command-table.ts";
import { RequestParser } from "../../../src/protocols/redis/wire/request-parser.ts";
import type { RequestArguments } from "../../../src/protocols/redis/wire/request-arguments.ts";
import { importGraph } from "../../tidy/circles.ts";

const root = join(import.meta.dirname, "../../..");

function parse(line: string): RequestArguments {
  const parser = new RequestParser();
  parser.feed(Buffer.from(`${line}\r\n`));
  assert.equal(parser.next(), true);
  return parser.request;
}

function keysOf(line: string): string[] | undefined {
  const request = parse(line);
  const spec = commandTable.findRequested(request);
  assert.ok(spec, line);
  return findKeys(spec, request)?.map((key) => request.utf8(key.index));
}

test("ids number the table, names are unique, sentences are there", () => {
  assert.equal(commandTable.topLevel.length, 263);
  assert.equal(commandTable.all.length, 392);
  const names = new Set<string>();
  for (const [id, spec] of commandTable.all.entries()) {
    assert.equal(spec.id, id);
    assert.match(spec.name, /^[a-z0-9._-]+$/);
    assert.match(spec.row.summary, /^[A-Z].*\.$/);
    assert.equal(names.has(spec.fullName), false);
    names.add(spec.fullName);
    assert.equal(commandTable.findByName(spec.fullName), spec);
  }
});

test("what each session asks of a spec", () => {
  const xadd = commandTable.findByName("XADD");
  assert.ok(xadd);
  assert.equal(xadd.arity, -5);
  assert.deepEqual([xadd.firstKey, xadd.lastKey, xadd.keyStep], [1, 1, 1]);
  assert.equal(xadd.write, true);
  assert.deepEqual(xadd.categories, ["write", "stream", "fast"]);
  assert.equal(isArityMet(xadd, 4), false);
  assert.equal(isArityMet(xadd, 5), true);
  assert.equal(isArityMet(xadd, 7), true);
  const get = commandTable.findByName("get");
  assert.ok(get);
  assert.equal(isArityMet(get, 3), false);
  const create = commandTable.findRequested(parse("xgroup Create s g $"));
  assert.equal(create?.fullName, "xgroup|create");
  assert.equal(create.container?.name, "xgroup");
  assert.equal(commandTable.findRequested(parse("XGROUP nonsense")), undefined);
  assert.equal(commandTable.findRequested(parse("XGROUP"))?.name, "xgroup");
  assert.equal(commandTable.findRequested(parse("GET GET"))?.name, "get");
});

test("property: names are found in any case; anything else is not", () => {
  const known = new Map(commandTable.topLevel.map((spec) => [spec.name, spec]));
  const cased = fc
    .tuple(
      fc.constantFrom(...commandTable.topLevel),
      fc.array(fc.boolean(), { minLength: 30, maxLength: 30 }),
    )
    .map(([spec, upper]) => Array.from(spec.name, (c, i) => (upper[i] ? c.toUpperCase() : c)).join(""));
  const other = fc.string({ unit: "binary-ascii", maxLength: 12 });
  fc.assert(
    fc.property(fc.oneof(cased, other), (name) => {
      const bytes = Buffer.from(`.${name}.`, "latin1");
      assert.equal(commandTable.find(bytes, 1, bytes.length - 1), known.get(name.toLowerCase()));
    }),
    { numRuns: 2000 },
  );
});

test("core knows no family, and the descriptions of COMMAND DOCS are not loaded at the start", () => {
  const files = new Map<string, string>();
  for (const entry of readdirSync(join(root, "src"), { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    if (entry.isFile() && path.endsWith(".ts"))
      files.set(path.slice(root.length + 1).replaceAll("\\", "/"), readFileSync(path, "utf8"));
  }
  const graph = importGraph(files, true);
  const redis = "src/protocols/redis/";
  const core = [...graph].filter(([path]) => path.startsWith(`${redis}core/`));
  assert.ok(core.length > 15);
  // Events of keys are no family: they have no command.
  const ownRooms = [`${redis}core/`, `${redis}wire/`, `${redis}notifications/`];
  for (const [path, targets] of core) {
    const families = targets.filter(
      (target) => target.startsWith(redis) && !ownRooms.some((room) => target.startsWith(room)),
    );
    assert.deepEqual(families, [], path);
  }
  const loaded = new Set<string>();
  const load = (path: string): void => {
    if (loaded.has(path)) return;
    loaded.add(path);
    graph.get(path)!.forEach(load);
  };
  load(`${redis}index.ts`);
  const seen = [...loaded].filter((path) => path.endsWith("/command-docs.ts"));
  assert.deepEqual(seen, [`${redis}command-docs.ts`]);
  assert.ok([...files.keys()].filter((path) => path.endsWith("/command-docs.ts")).length > 15);
});

test("what is described are commands, and each with arguments is described", async () => {
  const docs = await loadCommandDocs();
  for (const name of Object.keys(docs)) assert.equal(commandTable.findByName(name)?.fullName, name);
  for (const spec of commandTable.all) {
    if (spec.arity > 1 + Number(spec.container !== undefined)) assert.ok(docs[spec.fullName], spec.fullName);
  }
});

test("keys of commands that hide them", () => {
  assert.deepEqual(keysOf("XREAD COUNT 2 STREAMS a b 0 0"), ["a", "b"]);
  assert.deepEqual(keysOf("xreadgroup group g c streams a b > >"), ["a", "b"]);
  assert.deepEqual(keysOf("EVAL script 2 a b c"), ["a", "b"]);
  assert.deepEqual(keysOf("SORT a BY STORE STORE b"), ["a", "b"]);
  assert.deepEqual(keysOf("MIGRATE h 1 '' 0 10 KEYS a b"), ["a", "b"]);
  assert.deepEqual(keysOf("MIGRATE h 1 '' 0 10 KEYS secret KEYS mine"), ["secret", "KEYS", "mine"]);
  assert.deepEqual(keysOf("MIGRATE h 1 '' 0 10 AUTH KEYS KEYS mine"), ["mine"]);
  assert.deepEqual(keysOf("MIGRATE h 1 k 0 10 KEYS mine"), []);
  assert.deepEqual(keysOf("MIGRATE h 1 k 0 10 AUTH KEYS"), ["k"]);
  assert.deepEqual(keysOf("GEORADIUS k 0 0 1 m STORE mine COUNT STORE STORE secret"), [
    "k",
    "mine",
    "secret",
  ]);
  assert.deepEqual(keysOf("MSET a 1 b 2"), ["a", "b"]);
  assert.equal(keysOf("EVAL script 3 a"), undefined);
  assert.equal(keysOf("EVAL script 99999999999 a"), undefined);
});

test("what a command needs to itself is found with a bound: of many keys none is made a name", () => {
  const counted = (line: string): { wants: unknown; names: number } => {
    const request = parse(line);
    let names = 0;
    const latin1 = request.latin1.bind(request);
    request.latin1 = (index) => (names++, latin1(index));
    return { wants: wantsOf([{ spec: commandTable.findRequested(request)!, request }], 3), names };
  };
  const many = "k ".repeat(1000).trim();
  assert.deepEqual(counted(`EXISTS ${many}`), {
    wants: [{ database: 3, key: null, mode: "read" }],
    names: 0,
  });
  assert.deepEqual(counted(`DEL ${many}`), {
    wants: [{ database: 3, key: null, mode: "written" }],
    names: 0,
  });
  assert.deepEqual(counted("COPY a b DB 5 DB 4"), {
    wants: [
      { database: 3, key: "a", mode: "read" },
      { database: 4, key: "b", mode: "written" },
    ],
    names: 2,
  });
  assert.deepEqual(counted("MOVE a 4").wants, [
    { database: 3, key: "a", mode: "written" },
    { database: 4, key: "a", mode: "written" },
  ]);
});

test("COMMAND GETKEYS has an error for each case", () => {
  const errorOf = (line: string): unknown => {
    const request = parse(line);
    return requestedKeys(commandTable.findRequested(request), request);
  };
  assert.equal(errorOf("NOSUCH a"), "Invalid command specified");
  assert.equal(errorOf("PING a"), "The command has no key arguments");
  assert.equal(errorOf("GET a b"), "Invalid number of arguments specified for command");
  assert.equal(errorOf("LMPOP x a LEFT"), "Invalid arguments specified for command");
  assert.deepEqual(errorOf("EVAL script 0"), []);
});
