/**
 * `troikamq trace`: the life of a message, line by line.
 *
 *     trace 0af7651916cd43dd8448eb211c80319c   message m1
 *       2026-11-30T22:05:26.091Z              published     to ex with key a.b, by guest amqp 127.0.0.1:56180
 *                           +  0.048 ms       routed        to q by ex -> q (a.#)
 *
 * Not here: what is traced, and finding it (src/broker/trace/).
 */
import { type Command, InvalidArgumentError } from "commander";
import type { TraceEvent, TraceEventKind, TraceParty } from "../../../src/base/trace/trace-event.ts";
import { CliFault } from "../fault.ts";
import { wholeNumber } from "../numbers.ts";
import type { Printer } from "../output/printer.ts";
import { visible } from "../output/text.ts";
import { type BrokerOptions, examples, sessionOf, withBroker } from "../session.ts";

const limitUsual = 10;
const kindWidth = 14;
const timeWidth = 26;

interface Options extends BrokerOptions {
  readonly id?: string;
  readonly messageId?: string;
  readonly key?: string;
  readonly header?: string;
  readonly from?: string;
  readonly to?: string;
  readonly limit?: number;
}

interface Trace {
  readonly trace_id: string;
  readonly events: readonly TraceEvent[];
  readonly cut?: true;
}

interface Page {
  readonly traces: readonly Trace[];
  readonly next: string | null;
}

function headerIn(text: string): string {
  if (!/^[^=]+=/.test(text)) throw new InvalidArgumentError("Give NAME=VALUE.");
  return text;
}

function queryOf({ id, messageId, key, header, from, to, limit, vhost }: Options): Record<string, string> {
  const at = header?.indexOf("=") ?? 0;
  const asked: Record<string, string | undefined> = {
    trace_id: id,
    message_id: messageId,
    key,
    ...(header === undefined ? {} : { [`header.${header.slice(0, at)}`]: header.slice(at + 1) }),
    from,
    to,
    vhost,
    limit: String(limit ?? limitUsual),
  };
  return Object.fromEntries(
    Object.entries(asked).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  );
}

function partyText(party: TraceParty): string {
  const { protocol, user, address, client, channel, group, consumer } = party;
  const parts = [
    user,
    protocol,
    address,
    channel === undefined ? undefined : `channel ${channel}`,
    client === undefined ? undefined : `(${client})`,
    group === undefined ? undefined : `group ${group}`,
    consumer === undefined ? undefined : `consumer ${consumer}`,
  ];
  return parts.filter((part) => part !== undefined).join(" ");
}

function spanText(ms: number): string {
  return ms < 1000 ? `${ms.toFixed(3)} ms` : `${(ms / 1000).toFixed(3)} s`;
}

function exchangeText({ exchange = "", routing_key: key = "" }: TraceEvent): string {
  return `${exchange === "" ? "the default exchange" : exchange} with key ${key === "" ? "''" : key}`;
}

function placeText({ queue, offset }: TraceEvent): string {
  return offset === undefined ? (queue ?? "") : `${queue ?? ""} at offset ${offset}`;
}

type Tell = (event: TraceEvent) => string;

const heldFor: Tell = ({ since, time }) => (since === undefined ? "" : `, after ${spanText(time - since)}`);
const byWhom: Tell = ({ by }) => (by === undefined ? "" : `, by ${partyText(by)}`);

const tells: Readonly<Record<TraceEventKind, Tell>> = {
  published: (event) =>
    `${event.exchange === undefined ? "" : `to ${exchangeText(event)}`}${byWhom(event)}`.replace(/^, /, ""),
  routed: ({ destinations = [], bindings = [] }) =>
    `to ${destinations.join(", ")}${bindings.length === 0 ? "" : ` by ${bindings.join("; ")}`}`,
  written: (event) => `to ${placeText(event)}`,
  refused: ({ queue, reason }) => `by ${queue}: ${reason}`,
  returned: ({ reason }) => reason ?? "",
  delivered: (event) =>
    `from ${placeText(event)} to ${event.to === undefined ? "" : partyText(event.to)}, delivery ${event.delivery_count}${event.no_ack === true ? ", needs no acknowledgement" : ""}`,
  acknowledged: (event) => `in ${placeText(event)}${heldFor(event)}${byWhom(event)}`,
  requeued: (event) => `in ${placeText(event)}${heldFor(event)}`,
  rejected: (event) =>
    `in ${placeText(event)}${heldFor(event)}${event.reason === undefined ? "" : `: ${event.reason}`}${byWhom(event)}`,
  retried: ({ until = 0, delivery_count: count }) =>
    `waits until ${new Date(until).toISOString()}, delivered ${count} times so far`,
  dead_lettered: (event) =>
    `from ${placeText(event)}: ${event.reason}${event.exchange === undefined ? "" : `, to ${exchangeText(event)}`}`,
  expired: (event) => `in ${placeText(event)}`,
  dropped: (event) => `from ${placeText(event)}: ${event.reason}`,
};

function print(printer: Printer, { trace_id: id, events, cut }: Trace): void {
  const [first] = events;
  const { message_id: messageId, key } = events.find((event) => event.event === "published") ?? first!;
  const of = [
    ...(messageId === undefined ? [] : [`message ${messageId}`]),
    ...(key === undefined ? [] : [`key ${key}`]),
  ];
  printer.text(`${visible(["trace " + id, ...of].join("   "))}\n`);
  for (const event of events) {
    const time =
      event === first
        ? new Date(event.time).toISOString()
        : `+ ${spanText(event.time - first!.time)}`.padStart(timeWidth);
    const kind = event.event.replace("_", "-").padEnd(kindWidth);
    printer.text(`  ${time.padEnd(timeWidth)}  ${kind}${visible(tells[event.event](event))}\n`);
  }
  if (cut === true) printer.text("  ... and more\n");
}

export function defineTrace(command: Command): void {
  withBroker(command)
    .option("--message-id <id>", "of the message with this id")
    .option("--key <key>", "of messages with this routing key, or key")
    .option("--header <name=value>", "of messages with this header", headerIn)
    .option("--id <hex>", "the trace with this id, as traceparent has it")
    .option("--from <time>", "published from then on")
    .option("--to <time>", "published until then")
    .option("--limit <n>", `so many traces at most, the newest first [${limitUsual}]`, wholeNumber(1))
    .addHelpText(
      "after",
      examples(
        "troikamq policy set traced '^orders$' trace-sample=0.01 --apply-to queues",
        "troikamq trace --message-id 4711",
        "troikamq trace --header customer=17 --from 2026-01-31T12:00Z -o ndjson",
      ),
    )
    .action(async (options: Options) => {
      const { api, printer } = sessionOf(options);
      const { traces, next } = await api.get<Page>("/api/troika/trace", queryOf(options));
      if (printer.format !== "table") {
        if (printer.format === "json") printer.item(traces, () => []);
        else for (const trace of traces) printer.item(trace, () => []);
        return;
      }
      if (traces.length === 0)
        throw new CliFault(
          "notFound",
          "no trace of such a message; what is traced is chosen by the policy trace-sample, or by a sampled traceparent where it is set",
        );
      for (const trace of traces) print(printer, trace);
      if (next !== null) printer.remark(`there are more: --to ${next}`);
    });
}
