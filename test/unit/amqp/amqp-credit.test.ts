/**
 * Credit is conserved: whatever is published, delivered, acknowledged, given back, dropped, cancelled, recovered or held in
 * a transaction, each message is in one place, nobody holds more than its bounds, and nobody who may take waits in vain.
 *
 * One channel with consumers of one queue beside a model of what it holds, and a second channel that fills the queue.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type Peer, Rig } from "../../../fuzz/rig.ts";
import type { AmqpSession } from "../../../src/protocols/amqp/core/session.ts";
import {
  frame,
  method,
  open,
  protocolHeader,
  shortText,
  startOk,
  tuneOk,
  uint,
} from "../../support/amqp-frames.ts";

const queueName = "q";
const noArguments = uint(4, 0);
const frameEndBytes = 8;

interface Held {
  readonly consumer: string | null;
  readonly body: number;
  /** Settled in a transaction that has not ended. */
  settled: "acknowledged" | "requeued" | "discarded" | null;
}

interface Taker {
  readonly prefetch: number;
}

/** One connection with one channel, and what the model says that it holds. */
class Client {
  readonly rig: Rig;
  readonly peer: Peer;
  readonly held = new Map<number, Held>();
  readonly takers = new Map<string, Taker>();
  globalPrefetch = 0;
  prefetch = 0;
  isTransactional = false;
  #consumers = 0;
  #awaitsBody: { tag: number; consumer: string | null } | null = null;

  constructor(rig: Rig) {
    this.rig = rig;
    this.peer = rig.connect("amqp");
    this.ask(Buffer.from(protocolHeader));
    this.ask(startOk("guest", "guest"));
    this.ask(tuneOk(100, 131_072, 0), open("/"));
    this.ask(method(1, 20, 10, shortText("")));
  }

  ask(...pieces: Buffer[]): void {
    this.peer.send(Buffer.concat(pieces));
    this.rig.settle();
    this.read();
  }

  /** Takes in what came: other connections' deeds may have led to deliveries. */
  read(): void {
    const bytes = this.peer.take();
    for (let at = 0; at < bytes.length;) {
      if (bytes.subarray(at, at + 4).toString("latin1") === "AMQP") assert.fail("the handshake failed");
      const end = at + 7 + bytes.readUInt32BE(at + 3);
      this.#frame(bytes[at]!, bytes.subarray(at + 7, end));
      at = end + frameEndBytes - 7;
    }
  }

  #frame(type: number, payload: Buffer): void {
    if (type === 3 && this.#awaitsBody !== null) {
      const { tag, consumer } = this.#awaitsBody;
      assert.ok(!this.held.has(tag), "a tag was given twice");
      this.held.set(tag, { consumer, body: Number(payload.toString()), settled: null });
      this.#awaitsBody = null;
    }
    if (type !== 1) return;
    const name = `${payload.readUInt16BE(0)}.${payload.readUInt16BE(2)}`;
    if (name === "60.60") {
      const size = payload[4]!;
      const consumer = payload.toString("latin1", 5, 5 + size);
      assert.ok(this.takers.has(consumer), "a delivery for a consumer that was cancelled");
      this.#awaitsBody = { tag: Number(payload.readBigUInt64BE(5 + size)), consumer };
    } else if (name === "60.71")
      this.#awaitsBody = { tag: Number(payload.readBigUInt64BE(4)), consumer: null };
    else assert.ok(!["20.40", "10.50"].includes(name), `closed: ${payload.toString("latin1")}`);
  }

  consume(prefetch: number): void {
    const tag = `c${++this.#consumers}`;
    this.takers.set(tag, { prefetch });
    const qos = method(1, 60, 10, uint(4, 0), uint(2, prefetch), Buffer.of(0));
    this.ask(
      qos,
      method(1, 60, 20, uint(2, 0), shortText(queueName), shortText(tag), Buffer.of(0), noArguments),
    );
  }

  cancel(which: number): void {
    const tag = [...this.takers.keys()][which % Math.max(this.takers.size, 1)];
    if (tag === undefined) return;
    this.ask(method(1, 60, 30, shortText(tag), Buffer.of(0)));
    this.takers.delete(tag);
  }

  setGlobalPrefetch(count: number): void {
    this.globalPrefetch = count;
    this.ask(method(1, 60, 10, uint(4, 0), uint(2, count), Buffer.of(1)));
  }

  settle(which: number, isMultiple: boolean, outcome: "acknowledged" | "requeued" | "discarded"): number[] {
    const outstanding = [...this.held].filter(([, { settled }]) => settled === null).map(([tag]) => tag);
    const tag = outstanding[which % Math.max(outstanding.length, 1)];
    if (tag === undefined) return [];
    const settled = isMultiple ? outstanding.filter((each) => each <= tag) : [tag];
    const gone: number[] = [];
    for (const each of settled) {
      const held = this.held.get(each)!;
      if (this.isTransactional) held.settled = outcome;
      else this.held.delete(each);
      if (!this.isTransactional && outcome !== "requeued") gone.push(held.body);
    }
    if (outcome === "acknowledged") this.ask(method(1, 60, 80, uint(8, tag), Buffer.of(isMultiple ? 1 : 0)));
    else {
      const bits = (isMultiple ? 1 : 0) | (outcome === "requeued" ? 2 : 0);
      this.ask(method(1, 60, 120, uint(8, tag), Buffer.of(bits)));
    }
    return gone;
  }

  recover(): void {
    if (this.isTransactional) return;
    this.held.clear();
    this.ask(method(1, 60, 110, Buffer.of(1)));
  }

  beginTransactions(): void {
    this.isTransactional = true;
    this.ask(method(1, 90, 10));
  }

  /** Returns the messages that are gone. */
  endTransaction(isCommit: boolean): number[] {
    if (!this.isTransactional) return [];
    const gone: number[] = [];
    for (const [tag, held] of this.held) {
      if (held.settled === null) continue;
      if (!isCommit) held.settled = null;
      else {
        this.held.delete(tag);
        if (held.settled !== "requeued") gone.push(held.body);
      }
    }
    this.ask(method(1, 90, isCommit ? 20 : 30));
    return gone;
  }

  heldBy(consumer: string): number {
    return [...this.held.values()].filter((each) => each.consumer === consumer).length;
  }

  get heldByConsumers(): number {
    return [...this.held.values()].filter(({ consumer }) => consumer !== null).length;
  }

  /** Whether this consumer may be given one more. */
  hasCredit(consumer: string, { prefetch }: Taker): boolean {
    if (this.globalPrefetch > 0 && this.heldByConsumers >= this.globalPrefetch) return false;
    return prefetch === 0 || this.heldBy(consumer) < prefetch;
  }
}

