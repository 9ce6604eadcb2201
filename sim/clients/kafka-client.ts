/** A Kafka client of a run: requests out, responses in, in order; nothing is retried here. */
import { ByteWriter } from "../../src/base/bytes.ts";
import {
  type ApiName,
  decodeResponse,
  encodeRequest,
  type RequestInput,
  type ResponseBody,
} from "../../src/protocols/kafka/wire/codec.ts";
import type { LinkEnd, SimLink } from "../network.ts";

export class KafkaClient implements LinkEnd {
  readonly #link: SimLink;
  #received: Buffer = Buffer.alloc(0);
  /** Null: the connection is gone. */
  #waiting: ((frame: Buffer | null) => void)[] = [];
  #correlationId = 0;
  isLost = false;

  constructor(link: SimLink) {
    this.#link = link;
    link.client = this;
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  /** `onResponse` gets null when the connection is gone, and nobody knows what became of the request. */
  request<N extends ApiName>(
    name: N,
    version: number,
    body: RequestInput<N>,
    onResponse: (body: ResponseBody<N> | null) => void,
  ): void {
    if (this.isLost) return onResponse(null);
    const writer = new ByteWriter();
    encodeRequest(writer, name, { version, correlationId: ++this.#correlationId, clientId: "sim" }, body);
    this.#waiting.push((frame) => {
      onResponse(frame === null ? null : decodeResponse(frame, 0, frame.length, name, version).body);
    });
    this.#link.send(writer.copy());
  }

  /** A request that has no answer (acks=0). */
  send<N extends ApiName>(name: N, version: number, body: RequestInput<N>): void {
    const writer = new ByteWriter();
    encodeRequest(writer, name, { version, correlationId: ++this.#correlationId, clientId: "sim" }, body);
    this.#link.send(writer.copy());
  }

  received(bytes: Buffer): void {
    this.#received = Buffer.concat([this.#received, bytes]);
    while (this.#received.length >= 4) {
      const end = 4 + this.#received.readUInt32BE(0);
      if (this.#received.length < end) return;
      const frame = Buffer.from(this.#received.subarray(4, end));
      this.#received = this.#received.subarray(end);
      this.#waiting.shift()?.(frame);
    }
  }

  closed(): void {
    this.isLost = true;
    for (const onFrame of this.#waiting.splice(0)) onFrame(null);
  }

  cut(): void {
    this.#link.cut();
  }
}
