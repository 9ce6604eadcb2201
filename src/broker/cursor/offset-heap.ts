/** Offsets to be delivered again, lowest first: a binary heap in one typed array. */
export class OffsetHeap {
  #items = new Float64Array(16);
  size = 0;

  /** The lowest offset; only when `size > 0`. */
  get lowest(): number {
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

  clear(): void {
    this.size = 0;
    if (this.#items.length > 1024) this.#items = new Float64Array(16);
  }
}
