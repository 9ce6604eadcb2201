/** Requests about a group that does not exist, refused or answered with nothing, leave no group behind. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { DurableRig } from "../../support/durable-rig.ts";

const member = { groupId: "g", generationId: 1, memberId: "nobody" };
const joining = {
  groupId: "g",
  sessionTimeoutMs: 10_000,
  rebalanceTimeoutMs: 10_000,
  memberId: "",
  protocolType: "consumer",
};

const requests: Readonly<Record<string, (rig: DurableRig) => Promise<{ errorCode?: number }>>> = {
  "JoinGroup without protocols": (rig) => rig.kafka("JoinGroup", 5, { ...joining, protocols: [] }),
  "JoinGroup without a type": (rig) =>
    rig.kafka("JoinGroup", 5, {
      ...joining,
      protocolType: "",
      protocols: [{ name: "range", metadata: Buffer.alloc(1) }],
    }),
  "JoinGroup with more metadata than a member may have": (rig) =>
    rig.kafka("JoinGroup", 5, {
      ...joining,
      protocols: [{ name: "range", metadata: Buffer.alloc(2 << 20) }],
    }),
  "JoinGroup of a member that nobody knows": (rig) =>
    rig.kafka("JoinGroup", 5, {
      ...joining,
      memberId: "nobody",
      protocols: [{ name: "range", metadata: Buffer.alloc(1) }],
    }),
  SyncGroup: (rig) => rig.kafka("SyncGroup", 3, { ...member, assignments: [] }),
  Heartbeat: (rig) => rig.kafka("Heartbeat", 3, member),
  LeaveGroup: (rig) => rig.kafka("LeaveGroup", 1, { groupId: "g", memberId: "nobody" }),
};

for (const [what, ask] of Object.entries(requests)) {
  test(`${what}: no group is left`, async () => {
    const rig = await DurableRig.open(1);
    for (let i = 0; i < 2; i++) {
      const { errorCode } = await ask(rig);
      assert.notEqual(errorCode, 0);
      const { groups } = await rig.kafka("ListGroups", 2, {});
      assert.deepEqual(groups, []);
    }
  });
}
