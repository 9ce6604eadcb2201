/** Reads a stored record of whatever envelope into `MessageParts`. */
import { BrokerError } from "../../base/errors.ts";
import { MessageParts } from "./parts.ts";
import { AmqpPartsReader } from "./read-amqp.ts";
import { KafkaPartsReader } from "./read-kafka.ts";
import { RedisPartsReader } from "./read-redis.ts";
import { envelope } from "../envelope.ts";
import type { StoredRecord } from "../record.ts";

const heldBytesMax = 1 << 20;
const nothing = Buffer.alloc(0);

export class PartsReader {
  readonly #parts = new MessageParts();
  readonly #amqp = new AmqpPartsReader();
  readonly #kafka = new KafkaPartsReader();
  readonly #redis = new RedisPartsReader();

  /** Valid until the next call. */
  read(record: StoredRecord): MessageParts {
    const parts = this.#parts;
    if (record.envelope === envelope.amqp) this.#amqp.read(record, parts);
    else if (record.envelope === envelope.kafka) this.#kafka.read(record, parts);
    else if (record.envelope === envelope.redis) this.#redis.read(record, parts);
    else throw new BrokerError("INVALID", "reads a record that no protocol wrote");
    return parts;
  }

  /** Lets go of a large batch that a record was read from: what is kept of those is kafkaFrames' to say. */
  release(): void {
    if (this.#parts.buffer.length > heldBytesMax) this.#parts.clear(nothing);
  }
}
