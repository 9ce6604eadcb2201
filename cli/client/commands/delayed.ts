/** `troikamq delayed NAME`: what waits for its time before it enters a queue, stream or topic; with --cancel, what is never to come. */
import type { Command } from "commander";
import { type Api, path } from "../broker/api.ts";
import type { ShownMessage } from "../broker/message-json.ts";
import { destinationsNamed, isLog, queuesOf } from "../broker/named.ts";
import { CliFault } from "../fault.ts";
import { wholeNumber } from "../numbers.ts";
import { type Described, MessagePrinter } from "../output/messages.ts";
import { type BrokerOptions, examples, sessionOf, withBroker } from "../session.ts";

const limitUsual = 10;
/** What the broker gives at once. */
const pageMessagesMax = 1000;

interface Options extends BrokerOptions {
  readonly limit?: number;
  readonly cancel?: readonly string[];
}

interface Page {
  readonly messages: readonly (ShownMessage & Described)[];
  readonly next: string | null;
}

async function* waitingFor(
  api: Api,
  name: string,
  limit: number,
  first = "",
): AsyncGenerator<ShownMessage & Described, void> {
  const at = path`/api/troika/delayed/${api.target.vhost}/${name}`;
  let from = first;
  for (let left = limit; left > 0;) {
    const query = { from, limit: String(Math.min(left, pageMessagesMax)) };
    const { messages, next } = await api.get<Page>(at, query);
    for (const message of messages) yield { ...message, redelivered: false, state: "waiting" };
    left -= messages.length;
    if (next === null) return;
    from = next;
  }
}

/** The streams of a topic number their messages each for itself, so an id may be in several. @throws CliFault */
async function placeOf(api: Api, queues: readonly string[], id: string): Promise<string> {
  if (queues.length === 1) return queues[0]!;
  const found: string[] = [];
  for (const queue of queues)
    for await (const message of waitingFor(api, queue, 1, id)) if (message.id === id) found.push(queue);
  if (found.length === 1) return found[0]!;
  const all = found.map((queue) => `troikamq delayed ${queue} --cancel ${id}`).join(", or ");
  throw found.length === 0
    ? new CliFault("notFound", `nothing waits under the id ${id}: it has come, or was cancelled`)
    : new CliFault("usage", `the id ${id} is in several partitions; say in which: ${all}`);
}

export function defineDelayed(command: Command): void {
  withBroker(command)
    .argument("<name>", "a queue, stream, topic or partition")
    .option("--limit <n>", `so many at most [${limitUsual}]`, wholeNumber(1))
    .option("--cancel <id...>", "cancel these, which never come then")
    .addHelpText(
      "after",
      examples("troikamq delayed reminders", "troikamq delayed reminders --cancel d1764540000000-0"),
    )
    .action(async (name: string, { limit = limitUsual, cancel = [], ...options }: Options) => {
      const { api, printer, target } = sessionOf(options);
      // A partition is not in the list, and neither is a stream that is yet to be made.
      const destination = (await destinationsNamed(api, name)).find(isLog);
      const queues = destination === undefined ? [name] : await queuesOf(api, destination);
      for (const id of cancel) {
        const queue = await placeOf(api, queues, id);
        await api.send("DELETE", path`/api/troika/delayed/${target.vhost}/${queue}/${id}`);
        printer.done({ destination: queue, vhost: target.vhost, id, cancelled: true }, `cancelled ${id}`);
      }
      if (cancel.length > 0) return;
      const out = new MessagePrinter(printer);
      for (const queue of queues)
        for await (const message of waitingFor(api, queue, limit - out.count))
          await out.print(queues.length === 1 ? message : { ...message, waits_for_partition: queue });
      out.end();
      if (out.count === 0) printer.remark(`nothing waits for ${name}`);
    });
}
