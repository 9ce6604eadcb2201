/**
 * A Kafka client of the barest kind, over the project's own codec: one request at a time, nothing retried. For tests
 * that must decide themselves what is sent again. Behaviour with real clients is shown by test/clients.
 */
import net from "node:net";
import { ByteWriter } from "../../src/base/bytes.ts";
import {
  type ApiName,
  decodeResponse,
  encodeRequest,
  type RequestInput,
  type ResponseBody,
} from "../../src/protocols/kafka/wire/codec.ts";

export { makeBatch } from "../../sim/clients/kafka-batch.ts";

export class KafkaWireClient {
  readonly #socket: net.Socket;
  #received = Buffer.alloc(0);
  #correlationId = 0;
  #waiting: { resolve: (frame: Buffer) => void; reject: (error: Error) => void } | null = null;
  #error: Error | null = null;

  private constructor(socket: net.Socket) {
    this.#socket = socket;
    socket.on("data", (bytes: Buffer) => this.#data(bytes));
    socket.on("error", (error) => this.#fail(error));
    socket.on("close", () => this.#fail(new Error("connection closed")));
  }

  static connect(port: number): Promise<KafkaWireClient> {
    return new Promise((resolve, reject) => {
      const socket = net.connect({ port, host: "127.0.0.1", noDelay: true });
      socket.once("error", reject);
      socket.once("connect", () => {
        socket.off("error", reject);
        resolve(new KafkaWireClient(socket));
      });
    });
  }

  #data(bytes: Buffer): void {
    this.#received = Buffer.concat([this.#received, bytes]);
    if (this.#received.length < 4) return;
    const end = 4 + this.#received.readUInt32BE(0);
    if (this.#received.length < end || this.#waiting === null) return;
    const frame = this.#received.subarray(4, end);
    this.#received = this.#received.subarray(end);
    const { resolve } = this.#waiting;
    this.#waiting = null;
    resolve(frame);
  }

  #fail(error: Error): void {
    this.#error ??= error;
    this.#waiting?.reject(error);
    this.#waiting = null;
  }

  async request<N extends ApiName>(
    name: N,
    version: number,
    body: RequestInput<N>,
  ): Promise<ResponseBody<N>> {
    if (this.#error !== null) throw this.#error;
    const writer = new ByteWriter();
    encodeRequest(writer, name, { version, correlationId: ++this.#correlationId, clientId: "wire" }, body);
    const frame = new Promise<Buffer>((resolve, reject) => (this.#waiting = { resolve, reject }));
    this.#socket.write(writer.copy());
    const bytes = await frame;
    return decodeResponse(bytes, 0, bytes.length, name, version).body;
  }

  close(): void {
    this.#socket.destroy();
  }
}
