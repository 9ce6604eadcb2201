/** The completion scripts: what they offer after some words, asked of the shells that there are. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { test } from "node:test";
import { scripts } from "../../../cli/client/complete/scripts.ts";
import { completionTree } from "../../../cli/client/complete/tree.ts";

const tree = await completionTree();

const bash = (...words: readonly string[]): string[] => {
  const typed = words.map((word) => `'${word}'`).join(" ");
  const script = `${scripts.bash(tree)}
COMP_WORDS=(troikamq ${typed}); COMP_CWORD=${words.length}
_troikamq; printf '%s\\n' "\${COMPREPLY[@]}"`;
  const { stdout, stderr } = spawnSync("bash", ["-c", script], { encoding: "utf8" });
  assert.equal(stderr, "");
  return stdout.split("\n").filter((line) => line !== "");
};

test("bash: commands, subcommands, options and their values", { skip: !existsSync("/bin/bash") }, () => {
  assert.deepEqual(bash("p"), ["pub", "peek", "purge", "policy"]);
  assert.deepEqual(bash("policy", ""), ["ls", "show", "set", "rm"]);
  assert.deepEqual(bash("policy", "set", "--ap"), ["--apply-to"]);
  assert.deepEqual(bash("ls", "-o", ""), ["table", "json", "ndjson"]);
  assert.deepEqual(bash("ls", "--kind", "kafka"), ["kafka_topic", "kafka_group"]);
  assert.deepEqual(bash("ls", "-o", "json", "qu"), ["queues"]);
  assert.deepEqual(bash("start", "--redis-po"), ["--redis-port"]);
  assert.deepEqual(bash("completion", ""), ["bash", "zsh", "fish"]);
  assert.deepEqual(bash("help", "desc"), ["describe"]);
});

for (const shell of ["zsh", "fish"] as const) {
  const path = ["/bin", "/usr/bin"].map((folder) => `${folder}/${shell}`).find((file) => existsSync(file));
  test(`${shell}: the script has no fault of syntax`, { skip: path === undefined }, () => {
    const { status, stderr } = spawnSync(path!, ["-n"], { input: scripts[shell](tree), encoding: "utf8" });
    assert.deepEqual([status, stderr], [0, ""]);
  });
}

test("every command and option is in every script", () => {
  for (const [shell, script] of Object.entries(scripts)) {
    const text = script(tree);
    for (const { name, commands, options } of tree.commands) {
      assert.ok(text.includes(name), `${shell}: ${name}`);
      for (const each of commands) assert.ok(text.includes(each.name), `${shell}: ${name} ${each.name}`);
      for (const { names } of options)
        assert.ok(text.includes(names[0]!.replace(/^--/, "")), `${shell}: ${name} ${names[0]}`);
    }
  }
});
