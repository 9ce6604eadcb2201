/** Holds the house rules (tidy/rules.ts) over the sources and links (tidy/links.ts) over the documents, and shows that they would be found broken. */
import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { deadNames, deadPointers, type Project } from "./tidy/links.ts";
import { roomOf, violationsIn } from "./tidy/rules.ts";
import { importsOf, maskSource } from "./tidy/scan.ts";

const root = join(import.meta.dirname, "..");
/** Fewer than this means that the walk went wrong, not that the project shrank. */
const filesSeenMin = 30;

function readSources(): Map<string, string> {
  const files = new Map<string, string>();
  for (const top of ["src", "cli"]) {
    for (const entry of readdirSync(join(root, top), { recursive: true, withFileTypes: true })) {
      if (!entry.isFile() || !/\.[cm]?[jt]sx?$/.test(entry.name)) continue;
      const path = join(entry.parentPath, entry.name);
      files.set(path.slice(root.length + 1).replaceAll("\\", "/"), readFileSync(path, "utf8"));
    }
  }
  return files;
}

test("the sources keep the rules of the house", () => {
  assert.deepEqual(violationsIn(readSources()), []);
});

test("the walk has seen files, imports, and every room that is there", () => {
  const files = readSources();
  assert.ok(files.size >= filesSeenMin, `saw ${files.size} files`);
  const imports = [...files.values()].flatMap((source) => importsOf(source));
  assert.ok(imports.length > files.size, `saw ${imports.length} imports`);
  assert.ok(imports.some(({ specifier }) => specifier === "../base/version.ts"));

  for (const folder of ["src", "src/protocols"]) {
    for (const entry of readdirSync(join(root, folder), { withFileTypes: true })) {
      const path = `${folder}/${entry.name}`;
      if (!entry.isDirectory() || readdirSync(join(root, path)).length === 0) continue;
      assert.ok(
        [...files.keys()].some((seen) => seen.startsWith(`${path}/`)),
        `saw no file of ${path}`,
      );
    }
  }
  for (const protocol of ["redis", "amqp", "kafka"]) {
    const isItsWire = (path: string) => roomOf(path)?.name === "wire" && roomOf(path)?.protocol === protocol;
    assert.ok([...files.keys()].some(isItsWire), `saw no wire of ${protocol}`);
  }
});

/** The violations of one file with this content, without their places. */
function plant(path: string, source: string): string[] {
  return violationsIn(new Map([[path, source]]));
}

test("a planted import through a closed door is found, however it is written", () => {
  const forms = [
    `import { a } from "TARGET";`,
    `import type { a } from "TARGET";`,
    `import {\n  a,\n  b,\n} from 'TARGET';`,
    `export * from "TARGET";`,
    `export type { a } from "TARGET";`,
    `import "TARGET";`,
    `const a = await import("TARGET");`,
    `const a = await import(\n  "TARGET"\n);`,
    `let a: import("TARGET").A;`,
    `const a = require("TARGET");`,
    `new Worker(new URL("TARGET", import.meta.url));`,
    "const a = `${await import('TARGET')}`;",
    `const pattern = /["'\`/*]/; import "TARGET";`,
  ];
  const closed: [string, string][] = [
    ["src/base/a.ts", "../message/a.ts"],
    ["src/message/a.ts", "../storage/index.ts"],
    ["src/storage/local/a.ts", "../../broker/a.ts"],
    ["src/broker/a.ts", "../storage/log.ts"],
    ["src/broker/a.ts", "../net/a.ts"],
    ["src/keyspace/a.ts", "../storage/index.ts"],
    ["src/protocols/contract.ts", "./redis/session.ts"],
    ["src/protocols/redis/a.ts", "../amqp/session.ts"],
    ["src/protocols/redis/a.ts", "../amqp/wire/frames.ts"],
    ["src/protocols/redis/a.ts", "../../storage/index.ts"],
    ["src/protocols/redis/a.ts", "../../storage/log/log-reader.ts"],
    ["src/keyspace/a.ts", "../storage/logs.ts"],
    ["src/protocols/amqp/a.ts", "../../keyspace/a.ts"],
    ["src/protocols/amqp/wire/a.ts", "../session.ts"],
    ["src/protocols/amqp/wire/a.ts", "../../contract.ts"],
    ["src/protocols/amqp/wire/a.ts", "../../kafka/wire/a.ts"],
    ["src/protocols/amqp/wire/a.ts", "node:buffer"],
    ["src/protocols/amqp/wire/a.ts", "snappy"],
    ["src/net/a.ts", "../broker/a.ts"],
    ["src/admin/a.ts", "../net/a.ts"],
    ["src/admin/a.ts", "bun"],
    ["src/broker/a.ts", "node:timers/promises"],
    ["src/broker/a.ts", "../main.ts"],
    ["src/main.ts", "../cli/main.ts"],
    ["src/embed.ts", "../test/clients/a.ts"],
    ["src/base/config/config.ts", "../../package.json"],
    ["cli/main.ts", "../src/storage/log/log.ts"],
    ["cli/main.ts", "../src/net/a.ts"],
    ["cli/redis/a.ts", "../../src/protocols/redis/a.ts"],
    ["cli/redis/a.ts", "../../src/protocols/kafka/wire/a.ts"],
    ["src/net/a.ts", "../protocols/redis/wire/a.ts"],
  ];
  for (const [path, target] of closed) {
    for (const form of forms) {
      const source = form.replace("TARGET", target);
      assert.equal(plant(path, source).length, 1, `${path}: ${source}`);
    }
  }
  assert.equal(plant("src/broker/a.ts", "await import(name);").length, 1);
  assert.equal(plant("src/cellar/a.ts", "").length, 1);
  assert.equal(plant("src/a.ts", "").length, 1);
});

