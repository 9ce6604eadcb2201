/** Scripts and kills: what one script has changed is there whole or not at all, and function libraries outlive the process. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { startTestBroker } from "../../../support/broker.ts";
import { RawRedis } from "../../../support/raw-redis.ts";

const rounds = 2;
const runsUntilKill = 60;

/** Changes strings, a hash and a stream. */
const script = `
  local n = redis.call('incr', 'n')
  for i = 1, 50 do redis.call('set', 'k' .. i, n .. string.rep(' padding', 100)) end
  redis.call('hset', 'h', 'n', n)
  redis.call('xadd', 's', n .. '-1', 'n', n)
  return n`;
const read = `
  local n = tonumber(redis.call('get', 'n') or 0)
  local seen = {n, tonumber(redis.call('hget', 'h', 'n') or 0), redis.call('xlen', 's')}
  for i = 1, 50 do seen[#seen + 1] = tonumber(string.match(redis.call('get', 'k' .. i) or '0', '^%d+')) end
  return seen`;
const library =
  "#!lua name=kept\nredis.register_function('answer', function(keys, args) return args[1] .. '!' end)";

test("a killed broker has each script whole or not at all, and its libraries", async () => {
  const broker = await startTestBroker();
  let client = await RawRedis.open(broker.ports.redis);
  assert.equal(await client.call("function", "load", library), "$4\r\nkept\r\n");
  assert.equal(
    await client.call("function", "load", library.replaceAll("kept", "gone").replace("answer", "other")),
    "$4\r\ngone\r\n",
  );
  assert.equal(await client.call("function", "delete", "gone"), "+OK\r\n");
  const sha = (await client.call("script", "load", script)).split("\r\n")[1]!;
  let told = 0;
  for (let round = 0; round < rounds; round++) {
    const kills: Promise<number>[] = [];
    const calls = Array.from({ length: runsUntilKill * 2 }, async (_, index) => {
      const reply = await client.call(round === 0 ? "evalsha" : "eval", round === 0 ? sha : script, 0);
      if (reply.startsWith(":")) told = Math.max(told, Number(reply.slice(1)));
      if (index === runsUntilKill) kills.push(broker.kill("SIGKILL"));
    });
    await Promise.all(calls);
    await Promise.all(kills);
    await client.close();
    await broker.restart();
    client = await RawRedis.open(broker.ports.redis);
    const [count, ...seen] = (await client.call("eval", read, 0)).split("\r\n").filter((line) => line !== "");
    assert.equal(count, "*53");
    assert.equal(new Set(seen).size, 1, `parts of a script: ${seen.join(" ")}`);
    assert.ok(Number(seen[0]!.slice(1)) >= told, `${seen[0]} of ${told} that were told`);
    assert.equal(await client.call("fcall", "answer", 0, "yes"), "$4\r\nyes!\r\n");
    assert.equal(await client.call("fcall", "other", 0, "no"), "-ERR Function not found\r\n");
    assert.match(await client.call("evalsha", "0".repeat(40), 0), /^-NOSCRIPT/);
  }
  assert.ok(told >= runsUntilKill, `${told} scripts were told`);
  assert.equal(await client.call("function", "flush"), "+OK\r\n");
  await broker.kill("SIGTERM");
  await client.close();
  await broker.restart();
  client = await RawRedis.open(broker.ports.redis);
  assert.equal(await client.call("function", "list"), "*0\r\n");
  await client.close();
  await broker.stop();
});
