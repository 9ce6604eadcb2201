/**
 * Offsets to be delivered again: lowest first (a binary heap), or in the order in which they were given back (a ring).
 * Both in one typed array. Invariant: `first` is what `pop` gives next.
 */
export interface OffsetQueue {
  readonly size: number;
  /** Only when `size > 0`, as `pop`. */
  readonly first: number;
  push(offset: number): void;
  pop(): number;
}

export class OffsetHeap implements OffsetQueue {
  #items = new Float64Array(16);
  size = 0;

  get first(): number {
    return this.#items[0]!;
  }

  push(offset: number): void {
    if (this.size === this.#items.length) {
      const grown = new Float64Array(this.size * 2);
      grown.set(this.#items);
      this.#items = grown;
    }
    const items = this.#items;
    let at = this.size++;
    while (at > 0) {
      const parent = (at - 1) >>> 1;
      if (items[parent]! <= offset) break;
      items[at] = items[parent]!;
      at = parent;
    }
    items[at] = offset;
  }

  pop(): number {
    const items = this.#items;
    const lowest = items[0]!;
    const last = items[--this.size]!;
    let at = 0;
    for (;;) {
      let child = at * 2 + 1;
      if (child >= this.size) break;
      if (child + 1 < this.size && items[child + 1]! < items[child]!) child++;
      if (items[child]! >= last) break;
      items[at] = items[child]!;
      at = child;
    }
    items[at] = last;
    return lowest;
  }
}

export class OffsetRing implements OffsetQueue {
  #items = new Float64Array(16);
  #start = 0;
  size = 0;

  get first(): number {
    return this.#items[this.#start]!;
  }

  push(offset: number): void {
    const before = this.#items;
    if (this.size === before.length) {
      const grown = new Float64Array(before.length * 2);
      grown.set(before.subarray(this.#start));
      grown.set(before.subarray(0, this.#start), before.length - this.#start);
      this.#items = grown;
      this.#start = 0;
    }
    this.#items[(this.#start + this.size++) % this.#items.length] = offset;
  }

  pop(): number {
    const { first } = this;
    this.#start = (this.#start + 1) % this.#items.length;
    this.size--;
    return first;
  }
}
