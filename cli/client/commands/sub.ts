/**
 * `troikamq sub NAME`: prints messages as they come, and acknowledges each when it is printed. What it takes from a queue is gone; streams and topics are
 * only read.
 */
import { type Command, InvalidArgumentError } from "commander";
import { writtenTimeMs } from "../../../src/base/text/written-time.ts";
import type { FieldValue } from "../../../src/message/amqp/table.ts";
import { amqpAddressOf } from "../broker/amqp-address.ts";
import type { AmqpLink } from "../broker/amqp-link.ts";
import type { Api } from "../broker/api.ts";
import { shownMessage } from "../broker/message-json.ts";
import { type Destination, logNamed, queuesOf } from "../broker/named.ts";
import { type Source, Subscription } from "../broker/subscription.ts";
import { CliFault, exitCodes } from "../fault.ts";
import { seconds, wholeNumber } from "../numbers.ts";
import { MessagePrinter } from "../output/messages.ts";
import { type BrokerOptions, examples, sessionOf, withBroker } from "../session.ts";

const prefetch = 100;
const lineFeed = Buffer.from("\n");

interface Options extends BrokerOptions {
  readonly from?: FieldValue;
  readonly exchange?: string;
  readonly count?: number;
  readonly idle?: number;
  readonly raw?: true;
}

/** Where a stream is read from, as `x-stream-offset` has it. */
function offsetIn(text: string): FieldValue {
  if (["first", "last", "next"].includes(text)) return { type: "S", value: text };
  if (/^\d{1,15}$/.test(text)) return { type: "l", value: Number(text) };
  const at = new Date(writtenTimeMs(text));
  if (Number.isNaN(at.getTime()))
    throw new InvalidArgumentError("Give first, last, next, an offset, or a time such as 2026-01-31T12:00Z.");
  return { type: "T", value: Math.floor(at.getTime() / 1000) };
}

/** Sources for a queue, a stream, or all partitions of a topic. @throws CliFault */
async function sourcesOf(
  api: Api,
  destination: Destination,
  from: Options["from"],
): Promise<readonly Source[]> {
  const names = await queuesOf(api, destination);
  if (destination.kind === "queue") {
    if (from !== undefined)
      throw new CliFault("usage", "--from is for streams and topics: a queue is always read from its head");
    return names.map((queue) => ({ queue, args: [] }));
  }
  const field = from ?? offsetIn("next");
  return names.map((queue) => ({ queue, args: [{ name: "x-stream-offset", field }] }));
}

/** A queue of this connection's own, bound to an exchange. */
function boundTo(exchange: string, routingKey: string): (link: AmqpLink) => Promise<readonly Source[]> {
  return async (link) => {
    const { queue } = await link.call("queue.declare", {
      ticket: 0,
      queue: "",
      passive: false,
      durable: false,
      exclusive: true,
      autoDelete: true,
      noWait: false,
      arguments: [],
    });
    await link.call("queue.bind", {
      ticket: 0,
      queue,
      exchange,
      routingKey,
      noWait: false,
      arguments: [],
    });
    return [{ queue, args: [] }];
  };
}

async function subscribed(api: Api, name: string, options: Options): Promise<Subscription> {
  const { exchange, from, count } = options;
  // What is not wanted any more should not have come.
  const most = Math.min(count ?? prefetch, prefetch);
  if (exchange !== undefined) {
    if (from !== undefined)
      throw new CliFault("usage", "--from is for streams and topics, not with --exchange");
    return Subscription.open(await amqpAddressOf(api), [], {
      prefetch: most,
      prepare: boundTo(exchange, name),
    });
  }
  const sources = await sourcesOf(api, await logNamed(api, name), from);
  return Subscription.open(await amqpAddressOf(api), sources, { prefetch: most });
}

export function defineSub(command: Command): void {
  withBroker(command)
    .argument("<name>", "a queue, stream or topic; with --exchange the binding key")
    .option("--exchange <name>", "what this exchange gets from now on, by a queue of its own")
    .option("--from <where>", "of a stream or topic: first, last, next, an offset or a time [next]", offsetIn)
    .option("--count <n>", "end after so many messages", wholeNumber(1))
    .option("--idle <seconds>", "end when none has come for so long", seconds)
    .option("--raw", "print the bytes of each message and a line feed, and nothing else")
    .addHelpText(
      "after",
      examples(
        "troikamq sub orders",
        "troikamq sub events --from first --count 10 -o ndjson",
        "troikamq sub events --from 2026-01-31T12:00Z --idle 1",
        "troikamq sub 'orders.#' --exchange amq.topic",
      ),
    )
    .action(async (name: string, options: Options) => {
      const { api, printer } = sessionOf(options);
      const subscription = await subscribed(api, name, options);
      let isInterrupted = false;
      process.once("SIGINT", () => {
        isInterrupted = true;
        subscription.stop();
      });
      if (printer.screen.width !== null) printer.remark("waiting for messages; Ctrl-C ends it");
      const out = new MessagePrinter(printer);
      let taken = 0;
      const quietMs = options.idle === undefined ? null : options.idle * 1000;
      while (taken < (options.count ?? Infinity)) {
        const message = await subscription.next(quietMs);
        if (message === null) break;
        taken++;
        if (options.raw !== undefined) await printer.slowText(Buffer.concat([message.body, lineFeed]));
        else await out.print(shownMessage(message));
      }
      if (options.raw === undefined) out.end();
      await subscription.close();
      if (isInterrupted) process.exitCode = exitCodes.interrupted;
    });
}
