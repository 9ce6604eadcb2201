/** Which broker a command talks to, and where its contexts are kept. */
import assert from "node:assert/strict";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { after, test } from "node:test";
import { contextsFile, readContexts, writeContexts } from "../../../cli/client/broker/contexts.ts";
import { targetOf } from "../../../cli/client/broker/target.ts";
import { CliFault } from "../../../cli/client/fault.ts";

const none = { current: null, contexts: {} };
const some = {
  current: "local",
  contexts: {
    local: { url: "http://127.0.0.1:1" },
    prod: { url: "https://broker.example:15671/mq/", user: "admin", password: "p w", vhost: "live" },
  },
};
const directory = fs.mkdtempSync(path.join(os.tmpdir(), "cli-contexts-"));
after(() => fs.rmSync(directory, { recursive: true }));

const faultOf = (act: () => unknown): string => {
  try {
    act();
  } catch (error) {
    assert.ok(error instanceof CliFault, String(error));
    return `${error.exitCode} ${error.message}`;
  }
  return assert.fail("no fault");
};

test("without a word it is the broker of this machine, with the broker's own variables", () => {
  const usual = {
    url: "http://127.0.0.1:15672",
    user: "guest",
    password: "guest",
    vhost: "/",
    context: null,
  };
  assert.deepEqual(targetOf({}, {}, none), usual);
  assert.deepEqual(
    targetOf({}, { TROIKAMQ_HTTP_PORT: "8080", TROIKAMQ_USER: "u", TROIKAMQ_PASSWORD: "p" }, none),
    { ...usual, url: "http://127.0.0.1:8080", user: "u", password: "p" },
  );
  // Kubernetes sets such.
  assert.equal(targetOf({}, { TROIKAMQ_HTTP_PORT: "tcp://10.0.0.1:80" }, none).url, usual.url);
});

test("the flag beats the environment, which beats the current context", () => {
  const environment = { TROIKAMQ_URL: "http://e:1", TROIKAMQ_CONTEXT: "prod" };
  assert.equal(targetOf({ url: "http://f:1" }, environment, some).url, "http://f:1");
  assert.equal(targetOf({ context: "prod" }, environment, some).url, "https://broker.example:15671/mq");
  assert.equal(targetOf({}, environment, some).url, "http://e:1");
  assert.equal(targetOf({}, { TROIKAMQ_CONTEXT: "prod" }, some).context, "prod");
  assert.equal(targetOf({}, {}, some).context, "local");
  const { user, password, vhost } = targetOf({ context: "prod" }, {}, some);
  assert.deepEqual([user, password, vhost], ["admin", "p w", "live"]);
  assert.equal(targetOf({ context: "prod", vhost: "other" }, {}, some).vhost, "other");
});

test("a name and a password in the address are decoded", () => {
  const { user, password, url } = targetOf({ url: "https://a%40b:p%3Aw@[::1]:9/" }, {}, none);
  assert.deepEqual([user, password, url], ["a@b", "p:w", "https://[::1]:9"]);
});

test("what is wrong is told without the password", () => {
  assert.match(
    faultOf(() => targetOf({ url: "amqp://u:secret@h" }, {}, none)),
    /^2 --url: give http(?!.*secret)/,
  );
  assert.match(
    faultOf(() => targetOf({ url: "http://u:sec%ret@h" }, {}, none)),
    /^2 --url(?!.*sec%ret)/,
  );
  assert.match(
    faultOf(() => targetOf({ url: "http://h", context: "a" }, {}, none)),
    /^2 .*exclude/,
  );
  assert.match(
    faultOf(() => targetOf({ context: "prd" }, {}, some)),
    /^5 .*there are local, prod/,
  );
  assert.match(
    faultOf(() => targetOf({}, { TROIKAMQ_CONTEXT: "x" }, none)),
    /^5 .*context add/,
  );
});

test("contexts are kept where only their user reads them", () => {
  const environment = { XDG_CONFIG_HOME: path.join(directory, "config") };
  assert.deepEqual(readContexts(environment), none);
  writeContexts(environment, some);
  assert.deepEqual(readContexts(environment), some);
  const file = contextsFile(environment);
  if (process.platform !== "win32") assert.equal(fs.statSync(file).mode & 0o777, 0o600);
  assert.deepEqual(fs.readdirSync(path.dirname(file)), ["contexts.json"]);
  for (const text of ["{", '{"contexts": {"a": {}}}', '{"current": 1}', '{"contexts": []}x']) {
    fs.writeFileSync(file, text);
    assert.match(
      faultOf(() => readContexts(environment)),
      /^2 .*contexts\.json/,
    );
  }
});
