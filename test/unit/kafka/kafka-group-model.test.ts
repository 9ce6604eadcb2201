/**
 * A consumer group beside rules that say what each member may expect, through random transitions: ids that are given out
 * and never used, static members that are away, a leader that joins again, and commits of those who are no members.
 *
 * Not here: which generation comes when (kafka-group.test.ts has the cases).
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Group } from "../../../src/protocols/kafka/groups/group.ts";
import { detailsOf, VirtualHost } from "./kafka-group-support.ts";

const sessionMs = 10_000;
const memberIdRequired = 79;

/** A client as the rules see it. */
class Peer {
  readonly name: string;
  readonly instanceId: string | null;
  /** The id that it was given last. */
  id = "";
  /** It was given `id` and has not come back with it yet: until then. */
  pendingUntil = -1;
  /** It is in the group, as far as the rules can tell, when it was heard of last; -1: it is not, or may not be. */
  seenAt = -1;
  generation = -1;
  /** All ids that it has had: a static member that starts anew keeps its share, which was made out to the id before. */
  readonly ids = new Set<string>();
  isAnswered = true;

  constructor(name: string, instanceId: string | null) {
    this.name = name;
    this.instanceId = instanceId;
  }
}

class Rules {
  readonly host = new VirtualHost();
  readonly group = new Group("g", this.host);
  readonly peers = [
    new Peer("a", null),
    new Peer("b", null),
    new Peer("c", null),
    new Peer("s", "static"),
    new Peer("t", "other"),
  ];

  join(peer: Peer): void {
    const { group, host } = this;
    const leader = group.leaderId;
    const { generation, state } = group;
    const wasMember = peer.id !== "" && group.members.has(peer.id);
    const wasPending = peer.pendingUntil > host.now;
    let answer = -1;
    let joinedGeneration = -1;
    peer.isAnswered = false;
    peer.seenAt = -1;
    group.join(peer.id, detailsOf(peer.name, peer.instanceId), true, (result) => {
      answer = result.errorCode;
      joinedGeneration = result.generationId;
      peer.isAnswered = true;
      if (result.errorCode === memberIdRequired) {
        peer.id = result.memberId;
        peer.pendingUntil = host.now + sessionMs;
        return;
      }
      if (result.errorCode === 0) {
        peer.id = result.memberId;
        peer.ids.add(peer.id);
        peer.generation = result.generationId;
        // The id that was given out is a member's now.
        peer.pendingUntil = -1;
        this.wasSeen(peer);
      } else {
        peer.id = "";
        peer.seenAt = -1;
      }
    });
    if (peer.instanceId === null && !wasMember && !wasPending && answer === 0)
      assert.fail(`${peer.name} got in without an id that it was given`);
    if (state !== "Stable" || !wasMember) return;
    if (peer.id === leader || joinedGeneration !== generation) {
      // Who leads joins again to have all assigned anew.
      assert.equal(group.generation > generation || group.state === "PreparingRebalance", true);
      if (peer.id === leader) assert.notEqual(joinedGeneration, generation, "a leader was told what it knew");
    } else assert.equal(group.state, "Stable", "a follower that is what it was disturbed the others");
  }

  sync(peer: Peer): void {
    const { group } = this;
    const claim = { memberId: peer.id, groupInstanceId: peer.instanceId, generationId: peer.generation };
    const assignments = [...group.members.keys()].map((memberId) => ({
      memberId,
      assignment: Buffer.from(memberId),
    }));
    // It may have forgotten its id by the time of the answer.
    const { id } = peer;
    const { state } = group;
    group.sync(claim, { type: null, name: null }, assignments, ({ errorCode, assignment }) => {
      if (errorCode !== 0) return;
      const assignedTo = assignment.toString();
      const isOwn = assignedTo === id || (peer.instanceId !== null && peer.ids.has(assignedTo));
      assert.ok(isOwn, "somebody got another one's assignment");
    });
    // One that should join again is told so, and is as silent as before.
    if (state !== "PreparingRebalance") this.#heardOf(peer);
  }

