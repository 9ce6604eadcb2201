/** A key that is due and kept is none to readers, but nothing else gets its name before it has gone. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { implicitStream } from "../../../src/broker/queue/lifecycle.ts";
import { DurableRig } from "../../support/durable-rig.ts";

test("a due key that a long command keeps: neither a stream nor a scheduled entry takes its name", async () => {
  const rig = await DurableRig.open(1);
  const vhost = rig.broker.vhost("/")!;
  await rig.redis("TROIKA.XADD", "k", "DELAY", 500, "*", "a", 1);
  await rig.redis("SET", "k", "v", "PX", 100);
  const { keyspace } = rig;
  const { held } = keyspace;
  keyspace.held = { isAny: true, isAtWork: false, holds: (_database, key) => key === "k" };
  await rig.pass(3000);
  assert.equal(await rig.redis("EXISTS", "k"), 0);
  assert.equal(vhost.findQueue("k"), undefined, "the scheduled entry waits");
  assert.throws(() => vhost.declareQueue({ ...implicitStream, name: "k" }), /is a Redis value/);
  keyspace.held = held;
  await rig.pass(3000);
  assert.equal(await rig.redis("TYPE", "k"), "stream");
  assert.equal(await rig.redis("XLEN", "k"), 1);
  assert.equal(keyspace.databases[0]!.size, 0);
});