test("an open door is open", () => {
  const open: [string, string][] = [
    ["src/base/a.ts", "./b.ts"],
    ["src/base/version.ts", "../../package.json"],
    ["src/storage/local/a.ts", "../log.ts"],
    ["src/storage/a.ts", "node:fs"],
    ["src/broker/a.ts", "../storage/index.ts"],
    ["src/protocols/redis/commands/a.ts", "../wire/reply.ts"],
    ["src/protocols/redis/commands/a.ts", "../../../keyspace/a.ts"],
    ["src/protocols/kafka/a.ts", "../contract.ts"],
    ["src/protocols/redis/stream/a.ts", "../../../storage/logs.ts"],
    ["src/protocols/kafka/wire/messages/a.ts", "../types.ts"],
    ["src/protocols/kafka/wire/a.ts", "../../../message/a.ts"],
    ["src/net/a.ts", "bun"],
    ["src/main.ts", "./protocols/kafka/session.ts"],
    ["cli/commands/start.ts", "../../src/main.ts"],
    ["cli/commands/check.ts", "../../src/storage/index.ts"],
    ["cli/redis/a.ts", "../../src/protocols/redis/wire/rdb/a.ts"],
  ];
  for (const [path, target] of open) assert.deepEqual(plant(path, `import { a } from "${target}";`), []);
});

test("a planted name of time, chance or runtime is found outside net", () => {
  const names = [
    "Date.now()",
    "new Date()",
    "new Date",
    "Date()",
    "performance.now()",
    "process.hrtime.bigint()",
    "setTimeout(f, 1)",
    "globalThis.setTimeout(f, 1)",
    "setInterval(f, 1)",
    "setImmediate(f)",
    "const later = setTimeout;",
    "Math.random()",
    "crypto.randomUUID()",
    "randomBytes(8)",
    "new RegExp(pattern)",
    "RegExp(pattern)",
    "Bun.serve({})",
    "globalThis.Bun",
    "`${Date.now()}`",
    "`${`a${{}}`} ${Math.random()}`",
    "a / b; Date.now(); c / d",
    "const p = /[/'\"]/.test(a) ? Date.now() : 0;",
  ];
  for (const name of names) {
    assert.equal(plant("src/broker/a.ts", `${name};\n`).length, 1, name);
    assert.equal(plant("src/main.ts", `${name};\n`).length, 1, name);
    assert.deepEqual(plant("src/net/a.ts", `${name};\n`), [], name);
  }
  const innocent = [
    "socket.setTimeout(1)",
    "new Date(clock.now())",
    "// Date.now()",
    "/* Math.random() */",
    '"setTimeout("',
    "`setTimeout( ${a} Bun.`",
    "/Date.now/",
    "const BunPath = a.Bun;",
    "update()",
    "validateDate(a)",
  ];
  for (const text of innocent) assert.deepEqual(plant("src/broker/a.ts", `${text};\n`), [], text);
});

test("a file past the bound is found", () => {
  assert.deepEqual(plant("src/broker/a.ts", "\n".repeat(500)), []);
  assert.equal(plant("src/broker/a.ts", "\n".repeat(501)).length, 1);
});

test("a masked source is as long as its source, line by line", () => {
  for (const source of readSources().values()) {
    const masked = maskSource(source);
    assert.deepEqual(
      masked.split("\n").map((line) => line.length),
      source.split("\n").map((line) => line.length),
    );
  }
});

