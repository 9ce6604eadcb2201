/**
 * Small durable states beside the messages: what a log has lost, where a cursor stands, what a producer sent last.
 *
 * A state writes its changes at the end of each tick and all of itself when the journal file that holds its last full
 * form is to be deleted. Replaying the last full form and every change after it, in order, gives the state again.
 */
import type { ByteReader, ByteWriter } from "../../base/bytes.ts";
import type { Log } from "../log/log.ts";

export interface DurableState {
  /** The log that it is a part of, or says something of; absent: of none. */
  readonly log?: Log;
  /** All of the state, as it is now. */
  encodeFull(writer: ByteWriter): void;
  restoreFull(reader: ByteReader): void;
  /** What changed since the last call of this or of `encodeFull`. Writes nothing when nothing did. */
  encodeChange(writer: ByteWriter): void;
  applyChange(reader: ByteReader): void;
}

/** A state's place in the journal. The storage owns its fields; the owner keeps the handle and names its changes. */
export class StateHandle {
  readonly id: number;
  readonly owner: DurableState;
  /** Where its last full form is; -1 before the first. */
  position = -1;
  /** Bytes of that full form's frame. */
  bytes = 0;
  isChanged = false;
  isOpen = true;

  constructor(id: number, owner: DurableState) {
    this.id = id;
    this.owner = owner;
  }
}
