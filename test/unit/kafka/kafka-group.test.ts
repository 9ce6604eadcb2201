import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { limits } from "../../../src/base/limits.ts";
import { errorCodes } from "../../../src/protocols/kafka/wire/error-codes.ts";
import { Group } from "../../../src/protocols/kafka/groups/group.ts";
import type { JoinDetails, MemberProtocol } from "../../../src/protocols/kafka/groups/member.ts";
import { Client, detailsOf, VirtualHost } from "./kafka-group-support.ts";

test("a first member waits for others a little, then leads; each gets its own assignment", () => {
  const host = new VirtualHost();
  const group = new Group("g", host);
  const [one, two] = [new Client(group, "one"), new Client(group, "two")];
  one.join();
  host.pass(50);
  two.join();
  host.pass(99);
  assert.deepEqual([one.joined, two.joined], [null, null]);
  host.pass(1);
  assert.equal(group.state, "CompletingRebalance");
  assert.deepEqual([one.joined!.leader, two.joined!.leader], [one.id, one.id]);
  assert.deepEqual([one.joined!.members.length, two.joined!.members.length], [2, 0]);
  two.sync();
  assert.equal(two.synced, null);
  one.sync();
  assert.equal(group.state, "Stable");
  assert.equal(two.synced!.assignment.toString(), `for ${two.id}`);
});

test("a first member waits no longer than the rebalance timeout, however many come one by one", () => {
  const host = new VirtualHost();
  const group = new Group("g", host);
  const clients: Client[] = [];
  while (group.state !== "CompletingRebalance") {
    const client = new Client(group, `c${clients.length}`);
    clients.push(client);
    client.join();
    host.pass(50);
    assert.ok(host.now <= client.details.rebalanceTimeoutMs, `it has waited for ${host.now} ms`);
  }
  assert.equal(host.now, 5000);
  assert.equal(clients[0]!.joined!.members.length, clients.length);
});

test("a newcomer makes the others join again; who does not is out when the time is up", () => {
  const host = new VirtualHost();
  const group = new Group("g", host);
  const [one, two, three] = ["one", "two", "three"].map((name) => new Client(group, name)) as [
    Client,
    Client,
    Client,
  ];
  one.join();
  two.join();
  host.pass(100);
  one.sync();
  two.sync();
  three.join();
  assert.equal(group.state, "PreparingRebalance");
  assert.equal(group.heartbeat(two.claim), "REBALANCE_IN_PROGRESS");
  two.join();
  host.pass(4999);
  assert.equal(three.joined, null);
  host.pass(1);
  assert.equal(three.joined!.generationId, 2);
  assert.equal(group.members.has(one.id), false);
  assert.equal(group.heartbeat(one.claim), "UNKNOWN_MEMBER_ID");
  assert.equal(three.joined!.leader, two.id);
});

test("who takes a generation and does not come for its share is out", () => {
  const host = new VirtualHost();
  const group = new Group("g", host);
  const [one, two] = [new Client(group, "one"), new Client(group, "two")];
  one.join();
  two.join();
  host.pass(100);
  two.sync();
  host.pass(5000);
  assert.equal(two.synced!.errorCode, 27);
  assert.equal(group.members.has(one.id), false);
  assert.equal(group.state, "PreparingRebalance");
});

test("who waits for an answer is not silent, however short its session: for others to join, or for the leader", () => {
  const host = new VirtualHost();
  const group = new Group("g", host);
  const [one, two] = [new Client(group, "one"), new Client(group, "two")];
  Object.assign(two.details, { sessionTimeoutMs: 1000 });
  one.join();
  two.join();
  host.pass(100);
  two.sync();
  host.pass(3000);
  assert.ok(group.members.has(two.id), "it waits for its share");
  assert.equal(two.synced, null);
  one.sync();
  assert.equal(two.synced!.errorCode, 0);
  // Now it is to be heard of.
  host.pass(500);
  assert.equal(group.heartbeat(two.claim), null);
  const three = new Client(group, "three");
  three.join();
  two.join();
  host.pass(3000);
  assert.ok(group.members.has(two.id), "it waits for the first");
  assert.equal(two.joined, null);
  host.pass(2000);
  assert.equal(two.joined!.errorCode, 0, "the first is out");
  host.pass(1000);
  assert.equal(group.members.has(two.id), false, "it is silent itself");
});

test("a group without members is empty, and its owner hears of it", () => {
  const host = new VirtualHost();
  const group = new Group("g", host);
  const one = new Client(group, "one");
  one.join();
  host.pass(100);
  one.sync();
  host.pass(9000);
  assert.equal(group.heartbeat(one.claim), null);
  host.pass(9000);
  assert.equal(group.state, "Stable");
  host.pass(1000);
  assert.equal(group.state, "Empty");
  assert.equal(host.emptied, 1);
});

