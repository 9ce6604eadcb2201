/**
 * LATENCY DOCTOR | GRAPH event | HELP | HISTOGRAM [command ...] | HISTORY event | LATEST | RESET [event ...]
 *
 * The events are kept by latency-events.ts, the histograms by command-watch.ts.
 */
import { type Job, Piece } from "../../../base/turn-work.ts";
import type { CommandRow, CommandSpec } from "../core/command-spec.ts";
import type { CommandContext } from "../core/context.ts";
import { RedisError } from "../core/errors.ts";
import { writeHelp } from "../core/help.ts";
import { answerInSlices } from "../core/sliced-reply.ts";
import { latencyGraph } from "./latency-graph.ts";
import type { LatencyHistogram } from "./latency-histogram.ts";
import { latencyReport } from "./latency-report.ts";

export const latencyCommand: CommandRow = {
  name: "latency",
  arity: -2,
  flags: [],
  since: "2.8.13",
  complexity: "Depends on the subcommand",
  summary: "Shows where the server was slow.",
  subcommands: [
    {
      name: "doctor",
      arity: 2,
      flags: ["admin", "noscript", "loading", "stale"],
      tips: ["nondeterministic_output", "request_policy:all_nodes", "response_policy:special"],
      since: "2.8.13",
      complexity: "O(1)",
      summary: "Explains latency in words.",
      run: latencyDoctor,
    },
    {
      name: "graph",
      arity: 3,
      flags: ["admin", "noscript", "loading", "stale"],
      tips: ["nondeterministic_output", "request_policy:all_nodes", "response_policy:special"],
      since: "2.8.13",
      complexity: "O(1)",
      summary: "Draws the latency of an event.",
      run: latencyGraphOf,
    },
    {
      name: "help",
      arity: 2,
      flags: ["loading", "stale"],
      since: "2.8.13",
      complexity: "O(1)",
      summary: "Lists the LATENCY subcommands.",
      run: latencyHelp,
    },
    {
      name: "histogram",
      arity: -2,
      flags: ["admin", "noscript", "loading", "stale"],
      tips: ["nondeterministic_output", "request_policy:all_nodes", "response_policy:special"],
      since: "7.0.0",
      complexity: "O(N), N commands",
      summary: "Shows how the latency of commands is spread.",
      run: latencyHistogram,
    },
    {
      name: "history",
      arity: 3,
      flags: ["admin", "noscript", "loading", "stale"],
      tips: ["nondeterministic_output", "request_policy:all_nodes", "response_policy:special"],
      since: "2.8.13",
      complexity: "O(1)",
      summary: "Lists the latest samples of an event.",
      run: latencyHistory,
    },
    {
      name: "latest",
      arity: 2,
      flags: ["admin", "noscript", "loading", "stale"],
      tips: ["nondeterministic_output", "request_policy:all_nodes", "response_policy:special"],
      since: "2.8.13",
      complexity: "O(1)",
      summary: "Shows the newest sample of every event.",
      run: latencyLatest,
    },
    {
      name: "reset",
      arity: -2,
      flags: ["admin", "noscript", "loading", "stale"],
      tips: ["request_policy:all_nodes", "response_policy:all_succeeded"],
      since: "2.8.13",
      complexity: "O(1)",
      summary: "Forgets samples.",
      run: latencyReset,
    },
  ],
};

/** 3,072 counters are passed. */
const unitsOfHistogram = 8;

function latencyDoctor({ reply, server }: CommandContext): void {
  const { latency, slowlog } = server.observer;
  reply.verbatim("txt", latencyReport(latency, slowlog.slowerThan));
}

function latencyGraphOf({ request, reply, server }: CommandContext): void {
  const { latency } = server.observer;
  const name = request.utf8(2);
  const event = latency.byName.get(name);
  if (event === undefined) throw new RedisError(`ERR No samples available for event '${name}'`);
  reply.verbatim("txt", latencyGraph(name, event, latency.seconds));
}

function latencyHistory({ request, reply, server }: CommandContext): void {
  const samples = server.observer.latency.byName.get(request.utf8(2))?.samples ?? [];
  reply.array(samples.length);
  for (const { time, latency } of samples) {
    reply.array(2);
    reply.integer(time);
    reply.integer(latency);
  }
}

function latencyLatest({ reply, server }: CommandContext): void {
  const { byName } = server.observer.latency;
  reply.array(byName.size);
  for (const [name, { samples, max }] of byName) {
    const { time, latency } = samples.at(-1)!;
    reply.array(4);
    reply.bulkText(name);
    reply.integer(time);
    reply.integer(latency);
    reply.integer(max);
  }
}

function latencyReset({ request, reply, server }: CommandContext): void {
  const { latency } = server.observer;
  let count = 0;
  if (request.argumentCount === 2) count = latency.reset(null);
  for (let at = 2; at < request.argumentCount; at++) count += latency.reset(request.utf8(at));
  reply.integer(count);
}

function latencyHistogram(context: CommandContext): void {
  answerInSlices(context, () => writeHistograms(context));
}

function* writeHistograms(context: CommandContext): Job<void> {
  const { reply, server } = context;
  const { histograms } = server.observer;
  const found: [name: string, histogram: LatencyHistogram][] = [];
  for (const { id, fullName } of wantedCommands(context)) {
    const histogram = histograms[id];
    if (histogram !== undefined) found.push([fullName, histogram]);
  }
  const piece = new Piece();
  reply.map(found.length);
  for (const [name, histogram] of found) {
    reply.bulkText(name);
    reply.map(2);
    reply.bulkText("calls");
    reply.integer(histogram.total);
    reply.bulkText("histogram_usec");
    const doublings = [...histogram.doublings()];
    reply.map(doublings.length);
    for (const [microseconds, calls] of doublings) {
      reply.integer(microseconds);
      reply.integer(calls);
    }
    const due = piece.add(unitsOfHistogram);
    if (due > 0) yield due;
  }
}

/** All commands, or those that are named, each with its subcommands. Unknown names are passed over. */
function wantedCommands({ request, server }: CommandContext): CommandSpec[] {
  const { commands } = server;
  if (request.argumentCount === 2) return [...commands.all];
  const wanted: CommandSpec[] = [];
  for (let at = 2; at < request.argumentCount; at++) {
    const spec = commands.findByName(request.latin1(at));
    if (spec !== undefined) wanted.push(spec, ...spec.subcommandSpecs);
  }
  return wanted;
}

function latencyHelp(context: CommandContext): void {
  writeHelp(context, [
    "DOCTOR",
    "    Return a human readable latency analysis report.",
    "GRAPH <event>",
    "    Return an ASCII latency graph for the <event> class.",
    "HISTORY <event>",
    "    Return time-latency samples for the <event> class.",
    "LATEST",
    "    Return the latest latency samples for all events.",
    "RESET [<event> ...]",
    "    Reset latency data of one or more <event> classes.",
    "    (default: reset all data for all event classes)",
    "HISTOGRAM [COMMAND ...]",
    "    Return a cumulative distribution of latencies in the format of a histogram for the specified command names.",
    "    If no commands are specified then all histograms are replied.",
  ]);
}
