/**
 * `troikamq pub NAME [MESSAGE…]`: publishes to a queue, stream or topic, or by an exchange, and waits until the broker has stored it.
 *
 * Invariants: messages from stdin are read no faster than the broker stores them; exit code 0 means that every one is stored.
 */
import { createInterface } from "node:readline";
import { type Command, InvalidArgumentError } from "commander";
import type { AmqpProperties } from "../../../src/message/amqp/properties.ts";
import { fromPlain } from "../../../src/message/amqp/table-plain.ts";
import { amqpAddressOf } from "../broker/amqp-address.ts";
import { AmqpLink } from "../broker/amqp-link.ts";
import { destinationsNamed } from "../broker/named.ts";
import type { Api } from "../broker/api.ts";
import { CliFault } from "../fault.ts";
import { seconds, wholeNumber } from "../numbers.ts";
import { countText } from "../output/text.ts";
import { type BrokerOptions, examples, sessionOf, withBroker } from "../session.ts";

const unconfirmedMax = 1000;
const stdinBytesMax = 128 << 20;

interface Options extends BrokerOptions {
  readonly exchange?: string;
  readonly key?: string;
  readonly lines?: true;
  readonly header?: readonly (readonly [string, string])[];
  readonly contentType?: string;
  readonly messageId?: string;
  readonly correlationId?: string;
  readonly replyTo?: string;
  readonly type?: string;
  readonly priority?: number;
  readonly expire?: number;
  readonly transient?: true;
  readonly count: number;
}

interface Place {
  readonly exchange: string;
  readonly routingKey: string;
}

/** A topic of several partitions has an exchange, which chooses one by the key. */
async function placeOf(api: Api, name: string, { exchange, key }: Options): Promise<Place> {
  if (exchange !== undefined) {
    if (key !== undefined)
      throw new CliFault("usage", "with --exchange, NAME is the routing key; leave out --key");
    return { exchange, routingKey: name };
  }
  const found = await destinationsNamed(api, name);
  const topic = found.find(({ kind, partitions = 1 }) => kind === "kafka_topic" && partitions > 1);
  if (topic !== undefined) return { exchange: name, routingKey: key ?? "" };
  if (key !== undefined)
    throw new CliFault(
      "usage",
      "--key chooses the partition of a topic, and this is none of several partitions",
    );
  return { exchange: "", routingKey: name };
}

function propertiesOf(options: Options): AmqpProperties {
  const { contentType, messageId, correlationId, replyTo, type, priority, expire, header } = options;
  return {
    deliveryMode: options.transient === undefined ? 2 : 1,
    ...(contentType === undefined ? {} : { contentType }),
    ...(messageId === undefined ? {} : { messageId }),
    ...(correlationId === undefined ? {} : { correlationId }),
    ...(replyTo === undefined ? {} : { replyTo }),
    ...(type === undefined ? {} : { type }),
    ...(priority === undefined ? {} : { priority }),
    ...(expire === undefined ? {} : { expiration: String(Math.round(expire * 1000)) }),
    ...(header === undefined ? {} : { headers: fromPlain(Object.fromEntries(header)) }),
  };
}

async function wholeStdin(): Promise<Buffer> {
  if (process.stdin.isTTY) process.stderr.write("type the message; Ctrl-D ends it\n");
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of process.stdin) {
    parts.push(part as Buffer);
    bytes += (part as Buffer).length;
    if (bytes > stdinBytesMax)
      throw new CliFault(
        "usage",
        `a message has ${stdinBytesMax >> 20} MiB at most; --lines makes one of each line`,
      );
  }
  return Buffer.concat(parts);
}

async function* messagesOf(
  given: readonly string[],
  { lines, count }: Options,
): AsyncGenerator<Buffer, void> {
  if (lines !== undefined) {
    for await (const line of createInterface({ input: process.stdin, crlfDelay: Infinity }))
      yield Buffer.from(line);
    return;
  }
  const bodies = given.length > 0 ? given.map((text) => Buffer.from(text)) : [await wholeStdin()];
  for (let round = 0; round < count; round++) yield* bodies;
}

