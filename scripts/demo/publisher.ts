/** Publishes every message through amqplib with confirms, and again those whose confirm a dead broker never sent. */
import amqplib from "amqplib";
import type { FlightMessage } from "./flights.ts";
import { untilConnected } from "./reconnect.ts";

const unconfirmedMax = 2000;

export interface PublisherOptions {
  port: () => number;
  exchange: string;
  messages: Iterable<FlightMessage>;
  onConfirmed: (id: string) => void;
}

/** Resolves once every message is confirmed. */
export async function publishAll({ port, exchange, messages, onConfirmed }: PublisherOptions): Promise<void> {
  const source = messages[Symbol.iterator]();
  const unconfirmed = new Map<string, FlightMessage>();
  let isDrained = false;
  while (!isDrained || unconfirmed.size > 0) {
    const connection = await untilConnected(() => amqplib.connect({ port: port(), hostname: "127.0.0.1" }));
    try {
      const channel = await connection.createConfirmChannel();
      channel.on("error", () => {});
      const broken = new Promise<never>((_resolve, reject) =>
        connection.once("close", () => reject(new Error("gone"))),
      );
      broken.catch(() => {});
      let wake = (): void => {};
      const publish = (message: FlightMessage): void => {
        const options = { persistent: true, messageId: message.id, contentType: "application/json" };
        channel.publish(
          exchange,
          message.routingKey,
          Buffer.from(message.body),
          options,
          (error: unknown) => {
            if (error !== null && error !== undefined) return;
            if (unconfirmed.delete(message.id)) onConfirmed(message.id);
            wake();
          },
        );
      };
      for (const message of unconfirmed.values()) publish(message);
      for (;;) {
        while (unconfirmed.size < unconfirmedMax && !isDrained) {
          const next = source.next();
          if (next.done === true) isDrained = true;
          else {
            unconfirmed.set(next.value.id, next.value);
            publish(next.value);
          }
        }
        if (isDrained && unconfirmed.size === 0) break;
        await Promise.race([new Promise<void>((resolve) => (wake = resolve)), broken]);
      }
      await connection.close();
    } catch {
      // The broker died: connect again and publish what it had not confirmed.
    }
  }
}
