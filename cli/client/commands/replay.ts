/**
 * `troikamq replay NAME`: copies a range of a queue's history, of a stream or of a partition to the same or another place.
 *
 * Not here: copying (src/broker/operations/replay/). It goes on in the broker, whether or not the command waits for it.
 */
import { type Command, InvalidArgumentError } from "commander";
import { writtenTimeMs } from "../../../src/base/written-time.ts";
import { ended, type OperationNow } from "../broker/operation.ts";
import { CliFault } from "../fault.ts";
import { wholeNumber } from "../numbers.ts";
import { countText } from "../output/text.ts";
import { answerNo, type BrokerOptions, examples, sessionOf, withBroker } from "../session.ts";

interface Options extends BrokerOptions {
  readonly to?: string;
  readonly exchange?: string;
  readonly routingKey?: string;
  readonly from?: Point;
  readonly until?: Point;
  readonly history?: true;
  readonly filter?: string;
  readonly limit?: number;
  readonly rate?: number;
  readonly dryRun?: true;
  readonly wait: boolean;
}

interface Replayed extends OperationNow {
  readonly operation: string;
  readonly unroutable: number;
  readonly refused: number;
  readonly next_offset: number;
  readonly error?: string;
}

/** An end of the range. */
type Point = { readonly offset: number } | { readonly time: string };

function pointIn(text: string): Point {
  if (/^\d{1,15}$/.test(text)) return { offset: Number(text) };
  const at = new Date(writtenTimeMs(text));
  if (Number.isNaN(at.getTime()))
    throw new InvalidArgumentError("Give an offset, or a time such as 2026-01-31T12:00Z.");
  return { time: at.toISOString() };
}

function endOf(end: "from" | "to", point: Point | undefined): object {
  if (point === undefined) return {};
  return "offset" in point ? { [`${end}_offset`]: point.offset } : { [`${end}_time`]: point.time };
}

function othersText({ unroutable, refused }: Replayed): string {
  return [
    ...(unroutable > 0 ? [`; ${countText(unroutable)} that nothing takes`] : []),
    ...(refused > 0 ? [`; ${countText(refused)} that you may not publish there`] : []),
  ].join("");
}

export function defineReplay(command: Command): void {
  withBroker(command)
    .argument("<name>", "a queue with history, a stream or a partition of a topic")
    .option("--to <destination>", "copy to this queue, stream or topic; it may be the same")
    .option("--exchange <name>", "or through this exchange")
    .option("--routing-key <key>", "with --exchange; else each message's own")
    .option("--from <where>", "an offset or a time", pointIn)
    .option("--until <where>", "the first offset or the time that is not copied any more", pointIn)
    .option("--history", "only what was acknowledged")
    .option("--filter <conditions>", "only messages that fulfil them, such as 'header.tenant = a'")
    .option("--limit <n>", "so many at most", wholeNumber(1))
    .option("--rate <n>", "so many a second at most", wholeNumber(1))
    .option("--dry-run", "only count them")
    .option("--no-wait", "leave it to the broker: see troikamq operations")
    .addHelpText(
      "after",
      examples(
        "troikamq replay orders --to orders --history --from 2026-01-31T12:00Z --dry-run",
        "troikamq replay events-0 --to orders.test --from 1000 --until 2000 --rate 500",
        "troikamq replay orders --exchange archive --filter 'header.tenant = a'",
      ),
    )
    .action(async (name: string, options: Options) => {
      const { to, exchange, routingKey, from, until, history, filter, limit, rate, dryRun, wait } = options;
      if ((to === undefined) === (exchange === undefined))
        throw new CliFault("usage", "say where the copies go: --to DESTINATION, or --exchange NAME");
      const { api, printer, target } = sessionOf(options);
      const body = {
        vhost: target.vhost,
        source: name,
        destination: to,
        exchange,
        routing_key: routingKey,
        ...endOf("from", from),
        ...endOf("to", until),
        filter,
        limit,
        rate,
        state: history === true ? "history" : "all",
        dry_run: dryRun === true,
      };
      const begun = await api.send<Replayed>("POST", "/api/troika/replay?wait=0", body);
      const how = dryRun === true ? "counted" : "copied";
      const done = wait
        ? { ...begun, ...(await ended<Replayed>({ api, printer }, begun.operation, how)) }
        : begun;
      const { state, moved, matched, operation, error } = done;
      const count = dryRun === true ? matched - done.unroutable - done.refused : moved;
      const messages = `${countText(count)} message${count === 1 ? "" : "s"}`;
      const said = dryRun === true ? `would copy ${messages}` : `copied ${messages}`;
      printer.done({ ...done }, `${said}${state === "running" ? " so far" : ""}${othersText(done)}`);
      if (state === "running")
        printer.remark(
          `it goes on as operation ${operation}; to end it: troikamq operations --cancel ${operation}`,
        );
      if (state !== "failed") return;
      printer.remark(`it has ended early: ${error ?? ""}`);
      answerNo();
    });
}