  #heardOf(peer: Peer): void {
    if (this.#isMember(peer, peer.generation)) this.wasSeen(peer);
  }

  /** Until it has come for its share of a generation it may be out at any time: the deadline began with the generation. */
  wasSeen(peer: Peer): void {
    peer.seenAt = this.group.state === "CompletingRebalance" ? -1 : this.host.now;
  }

  #isMember(peer: Peer, generation: number): boolean {
    return this.group.members.has(peer.id) && this.group.generation === generation;
  }

  /** What a commit must be told, going by who is in the group. */
  commit(peer: Peer, kind: "own" | "old" | "stranger" | "nobody"): void {
    const { group } = this;
    const claim = {
      memberId: kind === "stranger" ? "nobody knows it" : kind === "nobody" ? "" : peer.id,
      groupInstanceId: kind === "own" || kind === "old" ? peer.instanceId : null,
      generationId: kind === "nobody" ? -1 : kind === "old" ? peer.generation - 1 : peer.generation,
    };
    const found = group.commit(claim);
    if (claim.memberId === "" && claim.generationId < 0 && claim.groupInstanceId === null) {
      assert.equal(found, group.state === "Empty" ? null : "UNKNOWN_MEMBER_ID");
      return;
    }
    if (!group.members.has(claim.memberId)) return assert.notEqual(found, null, "who is no member committed");
    if (claim.generationId !== group.generation)
      return assert.notEqual(found, null, "an old generation committed");
    this.#heardOf(peer);
    const isBetween = group.state === "CompletingRebalance";
    assert.equal(found, isBetween ? "REBALANCE_IN_PROGRESS" : null);
  }

  leave(peer: Peer): void {
    const wasKnown = peer.id !== "" && (this.group.members.has(peer.id) || peer.pendingUntil > this.host.now);
    const fault = this.group.leave(peer.id, peer.instanceId);
    if (wasKnown) assert.equal(fault, null);
    peer.id = "";
    peer.seenAt = peer.pendingUntil = -1;
  }

  /** A client starts anew and remembers nothing but its name. */
  forget(peer: Peer): void {
    peer.id = "";
    peer.seenAt = -1;
  }

  check(): void {
    const { group, host, peers } = this;
    for (const peer of peers) {
      // Silent for less than its session, it is in, whatever the others do, if it has a name of its own.
      const isThere = peer.instanceId !== null && peer.seenAt >= 0 && host.now - peer.seenAt < sessionMs;
      if (isThere)
        assert.ok(group.members.has(peer.id), `${peer.name}: out after ${host.now - peer.seenAt} ms`);
      // Who does not come for its share of a generation is out before its session is over.
      if (group.state === "CompletingRebalance") peer.seenAt = -1;
    }
    if (group.state === "Empty") assert.equal(group.members.size, 0);
  }

  /** In steps that are shorter than any deadline, so that each state shows. */
  pass(ms: number): void {
    for (let left = ms; left > 0; left -= 1000) {
      this.host.pass(Math.min(left, 1000));
      this.check();
    }
  }

  /** All go silent: in the end nothing is left of any of them. */
  end(): void {
    this.host.pass(120_000);
    assert.ok(this.group.isUnused, "somebody who is gone is still known");
    assert.equal(this.host.memberBytes, 0);
    for (const peer of this.peers) assert.ok(peer.isAnswered, `${peer.name} was never answered`);
  }
}

const act = fc.record({
  who: fc.nat({ max: 4 }),
  what: fc.constantFrom("join", "join", "sync", "sync", "beat", "commit", "leave", "forget", "pass", "round"),
  kind: fc.constantFrom("own" as const, "old" as const, "stranger" as const, "nobody" as const),
  ms: fc.constantFrom(1, 100, 1000, 4000, 6000),
});

