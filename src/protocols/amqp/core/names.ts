/**
 * Names between AMQP and the broker. AMQP's are UTF-8 texts; the broker keeps names that may be binary as latin1
 * strings of their bytes, so that a queue, a Redis key and a topic of the same bytes are the same.
 */
import { nameOfText, shownName } from "../../../broker/names.ts";
import { AmqpError } from "./errors.ts";

/** The broker's form of a name in a method. */
export function brokerName(text: string): string {
  return nameOfText(text);
}

/**
 * The broker's form of a name that a method declares, deletes or binds: without carriage returns and line feeds, as in RabbitMQ.
 */
export function strippedName(text: string): string {
  return brokerName(text.includes("\r") || text.includes("\n") ? text.replaceAll(/[\r\n]/g, "") : text);
}

/** The text of a broker name, for replies and errors. */
export const amqpName: (name: string) => string = shownName;

const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/** A name such as `amq.gen-` and 22 random characters, as RabbitMQ makes them. */
export function randomName(prefix: string, random: { bytes(size: number): Uint8Array }): string {
  let name = prefix;
  for (const byte of random.bytes(22)) name += alphabet[byte & 63]!;
  return name;
}

/** Names with `amq.` are reserved for the server (spec, queue.declare and exchange.declare). Throws ACCESS_REFUSED. */
export function assertNotReserved(kind: "queue" | "exchange", name: string): void {
  if (!name.startsWith("amq.")) return;
  throw new AmqpError("ACCESS_REFUSED", `${kind} name '${name}' contains reserved prefix 'amq.*'`);
}
