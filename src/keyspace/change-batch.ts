/**
 * Changes that one command makes over several turns, kept back so that the journal gets them all at once.
 *
 * Not here: what keeps others from seeing the command half done (the key is theirs only when it is over). Invariant: until its changes
 * are committed or dropped the cleaner writes nothing again, since what it would find is half changed.
 */
export class ChangeBatch {
  /** What `Keyspace.changes` writes into while the command is at work. */
  buffer: Buffer = Buffer.allocUnsafeSlow(1024);
  length = 0;
  /** Which key it has changed last, of those that somebody watches. Nobody sees the key before all is over, so they are told once. */
  toldKey = "";
  toldDatabase = -1;
  readonly #chunks: Buffer[] = [];
  #chunkBytes = 0;

  get bytes(): number {
    return this.#chunkBytes + this.length;
  }

  add(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#chunkBytes += chunk.length;
  }

  /** All changes in their order. */
  *chunks(): Generator<Buffer> {
    yield* this.#chunks;
    yield this.buffer.subarray(0, this.length);
  }
}