test("whatever happens to a group, each gets what the rules say, and nothing is left when all are gone", () => {
  fc.assert(
    fc.property(fc.array(act, { maxLength: 80, size: "max" }), (acts) => {
      const rules = new Rules();
      for (const { who, what, kind, ms } of acts) {
        const peer = rules.peers[who]!;
        if (what === "join") rules.join(peer);
        else if (what === "sync") rules.sync(peer);
        else if (what === "commit") rules.commit(peer, kind);
        else if (what === "leave") rules.leave(peer);
        else if (what === "forget") rules.forget(peer);
        else if (what === "pass") rules.pass(ms);
        else if (what === "round") {
          // All that are there come back, as clients do: this is how a generation gets to its end.
          for (const each of rules.peers) if (each.id !== "") rules.join(each);
          rules.pass(100);
          for (const each of rules.peers) if (each.id !== "") rules.sync(each);
        } else {
          const claim = {
            memberId: peer.id,
            groupInstanceId: peer.instanceId,
            generationId: peer.generation,
          };
          if (rules.group.heartbeat(claim) !== "UNKNOWN_MEMBER_ID" && rules.group.members.has(peer.id))
            if (peer.generation === rules.group.generation) rules.wasSeen(peer);
        }
        rules.check();
      }
      rules.end();
    }),
    { numRuns: 500 },
  );
});

/** Two members that stand in a stable generation, the first of which leads. */
function stablePair(instanceIds: readonly [string | null, string | null]) {
  const rules = new Rules();
  const [one, two] = [new Peer("one", instanceIds[0]), new Peer("two", instanceIds[1])];
  for (const peer of [one, two]) {
    rules.join(peer);
    if (peer.instanceId === null) rules.join(peer);
  }
  rules.host.pass(100);
  rules.sync(two);
  rules.sync(one);
  assert.equal(rules.group.state, "Stable");
  return { rules, one, two };
}

test("an id that was given out holds a rebalance until it is used or its session is over", () => {
  const { rules, one, two } = stablePair([null, null]);
  const { group, host } = rules;
  const late = new Peer("late", null);
  rules.join(late);
  assert.equal(group.state, "Stable", "an id is no member");
  host.pass(4000);
  for (const peer of [one, two])
    assert.equal(group.heartbeat({ memberId: peer.id, groupInstanceId: null, generationId: 1 }), null);
  // The leader joins again, and then the follower: all that are members have.
  rules.join(one);
  rules.join(two);
  assert.equal(group.state, "PreparingRebalance", "it does not wait for the one that has an id");
  host.pass(5000);
  assert.equal(group.state, "CompletingRebalance", "it waits longer than a rebalance may take");
  host.pass(1000);
  rules.join(late);
  assert.equal(late.id, "", "an id is good for longer than a session");
});

test("an id that is forgotten amid a rebalance lets it end", () => {
  const { rules, one, two } = stablePair([null, null]);
  const { group, host } = rules;
  const late = new Peer("late", null);
  rules.join(late);
  host.pass(8000);
  for (const peer of [one, two])
    group.heartbeat({ memberId: peer.id, groupInstanceId: null, generationId: 1 });
  rules.join(one);
  rules.join(two);
  host.pass(1999);
  assert.equal(group.state, "PreparingRebalance");
  host.pass(1);
  assert.equal(group.state, "CompletingRebalance");
});

test("a static member that is away while others rebalance is still in; one without a name is out", () => {
  for (const name of ["named", null]) {
    const { rules, one, two } = stablePair([null, name]);
    rules.join(one);
    rules.host.pass(5000);
    assert.equal(rules.group.state, "CompletingRebalance");
    assert.equal(rules.group.members.has(two.id), name !== null);
    assert.equal(rules.group.members.size, name === null ? 1 : 2);
  }
});

test("the name of a static member that left is free", () => {
  const { rules, two } = stablePair([null, "named"]);
  rules.leave(two);
  const other = new Peer("other", "named");
  const claim = { memberId: two.id, groupInstanceId: "named", generationId: 1 };
  assert.equal(rules.group.heartbeat(claim), "UNKNOWN_MEMBER_ID");
  rules.join(other);
  assert.equal(rules.group.members.size, 2);
});
