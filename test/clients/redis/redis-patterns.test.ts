/** Bounds on patterns and channels that redis has not: what passes them is refused whole, and says why. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { limits } from "../../../src/base/limits.ts";
import { startTestBroker, type TestBroker } from "../../support/broker.ts";
import { RawRedis, type Word } from "../../support/raw-redis.ts";

let broker: TestBroker;
let client: RawRedis;

before(async () => {
  broker = await startTestBroker();
  client = await RawRedis.open(broker.ports.redis);
});

after(async () => {
  await client.close();
  await broker.stop();
});

const tooLong = "a".repeat(limits.globBytesMax + 1);
const tooComplex = `*${"?".repeat(limits.globWildStepsMax + 1)}*`;
const tooLongChannel = "c".repeat(limits.channelBytesMax + 1);

const refused: [command: readonly Word[], text: RegExp][] = [
  [["keys", tooLong], /^-ERR pattern is too long: 131073 bytes; the most is 131072/],
  [["keys", "[a]".repeat(1_000_000)], /^-ERR pattern is too long/],
  [["keys", tooComplex], /^-ERR pattern is too complex: .* 256 characters/],
  [["scan", 0, "match", tooComplex], /^-ERR pattern is too complex/],
  [["config", "get", `${tooLong}*`], /^-ERR pattern is too long/],
  [["pubsub", "channels", tooLong], /^-ERR pattern is too long/],
  [["command", "list", "filterby", "pattern", tooLong], /^-ERR pattern is too long/],
  [["psubscribe", "fine*", tooLong], /^-ERR pattern is too long/],
  [["acl", "setuser", "u", `~${tooLong}`], /^-ERR Error in ACL SETUSER modifier .*pattern is too long/],
  [["acl", "setuser", "u", `&${tooComplex}`], /^-ERR Error in ACL SETUSER modifier .*pattern is too complex/],
  [
    ["acl", "setuser", "u", ...Array.from({ length: limits.aclPatternsMax + 1 }, (_, i) => `~k${i}`)],
    /^-ERR Error in ACL SETUSER modifier '~k1000': a user has at most 1000 patterns/,
  ],
  [["publish", tooLongChannel, "m"], /^-ERR channel name of 1025 bytes; the most is 1024/],
  [["spublish", tooLongChannel, "m"], /^-ERR channel name of 1025 bytes/],
  [["subscribe", "fine", tooLongChannel], /^-ERR channel name of 1025 bytes/],
  [["ssubscribe", tooLongChannel], /^-ERR channel name of 1025 bytes/],
  [
    ["psubscribe", ...Array.from({ length: limits.connectionPatternsMax + 1 }, (_, i) => `p${i}*`)],
    /^-ERR one connection may listen to 10000 patterns of 1048576 bytes in all/,
  ],
  [
    ["psubscribe", ...Array.from({ length: 17 }, (_, i) => `${i}${"a".repeat(64_000)}*`)],
    /^-ERR one connection may listen to 10000 patterns/,
  ],
];

for (const [command, text] of refused) {
  const shown = command.slice(0, 3).join(" ").slice(0, 40);
  test(`refused whole: ${shown} (${command.length} words)`, async () => {
    assert.match(await client.call(...command), text);
    assert.equal(await client.call("ping"), "+PONG\r\n", "nothing is listened to");
    assert.equal(await client.call("pubsub", "numpat"), ":0\r\n");
  });
}

test("patterns that are listened to already do not count again, those given up make room", async () => {
  const subscriber = await RawRedis.open(broker.ports.redis);
  await subscriber.call("hello", 3);
  const names = Array.from({ length: limits.connectionPatternsMax }, (_, i) => `q${i}*`);
  await subscriber.call("psubscribe", ...names);
  const numpat = async () => await client.call("pubsub", "numpat");
  assert.equal(await numpat(), `:${names.length}\r\n`);
  const other = await RawRedis.open(broker.ports.redis);
  await other.call("psubscribe", ...names.slice(0, 5000));
  assert.equal(await numpat(), `:${names.length}\r\n`, "one pattern of two connections is one");
  assert.equal(await client.call("publish", "q77x", "m"), ":4\r\n", "q7* and q77*, twice");
  await other.close();
  await subscriber.close();
});
