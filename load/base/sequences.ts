/**
 * Messages that say who sent them and as which: so that what came can be counted, and what is missing named.
 *
 *     body = uint32 publisher, uint32 sequence, bytes that follow from both
 *
 * Invariant: `isWhole` is true of what `body` made, and of nothing else of that length but by a rare accident.
 */
const headBytes = 8;

export function body(publisher: number, sequence: number, bytes: number): Buffer {
  const made = Buffer.alloc(bytes, fillOf(publisher, sequence));
  made.writeUInt32BE(publisher, 0);
  made.writeUInt32BE(sequence, 4);
  return made;
}

function fillOf(publisher: number, sequence: number): number {
  return (publisher * 31 + sequence * 7) & 0xff;
}

export function isWhole(bytes: Buffer): boolean {
  if (bytes.length < headBytes) return false;
  return body(bytes.readUInt32BE(0), bytes.readUInt32BE(4), bytes.length).equals(bytes);
}

/** How often each sequence of one publisher came. */
export class Arrivals {
  #counts = new Uint8Array(1024);
  /** Different ones. */
  distinct = 0;
  total = 0;
  damaged = 0;
  /** Came after a higher one. */
  outOfOrder = 0;
  #highest = -1;

  take(bytes: Buffer): void {
    this.total++;
    if (!isWhole(bytes)) {
      this.damaged++;
      return;
    }
    this.add(bytes.readUInt32BE(4));
  }

  add(sequence: number): void {
    while (sequence >= this.#counts.length) this.#grow();
    if (sequence < this.#highest) this.outOfOrder++;
    else this.#highest = sequence;
    if (this.#counts[sequence]!++ === 0) this.distinct++;
  }

  #grow(): void {
    const grown = new Uint8Array(this.#counts.length * 2);
    grown.set(this.#counts);
    this.#counts = grown;
  }

  has(sequence: number): boolean {
    return (this.#counts[sequence] ?? 0) > 0;
  }

  /** Those of the others that did not come here. */
  missingOf(others: Arrivals): number {
    let missing = 0;
    others.#counts.forEach((count, sequence) => {
      if (count > 0 && !this.has(sequence)) missing++;
    });
    return missing;
  }
}
