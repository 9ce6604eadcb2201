/** `npm run test:clients`: what it makes of a program's end, that nothing is left unsaid, and that everything is pinned. */
import assert from "node:assert/strict";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { test } from "node:test";
import { clientsFolder, fillOnce } from "../../../clients/base/cache.ts";
import { readResult, runProgram } from "../../../clients/base/run-program.ts";
import { type JudgedRow, lastLine, tableOf } from "../../../clients/base/verdict.ts";
import { rows } from "../../../clients/rows/index.ts";
import { until } from "../../support/wait.ts";
import { isAtLeast, missingProgram, versionOf } from "../../../clients/toolchains/versions.ts";

test("a program is right only with code 0 and at least one check", () => {
  assert.deepEqual(readResult("noise\nok: one\nok: two \n", 0).checks, ["one", "two"]);
  assert.equal(readResult("ok: one\n", 0).fault, undefined);
  assert.equal(readResult("noise\n", 0).fault, "checked nothing");
  assert.equal(readResult("ok: one\n", 1).fault, "ended with code 1 after 1 checks");
  assert.equal(readResult("ok: one\n", "did not end").fault, "did not end");
});

test("what a program started ends with it", async () => {
  // A child that would outlive its parent, whose pid the program tells.
  const child = `require("node:child_process").spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"], { stdio: "ignore" })`;
  const source = `const child = ${child}; console.log("ok: " + child.pid); child.unref();`;
  const command = { program: "node", args: ["-e", source], directory: os.tmpdir() };
  const { fault, checks } = await runProgram(command, {});
  assert.equal(fault, undefined);
  const pid = Number(checks[0]);
  // Killed, it stands in the table of processes until its parent of last resort has taken it.
  const isOver = (): boolean => {
    try {
      if (process.platform !== "linux") return !process.kill(pid, 0);
      return /^State:\s+[ZX]/m.test(fs.readFileSync(`/proc/${pid}/status`, "utf8"));
    } catch {
      return true;
    }
  };
  await until(isOver, "the child's end");
});

test("a program that cannot be run is a fault", async () => {
  const { fault } = await runProgram({ program: "/no/such/program", args: [], directory: os.tmpdir() }, {});
  assert.match(fault!, /^cannot be run/);
});

test("the table has every row, and why it was skipped or failed", () => {
  const judged = (name: string, verdict: JudgedRow["verdict"]): JudgedRow => ({
    row: { name, language: "Go", does: "" },
    verdict,
    seconds: 1.25,
  });
  const all = [
    judged("one", { is: "passed", checks: ["a", "b"] }),
    judged("another", { is: "failed", why: "it broke\nand more", output: "" }),
    judged("third", { is: "skipped", why: "no go here" }),
  ];
  assert.deepEqual(tableOf(all), [
    "one      Go  passed   1.3 s  2 checks",
    "another  Go  FAILED   1.3 s  it broke",
    "third    Go  skipped         skipped: no go here",
  ]);
  assert.equal(lastLine(all), "1 passed, 1 failed, 1 skipped");
});

test("a version is read from what a program says of itself; a program that is not there is a reason", () => {
  const major = Number(process.versions.node.split(".")[0]);
  assert.equal(versionOf("node", ["--version"])![0] >= 18, true, `${major}`);
  assert.equal(versionOf("/no/such/program", []), undefined);
  assert.equal(
    isAtLeast([3, 11], [3, 10]) && isAtLeast([4, 0], [3, 10]) && !isAtLeast([3, 9], [3, 10]),
    true,
  );
  const least = [9999, 0] as const;
  assert.match(missingProgram({ program: "node", args: ["--version"], least })!, /it needs node 9999\.0/);
  assert.match(missingProgram({ program: "/no/such/program", args: [], least })!, /^no /);
});

test("a folder that was broken off is filled again, a whole one is not", async () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "clients-"));
  try {
    const fill = async (into: string): Promise<void> => fs.writeFileSync(path.join(into, "new"), "");
    const broken = async (into: string): Promise<void> => {
      fs.writeFileSync(path.join(into, "old"), "");
      throw new Error("broken off");
    };
    await assert.rejects(fillOnce(folder, broken), /broken off/);
    await fillOnce(folder, fill);
    assert.deepEqual(fs.readdirSync(folder).toSorted(), [".whole", "new"]);
    await fillOnce(folder, broken);
  } finally {
    fs.rmSync(folder, { recursive: true, force: true });
  }
});

const pages = { redis: "redis.md", amqp: "rabbitmq.md", kafka: "kafka.md" } as const;

test("each row has a name of its own, and stands in the documentation of its protocol", () => {
  assert.equal(new Set(rows.map(({ name }) => name)).size, rows.length);
  for (const { name, language, protocol, does } of rows) {
    const page = fs.readFileSync(path.join(clientsFolder, "../docs", pages[protocol]), "utf8");
    const cells = page.split("\n").map((line) => line.split("|").map((cell) => cell.trim()));
    const found = cells.some((line) => line[1] === name && line[2] === language && line[3] === does);
    assert.ok(found, `docs/${pages[protocol]} has no row | ${name} | ${language} | ${does} |`);
  }
});

test("every package of Python is pinned", () => {
  const folder = path.join(clientsFolder, "python");
  const lists = fs.readdirSync(folder).filter((name) => name.endsWith(".requirements.txt"));
  assert.ok(lists.length > 0);
  for (const list of lists) {
    const lines = fs.readFileSync(path.join(folder, list), "utf8").split("\n");
    for (const line of lines.filter((each) => each !== "")) assert.match(line, /^[\w.-]+==[\w.]+$/, list);
  }
});