test("a folder past its bound is found", () => {
  const files = (count: number) =>
    new Map(Array.from({ length: count }, (_, i) => [`src/base/a/${i}.ts`, ""] as const));
  assert.deepEqual(violationsIn(files(25)), []);
  assert.deepEqual(violationsIn(files(26)).length, 1);
});

test("a circle at run time is found, and by types only one that is large", () => {
  const ring = (count: number, form: string) =>
    new Map(
      Array.from(
        { length: count },
        (_, i) =>
          [
            `src/base/${i % 2}/${i}.ts`,
            form.replace("TARGET", `../${((i + 1) % count) % 2}/${(i + 1) % count}.ts`),
          ] as const,
      ),
    );
  const value = 'import { a } from "TARGET";';
  const type = 'import type { a } from "TARGET";';
  assert.equal(violationsIn(ring(2, value)).length, 1);
  assert.equal(violationsIn(ring(3, 'import { type a, b } from "TARGET";')).length, 1);
  assert.equal(violationsIn(ring(3, 'export type { a } from "TARGET";')).length, 0);
  assert.deepEqual(violationsIn(ring(25, type)), []);
  assert.equal(violationsIn(ring(26, type)).length, 1);
  // Node keeps such an import, without names: it is one at run time too.
  assert.equal(violationsIn(ring(26, 'import { type a, type b } from "TARGET";')).length, 2);
});

/** Every file of the project, with a slash before it. */
const paths = [
  "bin",
  "bench",
  "cli",
  "differential",
  "faults",
  "fuzz",
  "load",
  "mutants",
  "scripts",
  "sim",
  "src",
  "test",
]
  .flatMap((top) =>
    readdirSync(join(root, top), { recursive: true, encoding: "utf8" }).map((path) => `/${top}/${path}`),
  )
  .map((path) => path.replaceAll("\\", "/"));

const project: Project = {
  has: (path) => existsSync(join(root, path)),
  read: (path) => readFileSync(join(root, path), "utf8"),
  hasNamed: (name) => paths.some((path) => path.endsWith(`/${name}`)),
};

test("what the documents point to is there", () => {
  const pages = readdirSync(join(root, "docs"), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".md"))
    .map((name) => `docs/${name.replaceAll("\\", "/")}`);
  pages.push("README.md", "ARCHITECTURE.md", "CHANGELOG.md");
  assert.ok(pages.length > 20, `saw ${pages.length} pages`);
  assert.deepEqual(
    pages.flatMap((page) => deadPointers(page, project.read(page), project)),
    [],
  );
});

test("the files that comments name are there", () => {
  assert.deepEqual(
    [...readSources()].flatMap(([path, source]) => deadNames(path, source, project)),
    [],
  );
});

test("a planted dead link, heading, name or path is found", () => {
  const files = new Map([
    ["docs/a.md", "# One & two\n"],
    ["src/base/a.ts", "export class Cell {\n  split(): void {}\n}\n"],
  ]);
  const planted: Project = {
    has: (path) => [...files.keys()].some((file) => file === path || file.startsWith(path)),
    read: (path) => files.get(path)!,
    hasNamed: (name) => name === "a.ts" || name === "base/a.ts",
  };
  const dead = (text: string) => deadPointers("docs/b.md", text, planted).length;
  const whole = [
    "[a](a.md) [a](a.md#one--two) [`Cell`](../src/base/a.ts) [`Cell.split`](../src/base/a.ts)",
    "[`base/a.ts`](../src/base/a.ts) `src/base/a.ts` `base/a.ts` `src/base/` [web](https://a.example/b)",
    "`protocols/X` `test/unit/ROOM` `base/*.ts`",
    "```sh\ncat `src/none.ts`\n```",
  ];
  for (const text of whole) assert.equal(dead(text), 0, text);
  const broken = [
    "[a](c.md)",
    "[a](a.md#three)",
    "[`Cell`](../src/base/c.ts)",
    "[`Cel`](../src/base/a.ts)",
    "[`Cell.join`](../src/base/a.ts)",
    "`src/base/c.ts`",
    "`base/c.ts`",
    "see `broker/none/`",
    "see `c.ts`",
  ];
  for (const text of broken) assert.equal(dead(text), 1, text);
  const named = (comment: string) => deadNames("src/b.ts", comment, planted).length;
  for (const text of ["// a.ts", " * See base/a.ts.", "/** FAMILY/NAME.ts, *.ts */", 'import "./c.ts";'])
    assert.equal(named(text), 0, text);
  for (const text of ["// c.ts", " * Not here: all else (c.ts)", "/** See broker/a.ts. */"])
    assert.equal(named(text), 1, text);
});
