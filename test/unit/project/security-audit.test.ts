/** `npm run audit` beside a registry that knows a vulnerability, one that knows none, and one that cannot say. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import fs from "node:fs";
import http from "node:http";
import type { AddressInfo } from "node:net";
import os from "node:os";
import path from "node:path";
import { test } from "node:test";

const script = path.join(import.meta.dirname, "../../../scripts/audit.ts");

/** Scripts are run by Node, whatever runs the broker. */
const skip = process.versions["bun"] !== undefined;

async function audited(status: number, advisories: object): Promise<{ code: number; output: string }> {
  const registry = http.createServer((request, response) => {
    request.resume();
    const isAsked = request.url === "/-/npm/v1/security/advisories/bulk";
    response.writeHead(isAsked ? status : 404, { "content-type": "application/json" });
    response.end(JSON.stringify(advisories));
  });
  registry.listen(0, "127.0.0.1");
  await once(registry, "listening");
  const cache = fs.mkdtempSync(path.join(os.tmpdir(), "troikamq-audit-"));
  const child = spawn(process.execPath, [script], {
    env: {
      ...process.env,
      npm_config_registry: `http://127.0.0.1:${(registry.address() as AddressInfo).port}/`,
      npm_config_cache: cache,
    },
  });
  let output = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => (output += text));
  const [code] = (await once(child, "close")) as [number];
  registry.close();
  fs.rmSync(cache, { recursive: true });
  return { code, output };
}

const advisory = {
  id: 1,
  url: "https://example.org/advisory",
  title: "Reads what it should not",
  severity: "high",
  vulnerable_versions: "<999",
  cwe: [],
  cvss: { score: 7, vectorString: null },
};

test("a known vulnerability of a locked package fails the audit, and is named", { skip }, async () => {
  const { code, output } = await audited(200, { yaml: [advisory] });
  assert.match(output, /^high: yaml /m);
  assert.equal(code, 1);
});

test("none known passes", { skip }, async () => {
  const { code, output } = await audited(200, {});
  assert.match(output, /^audit: 0 of \d+ packages have known vulnerabilities$/m);
  assert.equal(code, 0);
});

test("a registry that cannot say fails nothing, and that is said", { skip }, async () => {
  const { code, output } = await audited(405, {});
  assert.match(output, /^audit: not answered, so nothing is known: 405 /m);
  assert.equal(code, 0);
});
