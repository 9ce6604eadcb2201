/**
 * One of the two servers, with its connections: some in RESP2, some in RESP3, a subscriber to all keyspace events, and one by which the
 * others are looked at. Not here: what is sent.
 *
 * Invariant: after `settle` each connection has all replies to what it has sent, but for those that wait in a blocking command.
 */
import type { Word } from "../../test/support/raw-redis.ts";
import { Peer } from "./peer.ts";

export const connectionCount = 4;
const versions = [2, 3, 2, 3] as const;
const restartsMax = 2000;

/** A word that has another value on each side: the id of a connection. */
export function idOf(connection: number): string {
  return `{id ${connection}}`;
}

export class Side {
  readonly #port: number;
  peers: Peer[] = [];
  #control!: Peer;
  #subscriber!: Peer;
  #ids: string[] = [];
  /** How many replies each connection is owed in all. */
  #owed: number[] = [];
  #marks = 0;

  constructor(port: number) {
    this.#port = port;
  }

  async open(): Promise<void> {
    this.#control = await Peer.open(this.#port);
    // What was read is forgotten here once nobody tracks keys (known.ts).
    await this.#control.ask(["client", "tracking", "on"]);
    this.#subscriber = await Peer.open(this.#port);
    await this.#subscriber.ask(["psubscribe", "__key*__:*"]);
    for (let i = 0; i < connectionCount; i++) await this.#openOne(i);
  }

  async #openOne(i: number): Promise<void> {
    const peer = await Peer.open(this.#port);
    await peer.ask(["hello", versions[i]!]);
    this.#ids[i] = /:(\d+)/.exec(await peer.ask(["client", "id"]))![1]!;
    peer.replies.length = 0;
    this.#owed[i] = 0;
    this.peers[i] = peer;
  }

  async control(words: readonly Word[]): Promise<string> {
    return this.#control.ask(words);
  }

  #named(word: Word): Word {
    if (typeof word !== "string") return word;
    const found = /^\{id (\d+)\}$/.exec(word);
    return found === null ? word : this.#ids[Number(found[1])]!;
  }

  send(connection: number, words: readonly Word[], replies: number): void {
    this.#owed[connection]! += replies;
    this.peers[connection]!.send(words.map((word) => this.#named(word)));
  }

  isBlocked(connection: number): boolean {
    const peer = this.peers[connection]!;
    return peer.replies.length < this.#owed[connection]! && !peer.isClosed;
  }

  /** Waits for what is to come; those that wait for a key stay so. */
  async settle(): Promise<void> {
    for (let looks = 0; ; looks++) {
      const waiting = this.peers.flatMap((_, i) => (this.isBlocked(i) ? [i] : []));
      if (waiting.length === 0) break;
      // Whoever waits without having been blocked will have its answer.
      const flags = await this.#flagsOf(waiting);
      if (waiting.every((i) => !this.isBlocked(i) || flags.get(this.#ids[i]!)?.includes("b") === true)) {
        // What was answered meanwhile is on its way.
        const again = await this.#flagsOf(waiting);
        if (waiting.every((i) => !this.isBlocked(i) || again.get(this.#ids[i]!)?.includes("b") === true))
          break;
      }
      if (looks > restartsMax) throw new Error("a connection neither answers nor waits");
    }
    await this.#mark(this.#subscriber);
    for (const [i, peer] of this.peers.entries())
      if (!this.isBlocked(i) && !peer.isClosed) await this.#markOne(i);
  }

  async #flagsOf(waiting: readonly number[]): Promise<ReadonlyMap<string, string>> {
    const text = await this.#control.ask(["client", "list", "id", ...waiting.map((i) => this.#ids[i]!)]);
    return new Map([...text.matchAll(/\bid=(\d+) .*?\bflags=(\w+)/g)].map(([, id, flags]) => [id!, flags!]));
  }

  /** All that was pushed before has come with the answer. */
  async #mark(peer: Peer): Promise<void> {
    const count = peer.replies.length + 1;
    peer.send(["ping", `mark${++this.#marks}`]);
    await peer.until(count);
    peer.replies.pop();
  }

  async #markOne(i: number): Promise<void> {
    const peer = this.peers[i]!;
    // In MULTI it would be queued, and in OPTIN it would be the command that CLIENT CACHING was about.
    if (this.quietMarks.has(i)) return;
    await this.#mark(peer);
  }

  /** Connections that are not to be asked anything now. */
  readonly quietMarks = new Set<number>();

  /** What has come since the last time, by connection. */
  taken(): { replies: string[][]; pushes: string[][] } {
    // Of a connection that could not be asked it is not known whether all has come.
    const isUnsure = this.peers.map((_, i) => this.quietMarks.has(i) || this.isBlocked(i));
    const replies = this.peers.map((peer, i) => {
      const taken = peer.replies.splice(0);
      this.#owed[i]! -= taken.length;
      return taken;
    });
    const pushes = [...this.peers, this.#subscriber].map((peer, i) =>
      isUnsure[i] === true ? [] : peer.pushes.splice(0),
    );
    return { replies, pushes };
  }

  async reopen(connection: number): Promise<void> {
    this.peers[connection]!.close();
    this.quietMarks.delete(connection);
    await this.#openOne(connection);
  }

  close(): void {
    for (const peer of [...this.peers, this.#control, this.#subscriber]) peer.close();
  }
}
