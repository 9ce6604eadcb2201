import assert from "node:assert/strict";
import { test } from "node:test";
import { Rig } from "../../../fuzz/rig.ts";
import { limits } from "../../../src/base/limits.ts";

test("expiry that one tick cannot end goes on in a tick of its own, also where a timer began it", async () => {
  const rig = await Rig.open();
  const { broker } = rig;
  const queue = broker.defaultVhost.declareQueue({
    name: "q",
    kind: "queue",
    durable: false,
    exclusiveOwner: 0,
    autoDelete: false,
    args: {},
  });
  rig.settle();
  assert.equal(rig.time.hasTickEnd, false);
  // The last tick has left nothing of what it may drop.
  for (let i = 0; i < limits.expiredPerTickMax; i++) broker.ticker.mayExpire();
  broker.ticker.scheduleLater(queue);
  assert.equal(rig.time.hasTickEnd, true);
  rig.settle();
  assert.equal(rig.time.hasTickEnd, false);
});
