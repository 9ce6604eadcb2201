/** Settings for each start, as redis.conf has them. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { takeSettingsText } from "../../../src/protocols/redis/core/parameters/settings-text.ts";
import { ServerSettings } from "../../../src/protocols/redis/core/settings.ts";

function taken(text: string): ServerSettings {
  const settings = new ServerSettings();
  takeSettingsText(settings, text);
  return settings;
}

test("entries stand behind a semicolon or on lines; comments and quotes are left out", () => {
  const text = `# from our redis.conf
    notify-keyspace-events "Ex"; SLOWLOG-MAX-LEN 7

    timeout   30 ;client-output-buffer-limit pubsub 64mb 0 0`;
  const { values } = taken(text);
  assert.equal(values.get("notify-keyspace-events"), "xE");
  assert.equal(values.get("slowlog-max-len"), "7");
  assert.equal(values.get("timeout"), "30");
  assert.match(values.get("client-output-buffer-limit")!, /pubsub 67108864 0 0/);
  assert.equal(taken("notify-keyspace-events ''").values.get("notify-keyspace-events"), "");
  assert.equal(taken(" ;\n; ").values.get("timeout"), "0");
});

test("what CONFIG SET refuses is refused, by name, and nothing is taken", () => {
  const refused: readonly [text: string, problem: RegExp][] = [
    [
      "timeout 5; slowlog-max-lem 1",
      /^--redis-settings: slowlog-max-lem: redis has no such setting; did you mean slowlog-max-len\?$/,
    ],
    ["qwertyuiop 1", /^--redis-settings: qwertyuiop: redis has no such setting$/],
    ["timeout 5; timeout 6", /^--redis-settings: timeout: it is there twice$/],
    ["timeout often", /^--redis-settings: timeout often: argument couldn't be parsed into an integer$/],
    [
      "dir /var/lib/redis",
      /^--redis-settings: dir: CONFIG SET does not take it either; docs\/from-redis\.md names/,
    ],
    [
      "requirepass secret",
      /^--redis-settings: requirepass: give the password by --password, or by ACL SETUSER$/,
    ],
    ["tls-port 6380", /^--redis-settings: tls-port 6380: this server has no use for it/],
  ];
  for (const [text, problem] of refused) {
    const settings = new ServerSettings();
    assert.throws(() => takeSettingsText(settings, text), { code: "INVALID", message: problem }, text);
    assert.equal(settings.values.get("timeout"), "0", text);
  }
});
