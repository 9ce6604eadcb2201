/**
 * Where a log's frames are, oldest first: three numbers for each frame in typed arrays, no objects.
 *
 * Grown at the end, shortened at the front. A frame that is alone, as that of a queue which its consumers keep empty, lies
 * in fields: with ten thousand such queues each array would be one more miss of the processor's caches.
 * Invariants: first offsets and positions both strictly increase; while `#isAlone`, `length` is 1 and no block has frames.
 */
import { assertInvariant, assertsAreOn } from "../../base/assert.ts";
import { EntryId } from "../../message/entry-id.ts";

const blockFramesMax = 512;
const blockFramesFirst = 8;
const blockFramesKept = 32;

interface Block {
  /** First offset of the block's first frame; `deltas` count from it. */
  base: number;
  deltas: Uint32Array;
  lengths: Uint32Array;
  positions: Float64Array;
  from: number;
  to: number;
  readonly firstId: EntryId;
  maxTimestamp: number;
}

const offsetDeltaMax = 0xffff_ffff;
const aloneId = new EntryId();

export class FrameIndex {
  #blocks: Block[] = [];
  /** Blocks before this one are used up. The array is shortened now and then, not on every shift. */
  #head = 0;
  length = 0;
  #isAlone = false;
  #aloneOffset = 0;
  #alonePosition = 0;
  #aloneLength = 0;
  #aloneIdMsHigh = 0;
  #aloneIdMsLow = 0;
  #aloneIdSequenceHigh = 0;
  #aloneIdSequenceLow = 0;
  #aloneTimestamp = 0;

  /** Bytes of the arrays, used or not: for tests of their bound. */
  get arrayBytes(): number {
    let bytes = 0;
    for (const { deltas, lengths, positions } of this.#blocks) {
      bytes += deltas.byteLength + lengths.byteLength + positions.byteLength;
    }
    return bytes;
  }

  push(firstOffset: number, position: number, length: number, id: EntryId, timestamp: number): void {
    if (assertsAreOn) this.#assertAbove(firstOffset, position);
    if (this.length === 0) {
      this.#isAlone = true;
      this.#aloneOffset = firstOffset;
      this.#alonePosition = position;
      this.#aloneLength = length;
      this.#aloneIdMsHigh = id.msHigh;
      this.#aloneIdMsLow = id.msLow;
      this.#aloneIdSequenceHigh = id.sequenceHigh;
      this.#aloneIdSequenceLow = id.sequenceLow;
      this.#aloneTimestamp = timestamp;
    } else {
      this.#intoBlocks();
      this.#pushToBlocks(firstOffset, position, length, id, timestamp);
    }
    this.length++;
  }

  #assertAbove(firstOffset: number, position: number): void {
    if (this.length === 0) return;
    const block = this.#blocks.at(-1);
    const at = block === undefined ? 0 : block.to - 1;
    const [offset, before] = this.#isAlone
      ? [this.#aloneOffset, this.#alonePosition]
      : [block!.base + block!.deltas[at]!, block!.positions[at]!];
    assertInvariant(firstOffset > offset, "a frame begins above the one before it");
    assertInvariant(position > before, "a frame stands behind the one before it");
  }

