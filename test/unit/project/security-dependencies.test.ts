/** What is installed with the broker is what was tested: exact versions, locked with checksums. */
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { test } from "node:test";

const root = path.join(import.meta.dirname, "../../..");

interface Package {
  readonly version?: string;
  /** Where it is not that of its folder. */
  readonly name?: string;
  readonly integrity?: string;
  readonly resolved?: string;
  readonly inBundle?: boolean;
}

function readJson(name: string): Record<string, unknown> {
  return JSON.parse(fs.readFileSync(path.join(root, name), "utf8")) as Record<string, unknown>;
}

const kinds = ["dependencies", "devDependencies", "optionalDependencies"] as const;

test("every dependency is named with an exact version, which is the one that is locked", () => {
  const manifest = readJson("package.json");
  const packages = readJson("package-lock.json")["packages"] as Record<string, Package>;
  let count = 0;
  for (const kind of kinds) {
    for (const [name, version] of Object.entries(manifest[kind] as Record<string, string>)) {
      // Another version of a package that is there already goes by another name: `npm:NAME@VERSION`.
      const [, alias, exact] = /^(?:npm:(.+)@)?(\d+\.\d+\.\d+(?:-[\w.]+)?)$/.exec(version) ?? [];
      assert.ok(exact !== undefined, `${kind}: ${name}`);
      const locked = packages[`node_modules/${name}`];
      assert.deepEqual([locked?.version, locked?.name], [exact, alias], name);
      count++;
    }
  }
  assert.ok(count > 10);
});

test("every locked package has a checksum", () => {
  const packages = readJson("package-lock.json")["packages"] as Record<string, Package>;
  const installed = Object.entries(packages).filter(([where]) => where !== "");
  for (const [where, { integrity, inBundle }] of installed) {
    assert.ok(inBundle === true || integrity?.startsWith("sha512-") === true, where);
  }
  assert.ok(installed.length > 20);
});
