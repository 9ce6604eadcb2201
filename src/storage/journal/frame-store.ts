/**
 * The tail of a sequence of frames, in memory: where messages are written and where readers that keep up find them.
 *
 * One frame at most is open. Records for the same set of logs that arrive in one tick share it, so a thousand messages
 * cost one header, one checksum and one index entry for each log. `JournalStore` puts the sealed bytes into files;
 * `VolatileStore` keeps nothing else. Positions are virtual: they only grow, and say nothing of files.
 *
 * Invariants: sealed frames lie end to end; a frame never straddles two chunks; a chunk's bytes never change once
 * sealed, until the chunk is recycled, which bumps its `generation` so that a reader that slept notices.
 */
import { assertInvariant, assertsAreOn } from "../../base/assert.ts";
import { sizes } from "../../base/sizes.ts";
import { EntryId } from "../../message/entry-id.ts";
import { freeLargeBuffer } from "../../base/large-buffers.ts";
import type { Envelope } from "../../message/envelope.ts";
import type { Log } from "../log/log.ts";
import type { Segment } from "../segment/segment.ts";
import {
  appendHeaderBytes,
  frameKind,
  readUint64,
  sealFrame,
  targetBytes,
  targetIdAt,
  targetOffsetAt,
  writeFrameHeader,
  writeUint32,
  writeUint64,
} from "./frame.ts";

/** A shared frame is sealed at this size, so that finding one record in it stays cheap. */
const sharedFrameBytesMax = 64 * 1024;
const pooledChunksMax = 16;

export interface Chunk {
  base: number;
  buffer: Buffer;
  length: number;
  /** Frames in this chunk that some log still needs, once for each log. Kept by stores that have no files. */
  live: number;
  generation: number;
}

/** Where a frame's bytes are, filled in by `FrameStore.locate`. Valid until the chunk's generation changes. */
export interface FrameLocation {
  chunk: Chunk;
  at: number;
  /** The segment that the frame was found in and where the next frame starts in its file; null for a store's frames. */
  segment: Segment | null;
  segmentPosition: number;
  /** The turn in which a read cache gave it bytes last (read-cache.ts). */
  heldIn: number;
  /** Keeps the chunk's buffer beside this. */
  readonly holder: BufferHolder | null;
}

interface BufferHolder {
  /** The turn is over: nobody looks at the buffer any more. */
  letGo(): void;
}

export function newFrameLocation(holder: BufferHolder | null = null): FrameLocation {
  return { chunk: noChunk, at: 0, segment: null, segmentPosition: 0, heldIn: 0, holder };
}

/** The bytes are to be found again before they are looked at again. */
export function letGo(location: FrameLocation): void {
  location.chunk = goneChunk;
  location.holder?.letGo();
}

/** The logs that one message goes to: durable together or volatile together. Made once for each route and reused. */
export class LogGroup {
  readonly logs: readonly Log[];
  /** A frame of this many bytes takes no further records. Less for logs whose records are read one by one, in any order. */
  frameBytesMax = sharedFrameBytesMax;

  constructor(logs: readonly Log[]) {
    this.logs = logs;
  }
}

/** The first entry id of a frame that is being opened or sealed, in one of its logs. */
const frameId = new EntryId();
/** The id that a record has which joins the open frame. */
const followingId = new EntryId();

export abstract class FrameStore {
  /** Oldest first. The last one is written to. */
  protected chunks: Chunk[] = [];
  /** Bytes of all chunks held, used or not. */
  chunkBytesHeld = 0;
  /** The buffer that `reserve` gave room in; read it after each `reserve`. */
  tail: Buffer;
  readonly #chunkBytes = sizes.chunkBytes;
  #tailChunk: Chunk;
  #pool: Buffer[] = [];
  /** Buffers released in this turn: readers may use them until it ends. */
  #givenUp: Buffer[] = [];
  /** The same for buffers that are not used again: of one huge frame, or more than the pool takes. */
  #unpooled: Buffer[] = [];
  #openGroup: LogGroup | null = null;
  /** The open frame's group while more records may join it; null for batches and for ids chosen by the writer. */
  #sharedGroup: LogGroup | null = null;
  #openAt = 0;
  #openEnvelope = 0;
  #openCount = 0;
  #openTimestamp = 0;
  readonly #now: () => number;
  /** Wall time of the first frame of this turn; -1 before it. All of a turn have the same, which is looked at once. */
  #turnTime = -1;
  readonly #requestFlush: () => void;
  /** Logs that got records since the broker last looked. */
  readonly dirtyLogs: Log[] = [];