  /** Moves the single frame into blocks, because another one comes or more than its place is asked for. */
  #intoBlocks(): void {
    if (!this.#isAlone) return;
    this.#isAlone = false;
    aloneId.msHigh = this.#aloneIdMsHigh;
    aloneId.msLow = this.#aloneIdMsLow;
    aloneId.sequenceHigh = this.#aloneIdSequenceHigh;
    aloneId.sequenceLow = this.#aloneIdSequenceLow;
    this.#pushToBlocks(
      this.#aloneOffset,
      this.#alonePosition,
      this.#aloneLength,
      aloneId,
      this.#aloneTimestamp,
    );
  }

  #pushToBlocks(firstOffset: number, position: number, length: number, id: EntryId, timestamp: number): void {
    let block = this.#blocks[this.#blocks.length - 1];
    if (block !== undefined && block.to === 0) {
      block.base = firstOffset;
      block.firstId.copyFrom(id);
      block.maxTimestamp = timestamp;
    } else if (
      block === undefined ||
      block.to === blockFramesMax ||
      firstOffset - block.base > offsetDeltaMax
    ) {
      block = {
        base: firstOffset,
        deltas: new Uint32Array(blockFramesFirst),
        lengths: new Uint32Array(blockFramesFirst),
        positions: new Float64Array(blockFramesFirst),
        from: 0,
        to: 0,
        firstId: new EntryId().copyFrom(id),
        maxTimestamp: timestamp,
      };
      this.#blocks.push(block);
    } else if (block.to === block.deltas.length) grow(block);
    const at = block.to++;
    block.deltas[at] = firstOffset - block.base;
    block.lengths[at] = length;
    block.positions[at] = position;
    if (timestamp > block.maxTimestamp) block.maxTimestamp = timestamp;
  }

  get #front(): Block | undefined {
    return this.#blocks[this.#head];
  }

  get firstOffset(): number {
    if (this.#isAlone) return this.#aloneOffset;
    const block = this.#front!;
    return block.base + block.deltas[block.from]!;
  }

  get firstPosition(): number {
    if (this.#isAlone) return this.#alonePosition;
    const block = this.#front!;
    return block.positions[block.from]!;
  }

  get firstLength(): number {
    if (this.#isAlone) return this.#aloneLength;
    const block = this.#front!;
    return block.lengths[block.from]!;
  }

  /** First offset of the second frame: where the first one ends. `whenLast` is returned when there is no second. */
  secondOffset(whenLast: number): number {
    if (this.#isAlone) return whenLast;
    const block = this.#front!;
    if (block.from + 1 < block.to) return block.base + block.deltas[block.from + 1]!;
    const next = this.#blocks[this.#head + 1];
    return next === undefined ? whenLast : next.base + next.deltas[next.from]!;
  }

  shift(): void {
    if (this.#isAlone) {
      this.#isAlone = false;
      this.length = 0;
      return;
    }
    const block = this.#front!;
    block.from++;
    this.length--;
    if (block.from < block.to) return;
    if (this.#head + 1 === this.#blocks.length) {
      // The last block is used up: keep small arrays, for the queue that fills and empties all the time.
      this.#blocks = block.deltas.length <= blockFramesKept ? [block] : [];
      this.#head = 0;
      block.from = 0;
      block.to = 0;
      return;
    }
    this.#head++;
    if (this.#head >= 64 && this.#head * 2 >= this.#blocks.length) {
      this.#blocks.splice(0, this.#head);
      this.#head = 0;
    }
  }

  /** Removes a frame from the middle; slots become invalid. The ids and times of its block stay valid bounds. */
  removeAt(slot: number): void {
    if (this.#isAlone) return this.shift();
    const number = this.#head + Math.floor(slot / blockFramesMax);
    const block = this.#blocks[number]!;
    const at = slot % blockFramesMax;
    if (number === this.#head && at === block.from) return this.shift();
    block.deltas.copyWithin(at, at + 1, block.to);
    block.lengths.copyWithin(at, at + 1, block.to);
    block.positions.copyWithin(at, at + 1, block.to);
    block.to--;
    this.length--;
    if (block.from === block.to) this.#blocks.splice(number, 1);
  }

  clear(): void {
    this.#blocks = [];
    this.#head = 0;
    this.length = 0;
    this.#isAlone = false;
  }

  /**
   * The frame that holds `offset` (the last one whose first offset is not above it), as a slot for `slot…` methods;
   * -1 when all frames start above it.
   */
  find(offset: number): number {
    if (this.#isAlone) return offset < this.#aloneOffset ? -1 : 0;
    const blocks = this.#blocks;
    let low = this.#head;
    let high = blocks.length - 1;
    if (this.length === 0 || offset < this.firstOffset) return -1;
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      const block = blocks[middle]!;
      if (block.base + block.deltas[block.from]! <= offset) low = middle;
      else high = middle - 1;
    }
    const block = blocks[low]!;
    const delta = offset - block.base;
    let from = block.from;
    let to = block.to - 1;
    while (from < to) {
      const middle = (from + to + 1) >>> 1;
      if (block.deltas[middle]! <= delta) from = middle;
      else to = middle - 1;
    }
    return (low - this.#head) * blockFramesMax + from;
  }

  /** The slot after `slot`, or -1. */
  after(slot: number): number {
    if (this.#isAlone) return -1;
    const number = Math.floor(slot / blockFramesMax);
    const block = this.#blocks[this.#head + number]!;
    if ((slot % blockFramesMax) + 1 < block.to) return slot + 1;
    const next = this.#blocks[this.#head + number + 1];
    return next === undefined ? -1 : (number + 1) * blockFramesMax + next.from;
  }

  /** The first slot whose frame starts at or above `offset`, or -1. */
  atOrAfter(offset: number): number {
    this.#intoBlocks();
    const slot = this.find(offset);
    if (slot < 0) return this.length === 0 ? -1 : this.#front!.from;
    return this.slotOffset(slot) === offset ? slot : this.after(slot);
  }

  /** Bytes of the frames below `position`, counted until they are `enough`. */
  bytesBelow(position: number, enough: number): number {
    this.#intoBlocks();
    let total = 0;
    for (let i = this.#head; this.length > 0 && i < this.#blocks.length; i++) {
      const block = this.#blocks[i]!;
      for (let at = block.from; at < block.to; at++) {
        if (block.positions[at]! >= position || total >= enough) return total;
        total += block.lengths[at]!;
      }
    }
    return total;
  }

  /** First offset of the first frame such that the frames from it on, which hold `total`, hold at most `bytes`; -1. */
  offsetForBytes(bytes: number, total: number): number {
    this.#intoBlocks();
    let left = total;
    for (let i = this.#head; this.length > 0 && i < this.#blocks.length; i++) {
      const block = this.#blocks[i]!;
      for (let at = block.from; at < block.to; at++) {
        if (left <= bytes) return block.base + block.deltas[at]!;
        left -= block.lengths[at]!;
      }
    }
    return -1;
  }

  slotOffset(slot: number): number {
    if (this.#isAlone) return this.#aloneOffset;
    const block = this.#blocks[this.#head + Math.floor(slot / blockFramesMax)]!;
    return block.base + block.deltas[slot % blockFramesMax]!;
  }

  slotPosition(slot: number): number {
    if (this.#isAlone) return this.#alonePosition;
    return this.#blocks[this.#head + Math.floor(slot / blockFramesMax)]!.positions[slot % blockFramesMax]!;
  }

  slotLength(slot: number): number {
    if (this.#isAlone) return this.#aloneLength;
    return this.#blocks[this.#head + Math.floor(slot / blockFramesMax)]!.lengths[slot % blockFramesMax]!;
  }

  /** The first and last slots of the last block that starts at or below the entry id; [-1, -1] when none does. */
  slotsByEntryId(id: EntryId): [first: number, last: number] {
    this.#intoBlocks();
    let low = this.#head;
    let high = this.length === 0 ? low - 1 : this.#blocks.length - 1;
    let found = -1;
    while (low <= high) {
      const middle = (low + high) >>> 1;
      const block = this.#blocks[middle]!;
      if (block.firstId.compare(id) > 0) high = middle - 1;
      else {
        found = middle;
        low = middle + 1;
      }
    }
    if (found < 0) return [-1, -1];
    const { from, to } = this.#blocks[found]!;
    const start = (found - this.#head) * blockFramesMax;
    return [start + from, start + to - 1];
  }

  /** `slot`, or the first one after it in a block that has a record as new as `timestamp`; -1 when none has. */
  skipOlder(slot: number, timestamp: number): number {
    this.#intoBlocks();
    let number = this.#head + Math.floor(slot / blockFramesMax);
    if (slot < 0 || this.#blocks[number]!.maxTimestamp >= timestamp) return slot;
    for (number++; number < this.#blocks.length; number++) {
      const block = this.#blocks[number]!;
      if (block.maxTimestamp >= timestamp) return (number - this.#head) * blockFramesMax + block.from;
    }
    return -1;
  }
}

function grow(block: Block): void {
  const size = Math.min(block.deltas.length * 4, blockFramesMax);
  const deltas = new Uint32Array(size);
  const lengths = new Uint32Array(size);
  const positions = new Float64Array(size);
  deltas.set(block.deltas);
  lengths.set(block.lengths);
  positions.set(block.positions);
  block.deltas = deltas;
  block.lengths = lengths;
  block.positions = positions;
}
