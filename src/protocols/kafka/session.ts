/** Being written: closes every connection. */
import type { Broker } from "../../broker/broker.ts";
import type { Connection, Session } from "../contract.ts";

export class KafkaSession implements Session {
  readonly #connection: Connection;

  constructor(connection: Connection, _broker: Broker) {
    this.#connection = connection;
  }

  onData(_bytes: Buffer): void {
    this.#connection.destroy();
  }

  onWritable(): void {}

  onClosed(): void {}
}