  /** `requestFlush` is called for each frame that is opened: whoever appends need not see to the end of the tick. */
  constructor(now: () => number, requestFlush: () => void, base = 0) {
    this.#now = now;
    this.#requestFlush = requestFlush;
    this.#tailChunk = this.#makeChunk(base, 4096);
    this.tail = this.#tailChunk.buffer;
  }

  /** The position after the last byte, the open frame included. */
  get end(): number {
    return this.#tailChunk.base + this.#tailChunk.length;
  }

  /** Records of the open frame that belong to the log: its `nextOffset` does not count them yet. */
  openCountOf(log: Log): number {
    return this.#openGroup !== null && this.#openGroup.logs.includes(log) ? this.#openCount : 0;
  }

  get hasOpenFrame(): boolean {
    return this.#openGroup !== null;
  }

  /**
   * Makes room for one record of `size` bytes in every log of `group` and returns where to write it in `tail`.
   * The caller fills all of it before anything else happens.
   */
  reserve(group: LogGroup, envelopeOfRecord: Envelope, size: number): number {
    const chunk = this.#tailChunk;
    if (
      group === this.#sharedGroup &&
      envelopeOfRecord === this.#openEnvelope &&
      chunk.length + size + 4 <= chunk.buffer.length &&
      chunk.length - this.#openAt < group.frameBytesMax
    ) {
      this.#openCount++;
      const at = chunk.length;
      writeUint32(this.tail, at, size);
      chunk.length = at + 4 + size;
      return at + 4;
    }
    this.#open(group, envelopeOfRecord, size + 4, null);
    this.#sharedGroup = group;
    this.#openCount = 1;
    const at = this.#tailChunk.length;
    writeUint32(this.tail, at, size);
    this.#tailChunk.length = at + 4 + size;
    return at + 4;
  }

  /** Like `reserve`, in one log, under an entry id of the caller's, which must be above the log's last one. */
  reserveWithId(log: Log, envelopeOfRecord: Envelope, size: number, id: EntryId): number {
    this.#open(log.group, envelopeOfRecord, size + 4, id);
    this.#openCount = 1;
    const at = this.#tailChunk.length;
    writeUint32(this.tail, at, size);
    this.#tailChunk.length = at + 4 + size;
    return at + 4;
  }

  /** The same, where the record may join the open frame: its id is the one behind the last of that. For many with ids of their own. */
  reserveFollowing(log: Log, envelopeOfRecord: Envelope, size: number, id: EntryId): number {
    const chunk = this.#tailChunk;
    const joins =
      this.#openGroup === log.group &&
      envelopeOfRecord === this.#openEnvelope &&
      chunk.length + size + 4 <= chunk.buffer.length &&
      chunk.length - this.#openAt < log.group.frameBytesMax &&
      this.readReservedId(followingId).increment() &&
      followingId.equals(id);
    if (!joins) return this.reserveWithId(log, envelopeOfRecord, size, id);
    this.#openCount++;
    const at = chunk.length;
    writeUint32(this.tail, at, size);
    chunk.length = at + 4 + size;
    return at + 4;
  }

  /**
   * Makes room for one batch that holds `count` records already (a Kafka record batch) and returns where to write it.
   * `timestamp` is the newest of its records, in ms.
   */
  reserveBatch(
    group: LogGroup,
    envelopeOfBatch: Envelope,
    size: number,
    count: number,
    timestamp: number,
  ): number {
    this.#open(group, envelopeOfBatch, size, null);
    this.#openCount = count;
    this.#openTimestamp = timestamp;
    const at = this.#tailChunk.length;
    this.#tailChunk.length = at + size;
    return at;
  }

