/** The documentation is in step with the source. Links and paths are looked at by test/tidy.test.ts. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { test } from "node:test";
import { parseAllDocuments } from "yaml";
import { missingCommands } from "../../../scripts/docs-redis.ts";
import { derivedPages } from "../../../scripts/docs-pages.ts";
import { table, withSections } from "../../../scripts/docs-markdown.ts";
import {
  environmentNameOf,
  environmentReserved,
  flagOf,
  optionNames,
} from "../../../src/base/config/options.ts";
import { limits } from "../../../src/base/limits.ts";
import { startBroker } from "../../../src/embed.ts";
import { RawRedis } from "../../support/raw-redis.ts";

const root = join(import.meta.dirname, "../../..");

for (const [path, text] of derivedPages()) {
  test(`${path} is what \`npm run docs\` writes`, () => {
    assert.equal(readFileSync(join(root, path), "utf8"), text);
  });
}

const pages = readdirSync(join(root, "docs"))
  .filter((name) => name.endsWith(".md"))
  .map((name) => [`docs/${name}`, readFileSync(join(root, "docs", name), "utf8")] as const);

const readable = [...pages, ["README.md", readFileSync(join(root, "README.md"), "utf8")] as const];

const testNames = new Set(
  readdirSync(join(root, "test"), { recursive: true, encoding: "utf8" }).map((path) => basename(path)),
);

test("every test that a page names is there", () => {
  let named = 0;
  for (const [path, text] of pages) {
    for (const [name] of text.matchAll(/[\w.-]+\.test\.ts/g)) {
      assert.ok(testNames.has(name), `${path} names ${name}`);
      named++;
    }
    // The short form: `redis-keys` is test/clients/redis/redis-keys.test.ts.
    for (const [, name] of text.matchAll(/`((?:redis|amqp|kafka|interop)-[a-z-]+)`/g)) {
      if (path === "docs/configuration.md" || name!.endsWith("-port")) continue;
      const isThere = testNames.has(`${name}.test.ts`) || testNames.has(`${name}.long.test.ts`);
      assert.ok(isThere, `${path} names ${name}`);
      named++;
    }
  }
  assert.ok(named > 100, `${named} names`);
});

test("every variable, metric and flag that a page names is one of ours", async () => {
  const variables = new Set([...optionNames.map(environmentNameOf), ...environmentReserved]);
  const flags = new Set([...optionNames.map(flagOf), "--repair"]);
  const broker = await startBroker({ ports: { redis: "off", amqp: "off", kafka: "off" } });
  const metrics = await (await fetch(`http://127.0.0.1:${broker.ports.http}/metrics`)).text();
  await broker.close();
  for (const [path, text] of readable) {
    for (const [name] of text.matchAll(/TROIKAMQ_[A-Z_]+/g)) {
      const isService = text.includes(`${name}=tcp://`);
      assert.ok(
        isService || name.startsWith("TROIKAMQ_TEST_") || variables.has(name),
        `${path} names ${name}`,
      );
    }
    // Those of the README's and of reliability.md's other programs are not ours.
    const pattern = /^(?:docs\/(?:configuration|operations|running|security|embedding)\.md)$/;
    if (!pattern.test(path)) continue;
    for (const [, code] of text.matchAll(/`([^`\n]*)`/g)) {
      for (const [flag] of code!.matchAll(/^--[a-z-]+/g)) assert.ok(flags.has(flag), `${path} names ${flag}`);
    }
    for (const [, name, label = ""] of text.matchAll(/(troikamq_[a-z_]+)(\{[^}]*)?/g)) {
      assert.ok(metrics.includes(`${name}${label}`), `${path} names ${name}${label}`);
    }
  }
});

test("every YAML and JSON block of a page can be read, and probes ask for paths that answer", async () => {
  let probes = 0;
  const broker = await startBroker({ ports: { redis: "off", amqp: "off", kafka: "off" } });
  try {
    for (const [path, text] of readable) {
      for (const [, code] of text.matchAll(/```yaml\n([^]*?)```/g)) {
        for (const document of parseAllDocuments(code!)) assert.deepEqual(document.errors, [], path);
      }
      for (const [, probe] of text.matchAll(/httpGet: \{ path: (\S+), port: http \}/g)) {
        const { status } = await fetch(`http://127.0.0.1:${broker.ports.http}${probe}`);
        assert.equal(status, 200, `${path} asks for ${probe}`);
        probes++;
      }
    }
  } finally {
    await broker.close();
  }
  assert.equal(probes, 3);
});

test("a command that the page calls not there yet is an unknown command", async () => {
  const broker = await startBroker({ ports: { amqp: "off", kafka: "off", http: "off" } });
  const client = await RawRedis.open(broker.ports.redis!);
  try {
    for (const { fullName, arity } of missingCommands()) {
      const words = fullName.split("|");
      while (words.length < Math.abs(arity)) words.push("x");
      assert.match(await client.call(...words), /^-ERR unknown (?:sub)?command/, fullName);
    }
  } finally {
    await client.close();
    await broker.close();
  }
});

test("each limit is told", () => {
  const page = derivedPages().get("docs/operations.md")!;
  for (const name of Object.keys(limits)) assert.ok(page.includes(`| \`${name}\` |`), name);
});

test("a page changes between its markers only, and lacks none", () => {
  const page = "a\n\n<!-- begin x -->old<!-- end x -->\n\nb\n";
  const written = withSections(page, { x: () => table(["h|h"], [["1"]]) });
  assert.match(
    written,
    /^a\n\n<!-- begin x -->\n[^]*\| h\\\|h \|\n\|---\|\n\| 1 \|[^]*<!-- end x -->\n\nb\n$/,
  );
  assert.equal(withSections(written, { x: () => table(["h|h"], [["1"]]) }), written);
  assert.throws(() => withSections(page, {}), /sections x/);
  assert.throws(() => withSections(page, { y: () => "" }), /there are y/);
  assert.throws(() => withSections("<!-- begin x -->", { x: () => "" }), /does not end/);
});
