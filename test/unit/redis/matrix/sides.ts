/**
 * Two servers that get the same requests from the same clients: our broker in this process, whose turns the test ends one by one and which
 * has little work in each of them, and the real redis-server. For tests of what everybody hears of one command, however it comes to run.
 *
 * Not here: what is sent, and what is compared. Invariant: client `monitor` is in MONITOR, so that a pause of all clients does not
 * hold it back: it is the one that ends pauses and that `settle` asks.
 */
import { type Peer, Rig } from "../../../../fuzz/rig.ts";
import { SimTime } from "../../../../sim/time.ts";
import type { RedisServer } from "../../../../src/protocols/redis/server.ts";
import type { RedisSession } from "../../../../src/protocols/redis/session.ts";
import { PushingRedis } from "../../../support/pushing-redis.ts";
import { replyEnd, requestOf, type Word } from "../../../support/raw-redis.ts";
import type { RealRedis } from "../../../support/real-redis.ts";

export const clients = {
  caller: 0,
  /** Tracks keys and has read those that matter. */
  reader: 1,
  broadcast: 2,
  subscriber: 3,
  watcher: 4,
  other: 5,
  monitor: 6,
  /** Who gets the invalidations of a caller with REDIRECT. */
  target: 7,
} as const;

export type ClientName = keyof typeof clients;
export const clientNames = Object.keys(clients) as ClientName[];

const luaTimeLimitMs = 5000;

const onlookers: readonly ClientName[] = ["reader", "broadcast", "subscriber", "target"];

export interface Side {
  send(client: ClientName, ...words: readonly Word[]): void;
  /** The same for a command that is answered at once; its reply is taken too. However long the request is, it has run then. */
  call(client: ClientName, ...words: readonly Word[]): Promise<void>;
  /** Waits until everything has come that comes by itself. */
  settle(): Promise<void>;
  /** Waits until those who look on have got what was sent to them. No client may be paused. */
  heard(): Promise<void>;
  /** What the client got since the last call: replies and pushes, in their order. */
  take(client: ClientName): string[];
  /** Where turns can be told apart, scripts with a loop are suspended. */
  suspendScripts(isOn: boolean): void;
  /** The same: commands that change values in slices wait until the journal's cleaner has gone first. */
  cleanerFirst(isOn: boolean): void;
  /** `settle` for one turn only, where turns can be told apart. */
  turn(): Promise<void>;
  close(client: ClientName): Promise<void>;
}

export async function ask(side: Side, client: ClientName, ...words: readonly Word[]): Promise<string> {
  side.send(client, ...words);
  await side.settle();
  return side.take(client).join("");
}

export class OurSide implements Side {
  readonly rig: Rig;
  readonly #peers = new Map<ClientName, Peer>();
  readonly #rest = new Map<ClientName, Buffer>();

  private constructor(rig: Rig) {
    this.rig = rig;
    for (const name of clientNames) this.#peers.set(name, rig.connect("redis"));
  }

  static async open(): Promise<OurSide> {
    return new OurSide(await Rig.open());
  }

  peer(client: ClientName): Peer {
    return this.#peers.get(client)!;
  }

  get server(): RedisServer {
    return (this.peer("other").connection.session as RedisSession).context.server;
  }

  suspendScripts(isOn: boolean): void {
    const { time } = this.rig;
    this.server.settings.luaTimeLimitMs = isOn ? 1 : luaTimeLimitMs;
    const monotonic = SimTime.prototype.monotonic.bind(time);
    let looks = 0;
    time.monotonic = isOn ? () => monotonic() + ++looks : monotonic;
  }

  cleanerFirst(isOn: boolean): void {
    const { cleanerTurns } = this.server.keyspace;
    if (isOn) while (!cleanerTurns.isCleanersTurn) cleanerTurns.wasRefused();
    else cleanerTurns.isDone();
  }

  send(client: ClientName, ...words: readonly Word[]): void {
    this.peer(client).send(requestOf(words));
  }

  async call(client: ClientName, ...words: readonly Word[]): Promise<void> {
    this.send(client, ...words);
    await this.settle();
    this.take(client);
  }

  async settle(): Promise<void> {
    // Ticks end until nothing asks for another: a bound of the rig's is less than a long command takes.
    for (let i = 0; i < 1000 && this.rig.time.hasTickEnd; i++) this.rig.settle();
  }

  async heard(): Promise<void> {}

  async turn(): Promise<void> {
    this.rig.time.endTick();
  }

  take(client: ClientName): string[] {
    let bytes = Buffer.concat([this.#rest.get(client) ?? Buffer.alloc(0), this.peer(client).take()]);
    const parts: string[] = [];
    for (;;) {
      const end = bytes.length === 0 ? -1 : replyEnd(bytes, 0);
      if (end < 0) break;
      parts.push(bytes.latin1Slice(0, end));
      bytes = bytes.subarray(end);
    }
    this.#rest.set(client, bytes);
    return parts;
  }

  async close(client: ClientName): Promise<void> {
    this.peer(client).destroy();
    this.#peers.set(client, this.rig.connect("redis"));
    this.#rest.delete(client);
  }
}

export class RealSide implements Side {
  readonly #port: number;
  readonly #connections = new Map<ClientName, PushingRedis>();

  private constructor(port: number) {
    this.#port = port;
  }

  static async open({ port }: RealRedis): Promise<RealSide> {
    const side = new RealSide(port);
    for (const name of clientNames) side.#connections.set(name, await PushingRedis.open(port, 2));
    for (const name of clientNames) side.take(name);
    return side;
  }

  #connection(client: ClientName): PushingRedis {
    return this.#connections.get(client)!;
  }

  send(client: ClientName, ...words: readonly Word[]): void {
    this.#connection(client).send(...words);
  }

  async call(client: ClientName, ...words: readonly Word[]): Promise<void> {
    await this.#connection(client).call(...words);
    this.take(client);
  }

  suspendScripts(): void {}

  cleanerFirst(): void {}

  /** One answer may come before what was sent at the same time has run, the one after it not. */
  async settle(): Promise<void> {
    for (let i = 0; i < 3; i++) await this.#connection("monitor").pong();
  }

  async heard(): Promise<void> {
    for (const client of onlookers) await this.#connection(client).pong();
  }

  turn(): Promise<void> {
    return this.settle();
  }

  take(client: ClientName): string[] {
    return this.#connection(client).takenAll();
  }

  async close(client: ClientName): Promise<void> {
    await this.#connection(client).close();
    this.#connections.set(client, await PushingRedis.open(this.#port, 2));
    this.take(client);
  }

  async closeAll(): Promise<void> {
    for (const connection of this.#connections.values()) await connection.close();
  }
}