  /** The entry id, in the first log of its group, of the record reserved last. */
  readReservedId(into: EntryId): EntryId {
    return into.read(this.tail, this.#openAt + appendHeaderBytes + targetIdAt).add(this.#openCount - 1);
  }

  /** The offset, in the first log of its group, of the record reserved last. */
  get reservedOffset(): number {
    return readUint64(this.tail, this.#openAt + appendHeaderBytes + targetOffsetAt) + this.#openCount - 1;
  }

  /** Without an id each log gives its next one: `now`-0, or the one after its last where that is not below it. */
  #open(group: LogGroup, envelopeOfRecords: number, size: number, id: EntryId | null): void {
    this.seal();
    this.#requestFlush();
    if (this.#turnTime < 0) this.#turnTime = this.#now();
    const now = this.#turnTime;
    const logs = group.logs;
    const header = appendHeaderBytes + logs.length * targetBytes;
    const chunk = this.#room(header + size);
    const at = chunk.length;
    const buffer = chunk.buffer;
    let targetAt = at + appendHeaderBytes;
    for (let i = 0; i < logs.length; i++) {
      const log = logs[i]!;
      if (id !== null) frameId.copyFrom(id);
      else if (now > log.lastId.ms) frameId.set(now, 0);
      else frameId.copyFrom(log.lastId).add(1);
      writeUint32(buffer, targetAt, log.id);
      writeUint64(buffer, targetAt + targetOffsetAt, log.nextOffset);
      frameId.write(buffer, targetAt + targetIdAt);
      targetAt += targetBytes;
    }
    this.#openGroup = group;
    this.#openAt = at;
    this.#openEnvelope = envelopeOfRecords;
    this.#openTimestamp = now;
    chunk.length = targetAt;
  }

  /** Closes the open frame: from here on its records can be read. Cheap when none is open. */
  seal(): void {
    const group = this.#openGroup;
    if (group === null) return;
    this.#openGroup = null;
    this.#sharedGroup = null;
    const chunk = this.#tailChunk;
    const buffer = chunk.buffer;
    const at = this.#openAt;
    const count = this.#openCount;
    const length = chunk.length - at;
    const logs = group.logs;
    if (assertsAreOn) {
      assertInvariant(count > 0, "a frame has a record");
      assertInvariant(chunk.length <= chunk.buffer.length, "a frame lies in one chunk");
    }
    const position = chunk.base + at;
    writeFrameHeader(buffer, at, frameKind.append, this.#openEnvelope, length);
    writeUint32(buffer, at + 12, count);
    writeUint64(buffer, at + 16, this.#openTimestamp);
    writeUint32(buffer, at + 24, logs.length);
    this.frameSealed(chunk, at, length, logs);
    let targetAt = at + appendHeaderBytes;
    for (let i = 0; i < logs.length; i++) {
      const log = logs[i]!;
      frameId.read(buffer, targetAt + targetIdAt);
      log.appended(position, length, count, frameId, this.#openTimestamp);
      if (!log.isDirty) {
        log.isDirty = true;
        this.dirtyLogs.push(log);
      }
      targetAt += targetBytes;
    }
  }

  /** Room for a frame that is not an append: the caller writes the body after the header, then calls `closeControl`. */
  protected openControl(length: number): number {
    this.seal();
    const chunk = this.#room(length);
    const at = chunk.length;
    chunk.length = at + length;
    return at;
  }

  protected closeControl(at: number, kind: number, length: number): number {
    const chunk = this.#tailChunk;
    writeFrameHeader(chunk.buffer, at, kind, 0, length);
    sealFrame(chunk.buffer, at, length);
    return chunk.base + at;
  }

  #room(size: number): Chunk {
    const chunk = this.#tailChunk;
    if (chunk.length + size <= chunk.buffer.length) return chunk;
    const next = this.#makeChunk(chunk.base + chunk.length, Math.max(size, this.#chunkBytes));
    this.#tailChunk = next;
    this.tail = next.buffer;
    return next;
  }

  #makeChunk(base: number, size: number): Chunk {
    const pooled = size === this.#chunkBytes ? this.#pool.pop() : undefined;
    const buffer = pooled ?? Buffer.allocUnsafeSlow(size);
    const chunk: Chunk = { base, buffer, length: 0, live: 0, generation: 0 };
    if (assertsAreOn) {
      const last = this.chunks.at(-1);
      assertInvariant(last === undefined || last.base + last.length === base, "frames lie end to end");
    }
    this.chunks.push(chunk);
    this.chunkBytesHeld += buffer.length;
    return chunk;
  }

  /** Lets another chunk be the tail and returns the one that was. No frame is open. */
  protected leaveTail(): Chunk {
    const left = this.#tailChunk;
    this.#tailChunk = this.#makeChunk(left.base + left.length, this.#chunkBytes);
    this.tail = this.#tailChunk.buffer;
    return left;
  }

  protected get tailChunk(): Chunk {
    return this.#tailChunk;
  }

  /** Starts again at a position, with nothing in memory: after recovery. */
  protected restart(base: number): void {
    this.chunks = [];
    this.chunkBytesHeld = 0;
    this.#tailChunk = this.#makeChunk(base, this.#chunkBytes);
    this.tail = this.#tailChunk.buffer;
  }

  /** Gives up a chunk's bytes. Readers see the changed generation; what they read in this turn stays as it is. */
  protected recycle(chunk: Chunk): void {
    chunk.generation++;
    this.chunkBytesHeld -= chunk.buffer.length;
    const isPoolable =
      chunk.buffer.length === this.#chunkBytes && this.#pool.length + this.#givenUp.length < pooledChunksMax;
    // A reader that sleeps may hold either: it is freed, rather than left to the garbage collector.
    (isPoolable ? this.#givenUp : this.#unpooled).push(chunk.buffer);
    chunk.buffer = emptyBuffer;
  }

  /** Nobody reads any more what was given up: it may be written to. */
  turnEnded(): void {
    this.#turnTime = -1;
    if (this.#unpooled.length > 0) {
      for (const buffer of this.#unpooled) freeLargeBuffer(buffer);
      this.#unpooled = [];
    }
    if (this.#givenUp.length === 0) return;
    this.#pool.push(...this.#givenUp);
    this.#givenUp.length = 0;
  }

  protected isTail(chunk: Chunk): boolean {
    return chunk === this.#tailChunk;
  }

  /** The chunk in memory that holds `position`, or null when it was given up. */
  protected chunkAt(position: number): Chunk | null {
    const chunks = this.chunks;
    let low = 0;
    let high = chunks.length - 1;
    if (high < 0 || position < chunks[0]!.base) return null;
    if (position >= chunks[high]!.base) return chunks[high]!;
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      if (chunks[middle]!.base <= position) low = middle;
      else high = middle - 1;
    }
    return chunks[low]!;
  }

  /** Finds the frame that starts at `position`, from memory or from the disk. Throws CORRUPT. */
  abstract locate(position: number, length: number, into: FrameLocation): void;
  /** Like `locate`, for reading the frame's header only: nothing is verified, so no content may be served. */
  abstract peek(position: number, length: number, into: FrameLocation): void;
  /** A log no longer needs the frame at `position`. */
  abstract release(position: number): void;
  /** The frame at `position` counts as needed until it is durable, although its log releases it. */
  keepUntilDurable(_position: number): void {}
  /** Called once for each sealed append frame, before its logs hear of it. */
  protected abstract frameSealed(chunk: Chunk, at: number, length: number, logs: readonly Log[]): void;
}

export const emptyBuffer: Buffer = Buffer.alloc(0);
const noChunk: Chunk = { base: 0, buffer: emptyBuffer, length: 0, live: 0, generation: 0 };
/** No reader remembers this generation. */
const goneChunk: Chunk = { base: 0, buffer: emptyBuffer, length: 0, live: 0, generation: -2 };
