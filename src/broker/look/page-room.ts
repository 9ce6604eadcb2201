/** What one page of messages that are looked at has room for. A page is full only before a further message. Pure. */
import { limits } from "../../base/limits.ts";
import type { MessageFilter } from "./filter.ts";
import type { Looked } from "./looked.ts";

/** What the look at one record came to. */
export interface Look {
  /** Null: the filter does not match. */
  readonly message: Looked | null;
  readonly bytesKept: number;
  readonly bytesFiltered: number;
}

const unitsOfMessage = 8;
const bytesPerUnit = 1024;

export class PageRoom {
  readonly messages: Looked[] = [];
  readonly #messagesMax: number;
  #bytesLeft: number = limits.lookedBytesMax;
  #offsetsLeft: number = limits.lookedOffsetsMax;
  #filteredLeft: number;
  #filteredBytesLeft: number = limits.filteredBytesMax;

  constructor(messagesMax: number, filter: MessageFilter | null) {
    this.#messagesMax = messagesMax;
    this.#filteredLeft = filter === null ? Infinity : limits.filteredMessagesMax;
  }

  get isFull(): boolean {
    return (
      this.messages.length === this.#messagesMax ||
      this.#bytesLeft <= 0 ||
      this.#offsetsLeft <= 0 ||
      this.#filteredLeft <= 0 ||
      this.#filteredBytesLeft <= 0
    );
  }

  /** An offset was searched. */
  searched(): void {
    this.#offsetsLeft--;
  }

  /** A record was looked at. Returns the units of work that it was. */
  add({ message, bytesKept, bytesFiltered }: Look): number {
    if (message !== null) this.messages.push(message);
    this.#bytesLeft -= bytesKept;
    this.#filteredLeft--;
    this.#filteredBytesLeft -= bytesFiltered;
    return unitsOfMessage + (bytesKept + bytesFiltered) / bytesPerUnit;
  }
}
