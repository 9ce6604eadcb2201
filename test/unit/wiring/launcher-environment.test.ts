/** What the launcher sets for Bun's engine: the installed Bun knows all of it, and the user's own settings stay. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { runtimeEnvironment } from "../../../bin/environment.js";
import { findBun } from "../../../bin/runtime.js";

test("a variable that the user has set stays, and others are handed on", () => {
  const own = { BUN_JSC_maximumInliningDepth: "3", HOME: "/home/user" };
  const environment = runtimeEnvironment(own);
  assert.equal(environment["BUN_JSC_maximumInliningDepth"], "3");
  assert.equal(environment["HOME"], "/home/user");
  assert.ok(Number(environment["BUN_JSC_forceRAMSize"]) > 0);
});

test("the installed Bun starts with it", { skip: findBun() === undefined && "no Bun" }, () => {
  const env = runtimeEnvironment({});
  assert.ok(Object.keys(env).length >= 4);
  const { status, stderr } = spawnSync(findBun()!, ["-e", "1"], { env, encoding: "utf8" });
  // It refuses a variable of this kind that it does not know.
  assert.deepEqual([status, stderr], [0, ""]);
});
