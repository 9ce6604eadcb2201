/**
 * Clients that wait for keys, by random runs against a model of what redis 7.0 does (test/support/blocking-model.ts). The type is one
 * that only tests have: nothing of waiting knows which it is.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { Peer } from "../../../fuzz/rig.ts";
import type { RedisSession } from "../../../src/protocols/redis/session.ts";
import { BlockingModel, ModelClient, pushing } from "../../support/blocking-model.ts";
import { pipelines } from "../../support/blocking-requests.ts";
import { PopRig } from "../../support/pop-commands.ts";
import { requestBytes } from "../../support/redis-script-caller.ts";
import { thorough } from "../../support/thorough.ts";

const clientCount = 5;

const pipeline = pipelines({ timeouts: ["0", "0", "50", "120"], isForModelAlone: true });

type Step =
  | { readonly do: "send"; readonly client: number; readonly requests: string[][]; readonly isSpent: boolean }
  | { readonly do: "settle" }
  | { readonly do: "pass"; readonly ms: number }
  | { readonly do: "unblock"; readonly client: number; readonly isError: boolean }
  | { readonly do: "leave"; readonly client: number };

const client = fc.nat(clientCount - 1);
const anyStep: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 20,
    arbitrary: fc.record({
      do: fc.constant("send" as const),
      client,
      requests: pipeline,
      isSpent: fc.boolean(),
    }),
  },
  { weight: 6, arbitrary: fc.constant({ do: "settle" } as const) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("pass" as const), ms: fc.constantFrom(20, 60) }) },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant("unblock" as const), client, isError: fc.boolean() }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("leave" as const), client }) },
);

/** The model and the broker beside each other. */
class Pair {
  readonly model = new BlockingModel();
  readonly rig: PopRig;
  readonly peers: Peer[] = [];
  readonly heard: string[] = [];
  readonly clients: ModelClient[] = [];
  readonly counts: Record<string, number>;

  constructor(rig: PopRig, counts: Record<string, number>) {
    this.rig = rig;
    this.counts = counts;
    for (let i = 0; i < clientCount; i++) this.#begin(i);
  }

  #begin(number: number): void {
    this.peers[number] = this.rig.connect();
    this.heard[number] = "";
    this.clients[number] = new ModelClient();
  }

  run(step: Step): void {
    const { model, rig, peers, clients } = this;
    if (step.do === "send") {
      // A turn that has no work left serves, and runs what is behind the first request, in the next one.
      if (step.isSpent) {
        this.settle();
        rig.rig.broker.work.spend(20_000);
      }
      // What follows the first of them would run after clients that it wakes, which the model does not say.
      const end = step.requests[0]![0] === "MULTI" ? step.requests.findIndex(([name]) => name === "EXEC") : 0;
      const some = step.isSpent ? step.requests.slice(0, end + 1) : step.requests;
      const requests = step.client === 0 ? pushing(some) : some;
      const target = clients[step.client]!;
      model.send(target, requests);
      const bytes = requests.map(requestBytes);
      peers[step.client]!.send(Buffer.concat(bytes));
      if (step.isSpent) this.settle();
    } else if (step.do === "settle") this.settle();
    else if (step.do === "pass") {
      this.settle();
      model.pass(step.ms);
      rig.rig.time.advance(step.ms);
      this.settle();
    } else if (step.do === "unblock") {
      const error = step.isError ? "UNBLOCKED client unblocked via CLIENT UNBLOCK" : null;
      const { blocked } = peers[step.client]!.connection.session as RedisSession;
      const isBlocked = model.unblock(clients[step.client]!, step.isError);
      assert.equal(blocked !== null, isBlocked);
      blocked?.unblock(error);
      this.counts["unblocked"]! += isBlocked ? 1 : 0;
    } else {
      this.settle();
      model.gone(clients[step.client]!);
      peers[step.client]!.end();
      this.#begin(step.client);
    }
  }

  settle(): void {
    this.model.settle();
    this.rig.rig.settle();
    for (const [i, peer] of this.peers.entries()) {
      this.heard[i] += peer.take().toString("latin1");
      assert.equal(this.heard[i], this.clients[i]!.said, `client ${i}`);
    }
    const { blocking } = this.rig.server;
    assert.equal(blocking.clientCount, this.model.waitingClients);
    assert.equal(blocking.keyCount, this.model.places.size);
    this.counts["waited"]! += this.model.waitingClients;
    assert.deepEqual(this.rig.rig.errors, []);
  }
}

test("random runs of clients that wait, pop, push, rename, swap and leave are those of the model", async () => {
  const counts = { waited: 0, unblocked: 0, served: 0 };
  await fc.assert(
    fc.asyncProperty(fc.array(anyStep, { minLength: 30, maxLength: 60, size: "max" }), async (steps) => {
      const pair = new Pair(await PopRig.open(), counts);
      for (const each of steps) pair.run(each);
      pair.settle();
      for (let i = 0; i < clientCount; i++) pair.run({ do: "leave", client: i });
      assert.equal(pair.rig.server.blocking.keyCount, 0);
      counts.served += pair.model.served;
    }),
    { numRuns: 300 * thorough },
  );

  assert.ok(counts.waited > 500 && counts.unblocked > 20 && counts.served > 300, JSON.stringify(counts));
});
