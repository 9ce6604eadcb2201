/**
 * `troikamq peek NAME`: shows messages and leaves them where they are.
 *
 * A queue's are got and given back, in one request: those who consume see them as redelivered, as with RabbitMQ's management page. Streams and
 * topics are read, which leaves no trace.
 */
import type { Command } from "commander";
import type { FieldValue } from "../../../src/message/amqp/table.ts";
import { amqpAddressOf } from "../broker/amqp-address.ts";
import { type Api, path } from "../broker/api.ts";
import { type ShownMessage, shownMessage } from "../broker/message-json.ts";
import { type Destination, logNamed } from "../broker/named.ts";
import { Subscription } from "../broker/subscription.ts";
import { CliFault } from "../fault.ts";
import { wholeNumber } from "../numbers.ts";
import { MessagePrinter } from "../output/messages.ts";
import { type BrokerOptions, examples, sessionOf, withBroker } from "../program.ts";
import { offsetIn, sourcesOf } from "./sub.ts";

/** For a stream whose last messages are no more, or are not what a filter asks for. */
const quietMsMax = 500;
const prefetch = 100;

interface Options extends BrokerOptions {
  readonly count: number;
  readonly from?: FieldValue;
}

async function* ofStream(
  api: Api,
  destination: Destination,
  { from, count }: Options,
): AsyncGenerator<ShownMessage, void> {
  const sources = await sourcesOf(api, destination, from ?? offsetIn("first"));
  const subscription = await Subscription.open(await amqpAddressOf(api), sources, {
    prefetch: Math.min(count, prefetch),
  });
  try {
    for (let taken = 0; taken < Math.min(count, destination.messages ?? Infinity); taken++) {
      const message = await subscription.next(quietMsMax);
      if (message === null) return;
      yield shownMessage(message);
    }
  } finally {
    await subscription.close();
  }
}

async function* ofQueue(
  api: Api,
  name: string,
  { from, count }: Options,
): AsyncGenerator<ShownMessage, void> {
  if (from !== undefined)
    throw new CliFault("usage", "--from is for streams and topics: a queue is always read from its head");
  const at = path`/api/queues/${api.target.vhost}/${name}/get`;
  const wanted = { ackmode: "ack_requeue_true", count, encoding: "auto" };
  for (const message of await api.send<ShownMessage[]>("POST", at, wanted))
    yield { ...message, properties: Array.isArray(message.properties) ? {} : message.properties };
}

export function definePeek(command: Command): void {
  withBroker(command)
    .argument("<name>", "a queue, stream or topic")
    .option("--count <n>", "so many at most", wholeNumber(1), 10)
    .option("--from <where>", "of a stream or topic: first, last, an offset or a time [first]", offsetIn)
    .addHelpText(
      "after",
      examples(
        "troikamq peek orders",
        "troikamq peek events --from 1000 --count 5 -o json",
        "troikamq peek orders --count 100 -o ndjson | jq -r .payload",
      ),
    )
    .action(async (name: string, options: Options) => {
      const { api, printer } = sessionOf(options);
      const destination = await logNamed(api, name);
      const messages =
        destination.kind === "queue" ? ofQueue(api, name, options) : ofStream(api, destination, options);
      const out = new MessagePrinter(printer);
      for await (const message of messages) await out.print(message);
      out.end();
      if (out.count === 0) printer.remark(`${name} has no messages`);
    });
}