test("whatever members do, each that waits is answered, and a generation has one leader", () => {
  const act = fc.record({
    who: fc.nat({ max: 4 }),
    what: fc.constantFrom("join", "sync", "heartbeat", "leave", "forget", "pass"),
    ms: fc.constantFrom(1, 100, 1000, 6000),
  });
  fc.assert(
    fc.property(fc.array(act, { maxLength: 60, size: "max" }), (acts) => {
      const host = new VirtualHost();
      const group = new Group("g", host);
      const clients = [0, 1, 2, 3, 4].map((i) => new Client(group, `c${i}`, i === 4 ? "static" : null));
      for (const { who, what, ms } of acts) {
        const client = clients[who]!;
        if (what === "join") client.join();
        else if (what === "sync" && client.joined !== null && client.joined.errorCode === 0) client.sync();
        else if (what === "heartbeat") group.heartbeat(client.claim);
        else if (what === "leave") group.leave(client.id, client.details.groupInstanceId);
        else if (what === "forget") client.id = "";
        else host.pass(ms);
        if (group.state === "CompletingRebalance" || group.state === "Stable") {
          assert.ok(group.members.has(group.leaderId!), `no leader in ${group.state}`);
        }
        if (group.state === "Empty") assert.equal(group.members.size, 0);
        if (group.state === "Stable") {
          for (const member of group.members.values()) assert.equal(member.isWaiting, false);
        }
      }
      // Everybody who waits now gets an answer in the time that a rebalance may take, or stands in a group that waits.
      host.pass(60_000);
      for (const member of group.members.values()) assert.equal(member.isWaiting, false);
    }),
    { numRuns: 300 },
  );
});

function refused(group: Group, details: JoinDetails, memberId = ""): number {
  let code = -1;
  group.join(memberId, details, true, ({ errorCode }) => (code = errorCode));
  return code;
}

test("a group has a bounded number of members, ids that were given out among them", () => {
  const group = new Group("g", new VirtualHost());
  for (let i = 0; i < limits.kafkaGroupMembersMax; i++) {
    assert.equal(refused(group, detailsOf(`m${i}`)), errorCodes.MEMBER_ID_REQUIRED);
  }
  assert.equal(refused(group, detailsOf("one more")), errorCodes.GROUP_MAX_SIZE_REACHED);
});

test("what members bring is bounded: for each, for the group and for all groups, and counted until they go", () => {
  const host = new VirtualHost();
  const group = new Group("g", host);
  const withMetadata = (bytes: number): JoinDetails => ({
    ...detailsOf("m"),
    protocols: [{ name: "range", metadata: Buffer.alloc(bytes) }],
  });
  const large = withMetadata(limits.kafkaMemberBytesMax - 1000);
  assert.equal(refused(group, withMetadata(limits.kafkaMemberBytesMax)), errorCodes.MESSAGE_TOO_LARGE);
  const clients: Client[] = [];
  for (let i = 0; i < 17; i++) {
    const client = new Client(group, `m${i}`);
    clients.push(client);
    Object.assign(client, { details: large });
    client.join();
  }
  host.pass(100);
  const joined = clients.filter(({ joined: result }) => result!.errorCode === errorCodes.NONE);
  assert.equal(joined.length, 16);
  assert.equal(clients.at(-1)!.joined!.errorCode, errorCodes.GROUP_MAX_SIZE_REACHED);
  assert.ok(host.memberBytes > 15 << 20 && host.memberBytes <= limits.kafkaGroupBytesMax);
  const [leader] = joined;
  const assign = (bytes: number): number => {
    let code = -1;
    const assignments = [{ memberId: leader!.id, assignment: Buffer.alloc(bytes) }];
    group.sync(leader!.claim, { type: null, name: null }, assignments, ({ errorCode }) => (code = errorCode));
    return code;
  };
  assert.equal(assign(limits.kafkaMemberBytesMax + 1), errorCodes.MESSAGE_TOO_LARGE);
  const before = host.memberBytes;
  assert.equal(assign(1000), errorCodes.NONE);
  assert.equal(host.memberBytes, before + 1000);
  for (const client of joined) assert.equal(group.leave(client.id, null), null);
  assert.equal(host.memberBytes, 0);
  host.memberBytes = limits.kafkaGroupsBytesMax;
  const other = new Group("other", host);
  assert.equal(refused(other, large), errorCodes.COORDINATOR_NOT_AVAILABLE);
});

function withStaticMember() {
  const host = new VirtualHost();
  const group = new Group("g", host);
  const client = new Client(group, "s", "static");
  client.join();
  host.pass(100);
  client.sync();
  return { host, group, client };
}

test("a static member that comes back with other metadata is counted once", () => {
  const { host, group } = withStaticMember();
  const before = host.memberBytes;
  const again = new Client(group, "s", "static");
  again.details.protocols[0]!.metadata.fill(1);
  again.join();
  host.pass(100);
  again.sync();
  assert.equal(group.members.size, 1);
  assert.ok(host.memberBytes <= before, `${host.memberBytes} bytes, ${before} before`);
});