const what = fc.constantFrom(
  "publish",
  "publish",
  "consume",
  "cancel",
  "ack",
  "ack",
  "nack",
  "nack",
  "drop",
  "get",
  "recover",
  "global",
  "tx",
  "commit",
  "rollback",
  "leave",
);
const act = fc.record({ what, who: fc.nat({ max: 1 }), count: fc.nat({ max: 6 }), isMultiple: fc.boolean() });

async function play(
  acts: readonly { what: string; who: number; count: number; isMultiple: boolean }[],
): Promise<void> {
  const rig = await Rig.open();
  const clients = [new Client(rig), new Client(rig)];
  clients[0]!.ask(method(1, 50, 10, uint(2, 0), shortText(queueName), Buffer.of(0), noArguments));
  const queue = rig.broker.defaultVhost.queues.get(queueName)!;
  const alive = new Set<number>();
  let published = 0;
  const gone = (bodies: readonly number[]): void => {
    for (const body of bodies) assert.ok(alive.delete(body), `message ${body} was settled twice`);
  };

  const check = (): void => {
    rig.settle();
    for (const client of clients) client.read();
    const held = clients.flatMap((client) => [...client.held.values()].map(({ body }) => body));
    assert.equal(new Set(held).size, held.length, "one message is with two");
    for (const body of held) assert.ok(alive.has(body), "a message came back that was gone");
    assert.equal(queue.readyCount + held.length, alive.size, "messages are lost, or there are too many");
    for (const client of clients) {
      for (const [tag, taker] of client.takers) {
        const mine = client.heldBy(tag);
        assert.ok(
          taker.prefetch === 0 || mine <= taker.prefetch,
          `${tag} holds ${mine} of ${taker.prefetch}`,
        );
        if (queue.readyCount > 0) assert.ok(!client.hasCredit(tag, taker), `${tag} has credit and waits`);
      }
      const { channels } = client.peer.connection.session as unknown as AmqpSession;
      assert.equal(channels.get(1)!.globalHeld, client.heldByConsumers);
    }
  };

  for (const { what: deed, who, count, isMultiple } of acts) {
    const client = clients[who]!;
    if (deed === "publish") {
      // Enough that queues fill and pages of tags turn over.
      for (let i = 0; i <= count * 3; i++) {
        const body = Buffer.from(String(published));
        alive.add(published++);
        // Its own connection may be in a transaction.
        const publisher = clients.find(({ isTransactional }) => !isTransactional);
        if (publisher === undefined) {
          alive.delete(published - 1);
          break;
        }
        publisher.ask(
          method(1, 60, 40, uint(2, 0), shortText(""), shortText(queueName), Buffer.of(0)),
          frame(2, 1, uint(2, 60), uint(2, 0), uint(8, body.length), uint(2, 0)),
          frame(3, 1, body),
        );
      }
    } else if (deed === "consume") client.consume(count);
    else if (deed === "cancel") client.cancel(count);
    else if (deed === "ack") gone(client.settle(count, isMultiple, "acknowledged"));
    else if (deed === "nack") client.settle(count, isMultiple, "requeued");
    else if (deed === "drop") gone(client.settle(count, isMultiple, "discarded"));
    else if (deed === "get") client.ask(method(1, 60, 70, uint(2, 0), shortText(queueName), Buffer.of(0)));
    else if (deed === "recover") client.recover();
    else if (deed === "global") {
      // One that is smaller than what is held already would have to be looked at apart.
      if (count === 0 || count >= client.heldByConsumers) client.setGlobalPrefetch(count);
    } else if (deed === "tx") client.beginTransactions();
    else if (deed === "commit") gone(client.endTransaction(true));
    else if (deed === "rollback") client.endTransaction(false);
    else {
      client.held.clear();
      client.takers.clear();
      client.peer.end();
      clients[who] = new Client(rig);
    }
    check();
  }
}

test("credit is conserved, and used", async () => {
  await fc.assert(fc.asyncProperty(fc.array(act, { maxLength: 50, size: "max" }), play), { numRuns: 150 });
});

test("what was settled in a transaction counts until its end, whichever end that is", async () => {
  const by = (deed: string, count = 0, isMultiple = false) => ({ what: deed, who: 0, count, isMultiple });
  const filled = [by("consume", 2), by("publish", 6), by("tx")];
  await play([
    ...filled,
    by("ack"),
    by("rollback"),
    by("ack"),
    by("commit"),
    by("ack", 0, true),
    by("commit"),
  ]);
  await play([...filled, by("nack"), by("rollback"), by("drop", 1, true), by("commit")]);
  await play([
    ...filled,
    by("global", 3),
    by("get"),
    by("ack", 2, true),
    by("rollback"),
    by("ack"),
    by("commit"),
  ]);
});
