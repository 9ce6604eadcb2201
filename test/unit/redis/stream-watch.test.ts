/** What stands with a stream for clients that wait for it goes with the last of them. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { RedisClient } from "../../../sim/clients/redis-client.ts";
import { DurableRig } from "../../support/durable-rig.ts";

test("a thousand reads that ended leave nothing with the stream, nor with a name that has none", async () => {
  const rig = await DurableRig.open(1);
  await rig.redis("XADD", "s", "1-1", "f", "v");
  const stream = rig.broker.defaultVhost.findQueue("s")!;
  for (let i = 0; i < 10; i++) {
    const client = new RedisClient(rig.connect("redis"));
    let answers = 0;
    for (const name of ["s", "none"])
      client.call(["XREAD", "BLOCK", 100, "STREAMS", name, "$"], () => answers++);
    await rig.until(() => stream.waiters.size > 0, "the reader");
    assert.equal(stream.waiters.size, 1);
    await rig.pass(300);
    await rig.until(() => answers === 2, "both timeouts");
    assert.equal(stream.waiters.size, 0, "it ended by its timeout");
    client.call(["XREAD", "BLOCK", 0, "STREAMS", "s", "$"], () => {});
    await rig.until(() => stream.waiters.size > 0, "the reader");
    client.cut();
    await rig.until(() => stream.waiters.size === 0, "nothing, once its client is gone");
  }
});
