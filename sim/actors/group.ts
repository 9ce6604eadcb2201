/**
 * A Redis consumer group: XREADGROUP, with BLOCK at times, by three consumers of one connection, XACK, XCLAIM, XAUTOCLAIM. A new connection asks by
 * XPENDING what is pending before it goes on.
 */
import { RedisClient, type RedisReply } from "../clients/redis-client.ts";
import { Fault, type HistoryModel } from "../model.ts";
import { type Counting, GroupModel } from "../models/pending-group.ts";
import type { Actor, World } from "../world.ts";
import { isTemporary } from "./stream-writer.ts";

const waitingMax = 4;
const blockMsMax = 200;
const allCount = 200;
/** For each look at a client that waits for an answer. */
const leaveChance = 0.03;
const consumers = ["one", "two", "three"];
type Row = [id: string, fields: string[] | null];

export class GroupActor implements Actor {
  readonly name: string;
  readonly #world: World;
  readonly stream: HistoryModel;
  readonly model: GroupModel;
  #client: RedisClient | null = null;
  #waker: RedisClient | null = null;
  /** This connection has heard what is pending. */
  #isInStep = false;

  constructor(world: World, name: string, stream: HistoryModel) {
    this.#world = world;
    this.name = name;
    this.stream = stream;
    this.model = new GroupModel(`group ${name} of ${stream.name}`, stream, world.promises);
    world.groups.push(this.model);
  }

  get isIdle(): boolean {
    return (this.#client?.waiting ?? 0) === 0 && (this.#waker?.waiting ?? 0) === 0;
  }

  act(): void {
    const client = this.#client;
    if (client === null || client.isLost) return this.#connect();
    if (this.#world.isDraining && client.waiting > 0) return this.#wake();
    if (this.#world.isDraining) return;
    // Whoever leaves while it waits for news must not be given any.
    if (client.waiting > 0 && this.#world.random.chance(leaveChance)) {
      this.#world.count("readers of a group that left");
      return client.cut();
    }
    if (client.waiting >= waitingMax) return;
    if (!this.#isInStep) {
      if (client.waiting === 0) this.#begin(client);
      return;
    }
    const choice = this.#world.random.next();
    if (choice < 0.4) return this.#read(client);
    const { held } = this.model;
    if (held.length === 0) this.#read(client);
    else if (choice < 0.6) this.#ack(client, this.#world.random.pick(held));
    else if (choice < 0.78) this.#claim(client, held);
    else if (choice < 0.9) this.#autoclaim(client, held);
    else if (choice < 0.95) this.#show(client);
    else this.#look(client);
  }

  #connect(): void {
    const link = this.#world.connect("redis");
    if (link === null) return;
    this.#isInStep = false;
    this.#client = new RedisClient(link);
  }

  #begin(client: RedisClient): void {
    client.call(["XGROUP", "CREATE", this.stream.name, this.name, "0", "MKSTREAM"], (reply) => {
      if (reply === "OK") this.model.created();
    });
    this.#look(client);
  }

  #look(client: RedisClient): void {
    client.call(["XPENDING", this.stream.name, this.name, "-", "+", 100_000], (reply, isLost) => {
      if (isLost || reply instanceof Error) return;
      this.checkPending(reply);
      this.#isInStep = true;
    });
  }

  /** The detail of XPENDING. */
  checkPending(reply: RedisReply): void {
    this.#world.count("pending entries compared");
    const rows = reply as [string, string, number, number][];
    this.model.check(rows.map(([id, consumer, , count]) => [id, consumer, count] as const));
  }

  /** Whether there is an answer to go by; an error means that nothing was done. */
  #isAnswer(command: string, reply: RedisReply): boolean {
    if (!(reply instanceof Error)) return true;
    if (!isTemporary(reply) && !this.#world.isDamaged)
      throw new Fault(`${this.name}: ${command} answered ${reply.message}`);
    return false;
  }

  /** At times it waits for news, and at times for all that there is: so that there is something to wait for. */
  #read(client: RedisClient): void {
    const { random, promises } = this.#world;
    const consumer = random.pick(consumers);
    const isBlocking = random.chance(0.3);
    const count = isBlocking && random.chance(0.5) ? allCount : random.between(1, 6);
    const blockMs = random.chance(0.5) ? 0 : random.between(1, blockMsMax);
    const block = isBlocking ? ["BLOCK", blockMs] : [];
    const { name } = this.stream;
    const askedAt = promises.number();
    client.call(
      ["XREADGROUP", "GROUP", this.name, consumer, "COUNT", count, ...block, "STREAMS", name, ">"],
      (reply, isLost) => {
        if (isLost) return this.model.mayHaveRead(consumer, count);
        if (!this.#isAnswer("XREADGROUP", reply)) return;
        const rows = entriesOf(reply);
        for (const row of rows) this.#take(row, consumer);
        const { readErrors, readFlips } = this.#world.weather;
        const readsFail = readErrors > 0 || readFlips > 0;
        this.model.readAll(
          { askedAt, count, readsFail },
          rows.map(([id]) => id),
        );
        if (isBlocking) this.#noteBlocked(blockMs, rows.length);
      },
    );
  }

