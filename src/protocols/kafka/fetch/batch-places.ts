/**
 * Batches on their way into an answer: where their bytes lie, and at which offsets of the log. They are copied once, into the connection's
 * output, in the turn in which they were found.
 *
 * Invariant: every batch leaves with its place in this log.
 */
import type { ByteWriter } from "../../../base/bytes.ts";
import { KafkaBatch } from "../../../message/kafka/batch.ts";
import { leaderEpoch } from "../core/server.ts";
import type { RecordsSource } from "../wire/records-source.ts";

const placed = new KafkaBatch();

export class BatchPlaces implements RecordsSource {
  length = 0;
  recordCount = 0;
  readonly #buffers: Buffer[] = [];
  /** Start, end and base offset of each batch. */
  readonly #places: number[] = [];

  protected add(buffer: Buffer, start: number, end: number, baseOffset: number): void {
    this.#buffers.push(buffer);
    this.#places.push(start, end, baseOffset);
    this.length += end - start;
  }

  writeTo(writer: ByteWriter): void {
    const buffers = this.#buffers;
    const places = this.#places;
    for (let i = 0; i < buffers.length; i++) {
      const at = writer.length;
      writer.bytes(buffers[i]!, places[i * 3], places[i * 3 + 1]);
      placed.reset(writer.buffer, at).setPlace(places[i * 3 + 2]!, leaderEpoch);
    }
  }
}
