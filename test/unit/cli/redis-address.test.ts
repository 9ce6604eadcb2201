/** The address of a Redis server for `troikamq import` and `export`. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { redisAddress } from "../../../cli/redis/address.ts";
import { StartError } from "../../../src/base/errors.ts";

test("user and password are decoded, and the environment has what the address leaves out", () => {
  const { host, port, isTls, user, password, database } = redisAddress("rediss://u%40h:50%25@[::1]:7/3", {});
  assert.deepEqual([host, port, isTls, user, password, database], ["::1", 7, true, "u@h", "50%", 3]);
  const given = { TROIKAMQ_REDIS_URL: "redis://h", REDISCLI_AUTH: "p" };
  const named = redisAddress(undefined, given);
  assert.deepEqual(
    [named.host, named.port, named.user, named.password, named.database],
    ["h", 6379, "", "p", undefined],
  );
});

test("what is no address is refused without showing it", () => {
  for (const text of ["h:1", "http://h", "redis://h/x", "redis://u:50%off@h:1/0", "redis://%zz@h"]) {
    assert.throws(
      () => redisAddress(text, {}),
      (error) =>
        error instanceof StartError && error.message.startsWith("--url: ") && !error.message.includes("%off"),
    );
  }
});
