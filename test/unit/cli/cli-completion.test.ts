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
  assert.deepEqual(bash("export", ""), ["redis"]);
  assert.deepEqual(bash("export", "redis", "--ma"), ["--match"]);
  assert.deepEqual(bash("start", "--log-level", ""), ["debug", "info", "warn", "error", "silent"]);
});

const pathOf = (shell: string): string | undefined =>
  ["/bin", "/usr/bin"].map((folder) => `${folder}/${shell}`).find((file) => existsSync(file));

const fish = (line: string): string[] => {
  const script = `${scripts.fish(tree)}\ncomplete -C ${JSON.stringify(line)}`;
  const { stdout, stderr } = spawnSync(pathOf("fish")!, ["--no-config", "-c", script], { encoding: "utf8" });
  assert.equal(stderr, "");
  return stdout.split("\n").flatMap((each) => (each === "" ? [] : [each.split("\t")[0]!]));
};

test("fish: the same", { skip: pathOf("fish") === undefined }, () => {
  assert.deepEqual(fish("troikamq p"), ["peek", "policy", "pub", "purge"]);
  assert.deepEqual(fish("troikamq policy "), ["ls", "rm", "set", "show"]);
  assert.deepEqual(fish("troikamq policy set --ap"), ["--apply-to"]);
  assert.deepEqual(fish("troikamq ls -o "), ["json", "ndjson", "table"]);
  assert.deepEqual(fish("troikamq ls -o json qu"), ["queues"]);
  assert.deepEqual(fish("troikamq export "), ["redis"]);
});

const zsh = (...words: readonly string[]): string[] => {
  // What zsh would offer is printed instead, since there is no terminal.
  const script = `compdef() { : }
_files() { print -- FILES }
compadd() { shift; print -l -- "$@" }
_describe() { local name=\${@[-1]}; print -l -- \${\${(P)name}%%:*} }
${scripts.zsh(tree)}
words=(troikamq ${words.map((word) => `'${word}'`).join(" ")}); CURRENT=${words.length + 1}
_troikamq`;
  const { stdout, stderr } = spawnSync(pathOf("zsh")!, ["-f"], { encoding: "utf8", input: script });
  assert.equal(stderr, "");
  return stdout.split("\n").filter((line) => line.startsWith(words.at(-1)!) && line !== "");
};

test("zsh: the same", { skip: pathOf("zsh") === undefined }, () => {
  assert.deepEqual(zsh("p"), ["pub", "peek", "purge", "policy"]);
  assert.deepEqual(zsh("policy", ""), ["ls", "show", "set", "rm"]);
  assert.deepEqual(zsh("policy", "set", "--ap"), ["--apply-to"]);
  assert.deepEqual(zsh("ls", "-o", ""), ["table", "json", "ndjson"]);
  assert.deepEqual(zsh("ls", "-o", "json", "qu"), ["queues"]);
  assert.deepEqual(zsh("apply", ""), ["FILES"]);
});

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
