/**
 * `troikamq peek NAME`: shows messages and leaves them where they are, as if nobody had looked.
 *
 * Not here: what reads them (src/broker/look/). The partitions of a topic are looked at one after the other, and shown by the time at which their
 * messages were stored.
 */
import { type Command, InvalidArgumentError, Option } from "commander";
import { writtenTimeMs } from "../../../src/base/written-time.ts";
import { type Api, path } from "../broker/api.ts";
import type { ShownMessage } from "../broker/message-json.ts";
import { type Destination, destinationsNamed, isLog, logNamed, queuesOf } from "../broker/named.ts";
import { wholeNumber } from "../numbers.ts";
import { type Described, MessagePrinter } from "../output/messages.ts";
import { countText } from "../output/text.ts";
import { type BrokerOptions, examples, sessionOf, withBroker } from "../session.ts";

const states = ["ready", "unacked", "waiting", "history", "scheduled", "dead", "all"];
const limitUsual = 10;
/** What the broker gives at once. */
const pageMessagesMax = 1000;

interface Options extends BrokerOptions {
  readonly state: string;
  readonly from: string;
  readonly filter?: string;
  readonly limit?: number;
  readonly count?: number;
}

interface Page {
  readonly messages: readonly Looked[];
  readonly next: number | string | null;
}

interface Looked extends ShownMessage, Described {
  readonly time: number;
}

function startIn(text: string): string {
  if (["first", "last"].includes(text) || /^\d{1,15}$/.test(text)) return text;
  const at = new Date(writtenTimeMs(text));
  if (Number.isNaN(at.getTime()))
    throw new InvalidArgumentError("Give first, last, an offset, or a time such as 2026-01-31T12:00Z.");
  return at.toISOString();
}

async function* ofQueue(
  api: Api,
  name: string,
  { state, from, filter }: Options,
  limit: number,
): AsyncGenerator<Looked, void> {
  const at = path`/api/troika/messages/${api.target.vhost}/${name}`;
  let start = from;
  for (let left = limit; left > 0;) {
    const page = { state, from: start, limit: String(Math.min(left, pageMessagesMax)) };
    const query = filter === undefined ? page : { ...page, filter };
    const { messages, next } = await api.get<Page>(at, query);
    yield* messages;
    left -= messages.length;
    if (next === null) return;
    start = String(next);
  }
}

async function* ofAll(
  api: Api,
  destination: Destination,
  options: Options,
  limit: number,
): AsyncGenerator<Looked, void> {
  const names = await queuesOf(api, destination);
  if (names.length === 1) {
    yield* ofQueue(api, names[0]!, options, limit);
    return;
  }
  const found: Looked[] = [];
  for (const name of names)
    for await (const message of ofQueue(api, name, options, limit)) found.push(message);
  yield* found.toSorted((a, b) => a.time - b.time).slice(0, limit);
}

/** What is dead or enters later lies elsewhere, so the queue itself may be gone, or still to come. @throws CliFault */
async function lookedAt(api: Api, name: string, state: string): Promise<Destination> {
  if (state !== "dead" && state !== "scheduled") return await logNamed(api, name);
  const found = (await destinationsNamed(api, name)).find(isLog);
  return found ?? { name, kind: "queue", vhost: api.target.vhost };
}

/** What else the queue has, where nothing of the state that was asked for was found. */
function othersOf({ messages_unacknowledged: held = 0, messages_waiting: waiting = 0 }: Destination): string {
  const others = [
    ...(held > 0 ? [`${countText(held)} held by consumers (--state unacked)`] : []),
    ...(waiting > 0 ? [`${countText(waiting)} that wait for a retry (--state waiting)`] : []),
  ];
  return others.length === 0 ? "" : `; it has ${others.join(" and ")}`;
}

export function definePeek(command: Command): void {
  withBroker(command)
    .argument("<name>", "a queue, stream or topic")
    .addOption(
      new Option(
        "--state <state>",
        "unacked: held by a consumer; waiting: rejected, comes again; history: acknowledged and kept; scheduled: enters later; dead: its dead letters, wherever they lie",
      )
        .choices(states)
        .default("ready"),
    )
    .option("--from <where>", "first, last, an offset or a time", startIn, "first")
    .option(
      "--filter <conditions>",
      "only messages that fulfil them, such as 'header.attempt > 3 and body ~ EUR'",
    )
    .option("--limit <n>", `so many at most [${limitUsual}]`, wholeNumber(1))
    .addOption(new Option("--count <n>", "the same as --limit").argParser(wholeNumber(1)).hideHelp())
    .addHelpText(
      "after",
      examples(
        "troikamq peek orders",
        "troikamq peek orders --state waiting",
        "troikamq peek orders.dead --filter 'reason = rejected and time > 2026-01-31T12:00Z'",
        "troikamq peek events --from 1000 --limit 5 -o json",
        "troikamq peek orders --limit 100 -o ndjson | jq -r .payload",
      ),
    )
    .action(async (name: string, options: Options) => {
      const { api, printer } = sessionOf(options);
      const destination = await lookedAt(api, name, options.state);
      const out = new MessagePrinter(printer);
      const limit = options.limit ?? options.count ?? limitUsual;
      for await (const message of ofAll(api, destination, options, limit)) await out.print(message);
      out.end();
      if (out.count > 0) return;
      const { state, filter } = options;
      if (filter !== undefined) {
        printer.remark(`${name} has no messages of state ${state} that fulfil: ${filter}`);
        return;
      }
      const which =
        state === "all" ? "" : state === "ready" ? "ready " : `${state === "history" ? "kept" : state} `;
      printer.remark(`${name} has no ${which}messages${state === "ready" ? othersOf(destination) : ""}`);
    });
}