test("a static member that comes back late in its session has a whole session before it", () => {
  const { host, group, client } = withStaticMember();
  const { sessionTimeoutMs } = client.details;
  host.pass(sessionTimeoutMs - 1000);
  const again = new Client(group, "s", "static");
  again.join();
  host.pass(5000);
  assert.ok(group.members.has(again.id), "its predecessor's silence does not count");
  assert.equal(group.heartbeat(again.claim), null);
  host.pass(sessionTimeoutMs + 1000);
  assert.equal(group.members.has(again.id), false);
});

test("a static leader that is away when others rebalance does not lead: one who joined does, also when the first is back", () => {
  const { host, group, client: away } = withStaticMember();
  const other = new Client(group, "other");
  other.join();
  assert.equal(group.heartbeat(away.claim), "REBALANCE_IN_PROGRESS");
  host.pass(away.details.rebalanceTimeoutMs);
  assert.equal(group.state, "CompletingRebalance");
  assert.ok(group.members.has(away.id), "its session lasts");
  assert.equal(other.joined!.leader, other.id);
  assert.deepEqual(
    other.joined!.members.map(({ memberId }) => memberId),
    [away.id, other.id],
    "it assigns to who is away too",
  );
  other.sync();
  assert.equal(group.state, "Stable");
  const back = new Client(group, "s", "static");
  back.join();
  assert.equal(back.joined!.leader, other.id);
  assert.deepEqual(back.joined!.members, []);
  back.sync();
  assert.equal(back.synced!.assignment.toString(), `for ${away.id}`);
});

const protocolsOf = (...texts: readonly string[]): MemberProtocol[] =>
  texts.map((text) => {
    const [name, metadata] = text.split("=");
    return { name: name!, metadata: Buffer.from(metadata!) };
  });

/** The group keeps the details that it was given, so others are another object. */
function bring(client: Client, protocols: readonly MemberProtocol[]): void {
  Object.assign(client, { details: { ...client.details, protocols } });
}

/** With what a member comes that had range=aa and sticky=bb; only the first is what it was. */
const rejoins: Readonly<Record<string, readonly MemberProtocol[]>> = {
  "just what it had": protocolsOf("range=aa", "sticky=bb"),
  "other metadata of the same length": protocolsOf("range=ab", "sticky=bb"),
  "other metadata of the same length, of the protocol that is not used": protocolsOf("range=aa", "sticky=ba"),
  "longer metadata": protocolsOf("range=aaa", "sticky=bb"),
  "another protocol of the same metadata": protocolsOf("range=aa", "other=bb"),
  "the protocols in another order": protocolsOf("sticky=bb", "range=aa"),
  "one protocol less": protocolsOf("range=aa"),
  "one protocol more": protocolsOf("range=aa", "sticky=bb", "third=cc"),
};

for (const state of ["CompletingRebalance", "Stable"] as const) {
  for (const [what, protocols] of Object.entries(rejoins)) {
    for (const who of ["leader", "follower"] as const) {
      const isSame = what === "just what it had";
      // A leader asks for a new assignment by joining a stable group again.
      const isTold = isSame && !(who === "leader" && state === "Stable");
      test(`a ${who} joins a group in ${state} again with ${what}: ${isTold ? "it is told what it knows" : "all join again"}`, () => {
        const host = new VirtualHost();
        const group = new Group("g", host);
        const clients = [new Client(group, "one"), new Client(group, "two")] as const;
        for (const each of clients) {
          bring(each, protocolsOf("range=aa", "sticky=bb"));
          each.join();
        }
        host.pass(100);
        if (state === "Stable") for (const each of clients) each.sync();
        assert.equal(group.state, state);
        const client = clients[who === "leader" ? 0 : 1];
        bring(client, protocols);
        client.join();
        assert.equal(group.state, isTold ? state : "PreparingRebalance");
        assert.equal(client.joined?.generationId, isTold ? 1 : undefined);
        const other = clients[who === "leader" ? 1 : 0];
        if (!isTold) other.join();
        assert.equal(client.joined!.generationId, isTold ? 1 : 2);
        const leader = clients[0].joined!;
        const shown = leader.members.find(({ memberId }) => memberId === client.id)!;
        const used = isTold ? protocols[0]! : protocols.find(({ name }) => name === leader.protocolName)!;
        assert.deepEqual(shown.metadata, used.metadata, "the leader sees what it came with");
      });
    }
  }
}

test("a static member is back under a new id: with other metadata of the same length all join again", () => {
  for (const [metadata, generation] of [
    ["s", 1],
    ["t", 2],
  ] as const) {
    const { group } = withStaticMember();
    const other = new Client(group, "s", "static");
    bring(other, protocolsOf(`range=${metadata}`));
    group.join("", other.details, true, () => {});
    // Alone it need not wait for anybody: the generation says whether there was a rebalance.
    assert.equal(group.generation, generation);
  }
});
