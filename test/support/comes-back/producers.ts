/**
 * Who writes: the same messages by each protocol, confirmed as its users have them confirmed. Each has an id, a body, and the header
 * `made-by`, which every reader has to see.
 */
import type { World } from "./world.ts";

export interface Outgoing {
  readonly body: string;
  /** The body, where it is not given. */
  readonly id?: string;
  readonly delayMs?: number;
}

export interface ProducerKind {
  readonly name: "AMQP" | "Redis" | "Kafka";
  publish(world: World, to: string, messages: readonly Outgoing[]): Promise<void>;
}

function headersOf(by: ProducerKind["name"], { delayMs }: Outgoing): Record<string, string> {
  return { "made-by": by, ...(delayMs === undefined ? {} : { "x-delay": String(delayMs) }) };
}

const amqp: ProducerKind = {
  name: "AMQP",
  async publish({ clients }, to, messages) {
    const sent = messages.map(
      (message) =>
        new Promise<void>((resolve, reject) => {
          const { body, id = body } = message;
          const options = {
            persistent: true,
            messageId: id,
            headers: headersOf("AMQP", message),
            mandatory: true,
          };
          clients.publisher.sendToQueue(to, Buffer.from(body), options, (error) =>
            error === null || error === undefined ? resolve() : reject(error),
          );
        }),
    );
    await Promise.all(sent);
  },
};

const redis: ProducerKind = {
  name: "Redis",
  async publish({ clients }, to, messages) {
    for (const { body, id = body, delayMs } of messages) {
      const fields = Object.entries({ body, key: id, "amqp.message-id": id, "made-by": "Redis" }).flat();
      // XADD has to answer an entry's id, so a delay is a command of its own.
      if (delayMs === undefined) await clients.redis.xadd(to, "*", ...fields);
      else await clients.redis.call("TROIKA.XADD", to, "DELAY", delayMs, "*", ...fields);
    }
  },
};

const kafka: ProducerKind = {
  name: "Kafka",
  async publish({ clients }, to, messages) {
    await clients.producer.send({
      topic: to,
      acks: -1,
      messages: messages.map((message) => {
        const { body, id = body } = message;
        return { key: id, value: body, headers: { "amqp.message-id": id, ...headersOf("Kafka", message) } };
      }),
    });
  },
};

export const producers: readonly ProducerKind[] = [amqp, redis, kafka];
