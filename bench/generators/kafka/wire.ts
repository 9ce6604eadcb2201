/**
 * Bytes of Kafka's protocol: what the requests here are made of, and how their responses are read.
 *
 *     request   int32 size, int16 API key, int16 version, int32 correlation id, string client id, body
 *     response  int32 size, int32 correlation id, body
 *
 * All requests use the last version of their API before the flexible ones: lengths are int16 and int32, nothing is
 * tagged, and the records within are the same bytes as in every later version.
 * Not here: the broker's codec (src/protocols/kafka/wire); the bench knows nothing of it, so that they cannot be wrong
 * in the same way.
 */

/** Versions that both Kafka 4 and TroikaMQ speak. */
export const apis = {
  produce: { key: 0, version: 8 },
  fetch: { key: 1, version: 11 },
  listOffsets: { key: 2, version: 5 },
  createTopics: { key: 19, version: 4 },
  deleteTopics: { key: 20, version: 3 },
} as const;

const clientId = "troikamq-bench";
export const correlationIdAt = 8;
const two32 = 2 ** 32;

/** Fills one buffer again and again; the caller knows how large a request of his can get. */
export class RequestWriter {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  at = 0;

  constructor(bytesMax: number) {
    this.bytes = new Uint8Array(bytesMax);
    this.view = new DataView(this.bytes.buffer);
  }

  begin({ key, version }: (typeof apis)[keyof typeof apis]): this {
    // Size and correlation id are filled in by `end` and by the connection.
    this.at = 0;
    return this.int32(0).int16(key).int16(version).int32(0).string(clientId);
  }

  /** The request's bytes, in the writer's own buffer. */
  end(): Uint8Array {
    this.view.setInt32(0, this.at - 4);
    return this.bytes.subarray(0, this.at);
  }

  int8(value: number): this {
    this.view.setInt8(this.at, value);
    this.at += 1;
    return this;
  }

  int16(value: number): this {
    this.view.setInt16(this.at, value);
    this.at += 2;
    return this;
  }

  int32(value: number): this {
    this.view.setInt32(this.at, value);
    this.at += 4;
    return this;
  }

  int64(value: number): this {
    writeInt64(this.view, this.at, value);
    this.at += 8;
    return this;
  }

  string(text: string): this {
    const encoded = Buffer.from(text);
    this.int16(encoded.length);
    this.bytes.set(encoded, this.at);
    this.at += encoded.length;
    return this;
  }

  nothing(): this {
    return this.int16(-1);
  }
}

/** Reads on within one response; the bytes are only good until its handler returns. */
export class ResponseReader {
  #view: DataView = new DataView(new ArrayBuffer(0));
  at = 0;

  reset(view: DataView, at: number): void {
    this.#view = view;
    this.at = at;
  }

  get view(): DataView {
    return this.#view;
  }

  int16(): number {
    this.at += 2;
    return this.#view.getInt16(this.at - 2);
  }

  int32(): number {
    this.at += 4;
    return this.#view.getInt32(this.at - 4);
  }

  int64(): number {
    this.at += 8;
    return readInt64(this.#view, this.at - 8);
  }

  skip(bytes: number): void {
    this.at += bytes;
  }

  /** Null reads as nothing. */
  string(): string {
    const length = Math.max(this.int16(), 0);
    this.at += length;
    return Buffer.from(this.#view.buffer, this.#view.byteOffset + this.at - length, length).toString();
  }
}

/** Exact to 2^53, which no offset or time of a bench reaches. */
export function writeInt64(view: DataView, at: number, value: number): void {
  view.setInt32(at, Math.floor(value / two32));
  view.setUint32(at + 4, value >>> 0);
}

export function readInt64(view: DataView, at: number): number {
  return view.getInt32(at) * two32 + view.getUint32(at + 4);
}
