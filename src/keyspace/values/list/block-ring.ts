/**
 * Which blocks a large list has, in their order: the number, address, count of elements and age of each, in arrays that grow by
 * doubling. No object for each block.
 *
 *     ring slots, physical : first, first + 1, ... modulo the capacity; "at" is a block's place counted from the first
 *     sums                 : elements of 64 physical slots together, so that an index is found without a look at each block
 *
 * Not here: what is in a block. Invariant: numbers ascend; `total` is the sum of all counts.
 */
import { assertInvariant, assertsAreOn } from "../../../base/assert.ts";

const capacityMin = 4;
const groupShift = 6;
const groupSize = 1 << groupShift;

export class BlockRing {
  #numbers = new Float64Array(capacityMin);
  #ages = new Float64Array(capacityMin);
  #addresses = new Int32Array(capacityMin);
  #counts = new Int32Array(capacityMin);
  #sums = new Float64Array(1);
  #first = 0;
  #mask = capacityMin - 1;
  /** Blocks. */
  length = 0;
  /** Elements. */
  total = 0;
  /** After `find`: how many elements stand in front of the one that was asked for, in its block. */
  index = 0;

  numberAt(at: number): number {
    return this.#numbers[(this.#first + at) & this.#mask]!;
  }

  addressAt(at: number): number {
    return this.#addresses[(this.#first + at) & this.#mask]!;
  }

  countAt(at: number): number {
    return this.#counts[(this.#first + at) & this.#mask]!;
  }

  ageAt(at: number): number {
    return this.#ages[(this.#first + at) & this.#mask]!;
  }

  setAddress(at: number, address: number): void {
    this.#addresses[(this.#first + at) & this.#mask] = address;
  }

  setAge(at: number, age: number): void {
    this.#ages[(this.#first + at) & this.#mask] = age;
  }

  setNumber(at: number, number: number): void {
    this.#numbers[(this.#first + at) & this.#mask] = number;
  }

  addCount(at: number, change: number): void {
    const slot = (this.#first + at) & this.#mask;
    this.#counts[slot]! += change;
    this.#sums[slot >> groupShift]! += change;
    this.total += change;
  }

  /** The place of a block's number; `~place` where it would stand if there is none. */
  placeOf(number: number): number {
    const { length } = this;
    if (length === 0) return ~0;
    if (this.numberAt(length - 1) === number) return length - 1;
    let low = 0;
    let high = length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.numberAt(middle) < number) low = middle + 1;
      else high = middle;
    }
    return low < length && this.numberAt(low) === number ? low : ~low;
  }

  /** The place of the block of element `wanted`, from the nearer end; `index` says which of its elements that is. */
  find(wanted: number): number {
    return wanted * 2 < this.total ? this.#findForward(wanted) : this.#findBackward(wanted);
  }

  #findForward(wanted: number): number {
    let left = wanted;
    for (let at = 0; ;) {
      const slot = (this.#first + at) & this.#mask;
      if ((slot & (groupSize - 1)) === 0 && at + groupSize <= this.length) {
        const sum = this.#sums[slot >> groupShift]!;
        if (left >= sum) {
          left -= sum;
          at += groupSize;
          continue;
        }
      }
      const count = this.#counts[slot]!;
      if (left < count) {
        this.index = left;
        return at;
      }
      left -= count;
      at++;
    }
  }

  #findBackward(wanted: number): number {
    // Elements behind the wanted one.
    let left = this.total - 1 - wanted;
    for (let at = this.length - 1; ;) {
      const slot = (this.#first + at) & this.#mask;
      if ((slot & (groupSize - 1)) === groupSize - 1 && at >= groupSize - 1) {
        const sum = this.#sums[slot >> groupShift]!;
        if (left >= sum) {
          left -= sum;
          at -= groupSize;
          continue;
        }
      }
      const count = this.#counts[slot]!;
      if (left < count) {
        this.index = count - 1 - left;
        return at;
      }
      left -= count;
      at--;
    }
  }

  /** Adds a block without elements at that place; those behind it move up. */
  insert(at: number, number: number, address: number, age: number): void {
    if (this.length === this.#mask + 1) this.#grow();
    const isFront = at * 2 < this.length;
    if (isFront) {
      this.#first = (this.#first - 1) & this.#mask;
      for (let i = 0; i < at; i++) this.#move(i + 1, i);
    } else for (let i = this.length; i > at; i--) this.#move(i - 1, i);
    this.length++;
    const slot = (this.#first + at) & this.#mask;
    this.#numbers[slot] = number;
    this.#addresses[slot] = address;
    this.#ages[slot] = age;
    this.#counts[slot] = 0;
    if (assertsAreOn) this.#assertOrder(at);
  }

  /** Takes a block out; its elements count no more. */
  remove(at: number): void {
    this.addCount(at, -this.countAt(at));
    if (at * 2 < this.length) {
      for (let i = at; i > 0; i--) this.#move(i - 1, i);
      this.#first = (this.#first + 1) & this.#mask;
    } else for (let i = at; i < this.length - 1; i++) this.#move(i + 1, i);
    this.length--;
  }

  /** To a place that is none, or that has no elements. */
  #move(from: number, to: number): void {
    const a = (this.#first + from) & this.#mask;
    const b = (this.#first + to) & this.#mask;
    const count = this.#counts[a]!;
    this.#numbers[b] = this.#numbers[a]!;
    this.#addresses[b] = this.#addresses[a]!;
    this.#ages[b] = this.#ages[a]!;
    this.#counts[b] = count;
    this.#counts[a] = 0;
    this.#sums[a >> groupShift]! -= count;
    this.#sums[b >> groupShift]! += count;
  }

  #grow(): void {
    const capacity = (this.#mask + 1) * 2;
    const numbers = new Float64Array(capacity);
    const ages = new Float64Array(capacity);
    const addresses = new Int32Array(capacity);
    const counts = new Int32Array(capacity);
    const sums = new Float64Array(Math.max(capacity >> groupShift, 1));
    for (let at = 0; at < this.length; at++) {
      numbers[at] = this.numberAt(at);
      ages[at] = this.ageAt(at);
      addresses[at] = this.addressAt(at);
      counts[at] = this.countAt(at);
      sums[at >> groupShift]! += this.countAt(at);
    }
    this.#numbers = numbers;
    this.#ages = ages;
    this.#addresses = addresses;
    this.#counts = counts;
    this.#sums = sums;
    this.#first = 0;
    this.#mask = capacity - 1;
  }

  #assertOrder(at: number): void {
    assertInvariant(
      (at === 0 || this.numberAt(at - 1) < this.numberAt(at)) &&
        (at === this.length - 1 || this.numberAt(at) < this.numberAt(at + 1)),
      "the numbers of a list's blocks ascend",
    );
  }
}