  #noteBlocked(blockMs: number, count: number): void {
    this.#world.count(count > 0 ? "blocking reads of a group" : "blocking reads of a group that timed out");
    if (count === 0 && blockMs === 0) throw new Fault(`${this.name}: a read that waits for ever got nothing`);
  }

  /** When nothing else comes any more, those who wait for news get some: who still waits then was forgotten. */
  #wake(): void {
    const link = this.#waker === null || this.#waker.isLost ? this.#world.connect("redis") : null;
    if (link !== null) this.#waker = new RedisClient(link);
    const waker = this.#waker;
    if (waker === null || waker.waiting > 0) return;
    const body = `${this.#world.newProducer()}/0`;
    this.stream.sent(body);
    waker.call(["XADD", this.stream.name, "*", "body", body], (reply) => {
      if (typeof reply === "string") this.stream.told(body, "written", reply);
    });
  }

  #take([id, fields]: Row, consumer: string): void {
    this.#world.count("entries read by a group");
    const body = fields?.[fields.indexOf("body") + 1];
    if (body !== undefined) this.stream.assertSent(body, this.name);
    this.model.read(consumer, id, body);
  }

  /** All that a consumer holds, once more. */
  #show(client: RedisClient): void {
    const consumer = this.#world.random.pick(consumers);
    client.call(
      ["XREADGROUP", "GROUP", this.name, consumer, "STREAMS", this.stream.name, "0"],
      (reply, isLost) => {
        // What cannot be read may come in the middle of what can.
        if (isLost || !this.#isAnswer("XREADGROUP", reply)) return this.model.mayHaveShown(consumer);
        this.#world.count("histories of consumers read");
        this.model.shown(
          consumer,
          entriesOf(reply).map(([id, fields]) => [id, fields !== null] as const),
        );
      },
    );
  }

  #ack(client: RedisClient, id: string): void {
    client.call(["XACK", this.stream.name, this.name, id], (reply, isLost) => {
      if (isLost) return this.model.mayHaveAcked(id);
      if (!this.#isAnswer("XACK", reply)) return;
      this.#world.count("entries acknowledged");
      this.#world.note(`${this.name} acknowledges ${id}`);
      this.model.acked(id, reply === 1);
    });
  }

  #claim(client: RedisClient, held: readonly string[]): void {
    const { random } = this.#world;
    const consumer = random.pick(consumers);
    const ids = [...new Set(Array.from({ length: random.between(1, 3) }, () => random.pick(held)))];
    const counting: Counting = random.pick(["same", "more", random.between(1, 9)]);
    const options = counting === "same" ? ["JUSTID"] : counting === "more" ? [] : ["RETRYCOUNT", counting];
    client.call(["XCLAIM", this.stream.name, this.name, consumer, 0, ...ids, ...options], (reply, isLost) => {
      if (isLost || !this.#isAnswer("XCLAIM", reply))
        return this.model.mayHaveClaimed(consumer, ids, counting);
      this.#world.count("claims");
      this.model.claimed(consumer, ids, idsOf(reply as (string | Row)[]), counting);
    });
  }

  #autoclaim(client: RedisClient, held: readonly string[]): void {
    const { random } = this.#world;
    const consumer = random.pick(consumers);
    const start = random.chance(0.5) ? "0-0" : random.pick(held);
    const count = random.between(1, 8);
    const counting: Counting = random.pick(["same", "more"]);
    const options = counting === "same" ? ["JUSTID"] : [];
    client.call(
      ["XAUTOCLAIM", this.stream.name, this.name, consumer, 0, start, "COUNT", count, ...options],
      (reply, isLost) => {
        if (isLost || !this.#isAnswer("XAUTOCLAIM", reply))
          return this.model.mayHaveClaimed(consumer, this.model.held, counting);
        this.#world.count("claims");
        const [next, came, deleted] = reply as [string, (string | Row)[], string[]];
        this.model.autoclaimed(consumer, { start, next, counting }, idsOf(came), deleted);
      },
    );
  }
}

function idsOf(rows: readonly (string | Row)[]): string[] {
  return rows.map((row) => (typeof row === "string" ? row : row[0]));
}

/** Entries of the one stream of a reply to XREAD or XREADGROUP. */
function entriesOf(reply: RedisReply): Row[] {
  if (reply === null) return [];
  const streams = reply as [string, Row[]][];
  return streams[0]?.[1] ?? [];
}