/** Publishes all; resolves to how many there were once all are stored. @throws CliFault */
async function published(
  api: Api,
  { exchange, routingKey }: Place,
  properties: AmqpProperties,
  messages: AsyncIterable<Buffer>,
): Promise<number> {
  let sent = 0;
  let confirmed = 0;
  let fault: CliFault | null = null;
  let tell: () => void = () => {};
  const link = await AmqpLink.open(await amqpAddressOf(api), {
    returned: (_message, text) => {
      const key = JSON.stringify(routingKey);
      const name = JSON.stringify(exchange);
      const told =
        exchange === ""
          ? `no queue is called ${key} (${text}); see troikamq ls`
          : `exchange ${name} leads nowhere with the key ${key} (${text}); see why with troikamq explain ${name} ${key}`;
      fault ??= new CliFault("notFound", told);
      tell();
    },
    confirmed: (upTo, accepted) => {
      confirmed = Math.max(confirmed, upTo);
      if (!accepted)
        fault ??= new CliFault("refused", "the broker did not take the message: the queue is full, or gone");
      tell();
    },
    failed: (why) => {
      fault ??= why;
      tell();
    },
  });
  const until = async (unconfirmed: number): Promise<void> => {
    while (fault === null && sent - confirmed > unconfirmed) {
      await new Promise<void>((resolve) => (tell = resolve));
    }
    if (fault !== null) throw fault;
  };
  try {
    await link.call("confirm.select", { noWait: false });
    for await (const body of messages) {
      sent++;
      if (!link.publish(exchange, routingKey, properties, body)) await link.drained();
      await until(unconfirmedMax);
    }
    await until(0);
    return sent;
  } finally {
    await link.close();
  }
}

export function headerIn(
  text: string,
  before: readonly (readonly [string, string])[] = [],
): (readonly [string, string])[] {
  const at = text.indexOf("=");
  if (at < 1) throw new InvalidArgumentError("Give NAME=VALUE.");
  return [...before, [text.slice(0, at), text.slice(at + 1)]];
}

export function definePub(command: Command): void {
  withBroker(command)
    .argument("<name>", "a queue, stream or topic; with --exchange the routing key")
    .argument("[message...]", "the messages; without one, all of stdin is the message")
    .option("--exchange <name>", "publish to this exchange")
    .option("--key <key>", "key that chooses the partition of a topic")
    .option("--lines", "every line of stdin is a message")
    .option("--count <n>", "publish the messages so many times", wholeNumber(1), 1)
    .option("--header <name=value>", "a header; may be given several times", headerIn)
    .option("--content-type <type>", "such as application/json")
    .option("--message-id <id>")
    .option("--correlation-id <id>")
    .option("--reply-to <queue>")
    .option("--type <type>")
    .option("--priority <n>", "0 to 255", wholeNumber(0))
    .option("--expire <seconds>", "the message is dropped when it has waited so long", seconds)
    .option("--transient", "need not survive a restart, where the queue keeps it in memory")
    .addHelpText(
      "after",
      examples(
        "troikamq pub orders '{\"id\": 1}' --content-type application/json",
        "troikamq pub orders < message.bin",
        "seq 1000 | troikamq pub orders --lines",
        "troikamq pub orders.created hello --exchange amq.topic --header tenant=a",
      ),
    )
    .action(async (name: string, messages: readonly string[], options: Options) => {
      if (options.lines !== undefined && messages.length > 0)
        throw new CliFault(
          "usage",
          "--lines reads the messages from stdin; leave out those of the command line",
        );
      const { api, printer } = sessionOf(options);
      const place = await placeOf(api, name, options);
      const count = await published(api, place, propertiesOf(options), messagesOf(messages, options));
      printer.done({ published: count }, `published ${countText(count)} message${count === 1 ? "" : "s"}`);
    });
}
