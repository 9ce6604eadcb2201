/**
 * Pub/Sub messages that came to a connection while it had a reply to write: they follow the reply, never in its middle.
 *
 * Not here: when they may leave (session.ts). Invariant: they leave once, in the order in which they came; a connection
 * that has none costs no buffer.
 */
import { ByteWriter } from "../../../base/bytes.ts";

export class DeferredPushes {
  #waiting: ByteWriter | null = null;

  get bytes(): number {
    return this.#waiting?.length ?? 0;
  }

  /** Memory that they take. */
  get memoryBytes(): number {
    return this.#waiting?.buffer.length ?? 0;
  }

  add(bytes: Buffer, length: number): void {
    this.#waiting ??= new ByteWriter();
    this.#waiting.bytes(bytes, 0, length);
  }

  flushTo(output: ByteWriter): void {
    const waiting = this.#waiting;
    if (waiting === null) return;
    this.#waiting = null;
    output.bytes(waiting.buffer, 0, waiting.length);
  }
}
