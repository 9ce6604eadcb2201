/** Who asks by HTTP, and from which page. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { isForeign, isOwnHost, whoAsks } from "../../../src/admin/authorization.ts";
import type { HttpRequest } from "../../../src/base/http.ts";
import type { Access } from "../../../src/broker/access/access.ts";

const request = (parts: Partial<HttpRequest>): HttpRequest =>
  ({ remoteHost: "127.0.0.1", ...parts }) as HttpRequest;

test("a page of another site is told by its origin; who sends none is no page", () => {
  const host = "localhost:1234";
  assert.equal(isForeign(request({ host })), false);
  assert.equal(isForeign(request({ host, origin: "http://localhost:1234" })), false);
  assert.equal(isForeign(request({ host, origin: "https://localhost:1234" })), false);
  for (const origin of [
    "http://evil.example",
    "http://localhost:1235",
    "null",
    "",
    "http://localhost:1234.evil.example",
  ])
    assert.equal(isForeign(request({ host, origin })), true, origin);
});

test("addresses are nobody's name but the machine's", () => {
  for (const host of [undefined, "localhost", "127.0.0.1:80", "[::1]:80"]) assert.ok(isOwnHost(host));
  for (const host of ["evil.example", "localhost.evil.example", "127.0.0.1.evil.example"])
    assert.ok(!isOwnHost(host), host);
});

test("name and password are what stands before and behind the first colon", async () => {
  const asked: unknown[] = [];
  const access = {
    logIn: (credentials: { name: string; password: string }, done: (who: null) => void) => {
      asked.push([credentials.name, credentials.password]);
      done(null);
    },
  } as unknown as Access;
  const encoded = (text: string): string => `Basic ${Buffer.from(text).toString("base64")}`;
  for (const text of ["me:secret", "me:se:cr:et", "me:", ":secret", "m\u00e9:\u00fc"])
    await whoAsks(access, request({ authorization: encoded(text) }));
  assert.deepEqual(asked, [
    ["me", "secret"],
    ["me", "se:cr:et"],
    ["me", ""],
    ["", "secret"],
    ["m\u00e9", "\u00fc"],
  ]);
  for (const authorization of [undefined, "", "Basic", "Bearer abc", encoded("nobody"), "Basic ???"])
    assert.equal(await whoAsks(access, request(authorization === undefined ? {} : { authorization })), null);
  assert.equal(asked.length, 5);
});
