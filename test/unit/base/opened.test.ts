/** Steps of a start that undo one another. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Opened } from "../../../src/base/opened.ts";

test("a step that fails closes what those before it opened, latest first, and its own error is told", async () => {
  const opened = new Opened();
  const closed: string[] = [];
  const steps = opened.during(async () => {
    opened.add(() => closed.push("lock"));
    opened.add(async () => {
      await Promise.resolve();
      closed.push("broker");
    });
    opened.add(() => {
      closed.push("port");
      throw new Error("a port that cannot be closed");
    });
    throw new Error("the second port is taken");
  });
  await assert.rejects(steps, /the second port is taken/);
  assert.deepEqual(closed, ["port", "broker", "lock"]);
});

test("a part that cannot be closed keeps nothing else open, and each is closed once", async () => {
  const opened = new Opened();
  const closed: string[] = [];
  opened.add(() => closed.push("lock"));
  opened.add(() => Promise.reject(new Error("a full disk")));
  opened.add(() => closed.push("port"));
  await assert.rejects(opened.close(), /a full disk/);
  await opened.close();
  assert.deepEqual(closed, ["port", "lock"]);
});
