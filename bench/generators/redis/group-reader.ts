/**
 * One connection of a consumer group: it reads so many entries, acknowledges each, and reads again, until there are
 * no more. At most `pipeline` requests are unanswered: acknowledgements wait for the reads, and reads for them.
 *
 * Invariant: an XACK names exactly the ids of one reply, copied as they came.
 */
import type { Histogram } from "../../base/histogram.ts";
import { encodeBulk, encodeCommand } from "./commands.ts";
import type { Chunk, Connection } from "./connection.ts";
import { EntryReader, type EntrySink } from "./entries.ts";
import { ReplyCounter } from "./replies.ts";

export interface GroupReaderOptions {
  readonly stream: string;
  readonly group: string;
  readonly consumer: string;
  readonly pipeline: number;
  /** COUNT of a read. */
  readonly entriesMax: number;
  readonly payloadBytes: number;
  /** By sequence, how often an entry came; shared by all readers of the group. */
  readonly timesSeen: Uint8Array;
  /** Of a read and its acknowledgement, from the first request's sending to the last reply. */
  readonly latency: Histogram;
  /** Called once for each turn; `isDone` with the last. */
  readonly acknowledged: (entries: number, isDone: boolean) => void;
}

/** Of an id in a command: `$41` CRLF, two numbers of 20 digits, CRLF. */
const idBulkBytesMax = 48;

export class GroupReader implements EntrySink {
  readonly #connection: Connection;
  readonly #options: GroupReaderOptions;
  readonly #reads: Buffer;
  readonly #acks: Buffer;
  readonly #ackWords: Buffer;
  /** `*` and the number of words of an XACK of so many ids. */
  readonly #ackHeads: readonly Buffer[];
  readonly #reader: EntryReader;
  #acksEnd = 0;
  #headsSeen = 0;
  #entriesInReply = 0;
  #entriesRead = 0;
  #entriesOfTurn = 0;
  #acksOfTurn = 0;
  #isAtEnd = false;
  #ackReplies = new ReplyCounter();
  #turnStartMs = 0;

  constructor(connection: Connection, options: GroupReaderOptions) {
    this.#connection = connection;
    this.#options = options;
    const { stream, group, consumer, pipeline, entriesMax } = options;
    const count = String(entriesMax);
    const source = ["GROUP", group, consumer, "COUNT", count, "STREAMS", stream, ">"];
    const read = encodeCommand("XREADGROUP", ...source);
    this.#reads = Buffer.concat(Array.from({ length: pipeline }, () => read));
    this.#ackWords = Buffer.concat(["XACK", stream, group].map(encodeBulk));
    const heads = Array.from({ length: entriesMax + 1 }, (_, ids) => Buffer.from(`*${3 + ids}\r\n`));
    this.#ackHeads = heads;
    const ackBytesMax = heads.at(-1)!.length + this.#ackWords.length + entriesMax * idBulkBytesMax;
    this.#acks = Buffer.alloc(pipeline * ackBytesMax);
    this.#reader = new EntryReader(this, options);
  }

  start(): void {
    this.#turnStartMs = performance.now();
    this.#headsSeen = this.#entriesOfTurn = this.#acksOfTurn = this.#acksEnd = 0;
    this.#connection.received = (chunk) => this.#readsCame(chunk);
    this.#connection.send(this.#reads, 0, this.#reads.length);
  }

  head(entries: number | null): void {
    this.#headsSeen += 1;
    this.#entriesRead = 0;
    this.#entriesInReply = entries ?? 0;
    if (entries === null) {
      this.#isAtEnd = true;
      return;
    }
    const head = this.#ackHeads[entries];
    if (head === undefined || entries === 0) throw new Error(`a read came with ${entries} entries`);
    this.#acksOfTurn += 1;
    this.#acksEnd += head.copy(this.#acks, this.#acksEnd);
    this.#acksEnd += this.#ackWords.copy(this.#acks, this.#acksEnd);
  }

  entry(bytes: Chunk, idStart: number, idEnd: number, payload: number): void {
    const sequence =
      (bytes[payload]! | (bytes[payload + 1]! << 8) | (bytes[payload + 2]! << 16)) +
      bytes[payload + 3]! * 0x1000000;
    const { timesSeen } = this.#options;
    if (sequence >= timesSeen.length || timesSeen[sequence] !== 0)
      throw new Error(`entry ${sequence} of ${timesSeen.length} was delivered twice, or never added`);
    timesSeen[sequence] = 1;
    let end = this.#acksEnd;
    for (let at = idStart; at < idEnd; at++) this.#acks[end++] = bytes[at]!;
    this.#acksEnd = end;
    this.#entriesRead += 1;
    this.#entriesOfTurn += 1;
  }

  #readsCame(chunk: Chunk): void {
    this.#reader.feed(chunk);
    const isWhole = this.#headsSeen === this.#options.pipeline && this.#entriesRead === this.#entriesInReply;
    if (!isWhole) return;
    if (this.#acksOfTurn === 0) {
      this.#options.acknowledged(0, true);
      return;
    }
    this.#ackReplies = new ReplyCounter();
    this.#connection.received = (reply) => this.#acksCame(reply);
    this.#connection.send(this.#acks, 0, this.#acksEnd);
  }

  #acksCame(chunk: Chunk): void {
    const counter = this.#ackReplies;
    counter.feed(chunk);
    if (counter.replies < this.#acksOfTurn) return;
    if (counter.integerSum !== this.#entriesOfTurn)
      throw new Error(`XACK took ${counter.integerSum} of ${this.#entriesOfTurn} entries`);
    this.#options.latency.record((performance.now() - this.#turnStartMs) * 1000);
    this.#options.acknowledged(this.#entriesOfTurn, this.#isAtEnd);
    if (!this.#isAtEnd) this.start();
  }
}
