/** What AMQP programs do, beside RabbitMQ: transient and persistent, automatic and manual acknowledgement, routing. */
import type { Bar, Scenario, ServerSettings } from "../contract.ts";

type Load = Readonly<Record<string, number | boolean>>;

interface Case {
  readonly name: string;
  readonly load: Load;
  readonly bar?: Bar;
  readonly unit?: Scenario["unit"];
  readonly halfLoad?: "of the slower" | "of its own";
  readonly isShort?: true;
}

/** Both have a directory; what is synced is settled by message. */
const settings: ServerSettings = { durability: "fsync" };
const confirmed: Load = { isPersistent: true, confirmsInFlightMax: 1000 };
const ofItsOwn = { halfLoad: "of its own", bar: { p99Ms: 20 } } as const;
const ofTheSlower = { halfLoad: "of the slower" } as const;

const cases: readonly Case[] = [
  { name: "transient/16", load: { bodyBytes: 16 }, bar: { throughput: 12 }, isShort: true },
  { name: "transient/1024", load: { bodyBytes: 1024 }, bar: { throughput: 8 } },
  { name: "transient/16/half-load", load: { bodyBytes: 16 }, ...ofItsOwn },
  { name: "transient/16/same-load", load: { bodyBytes: 16 }, ...ofTheSlower },
  {
    name: "persistent-confirms/16",
    load: { bodyBytes: 16, ...confirmed },
    bar: { throughput: 8 },
    isShort: true,
  },
  { name: "persistent-confirms/1024", load: { bodyBytes: 1024, ...confirmed }, bar: { throughput: 8 } },
  { name: "persistent-confirms/1024/half-load", load: { bodyBytes: 1024, ...confirmed }, ...ofItsOwn },
  { name: "persistent-confirms/1024/same-load", load: { bodyBytes: 1024, ...confirmed }, ...ofTheSlower },
  // RabbitMQ confirms without a sync what a consumer has acknowledged; here nothing is consumed before the end.
  {
    name: "persistent-confirms-stored/16",
    load: { bodyBytes: 16, ...confirmed, consumesAfter: true },
    bar: { throughput: 8 },
  },
  {
    name: "persistent-confirms-stored/1024",
    load: { bodyBytes: 1024, ...confirmed, consumesAfter: true },
    bar: { throughput: 8 },
  },
  { name: "manual-ack/16", load: { bodyBytes: 16, prefetch: 200 }, bar: { throughput: 8 } },
  { name: "manual-ack/1024", load: { bodyBytes: 1024, prefetch: 200 }, bar: { throughput: 8 } },
  {
    name: "manual-ack-persistent/16",
    load: { bodyBytes: 16, prefetch: 200, ...confirmed },
    bar: { throughput: 8 },
  },
  {
    name: "manual-ack-persistent/1024",
    load: { bodyBytes: 1024, prefetch: 200, ...confirmed },
    bar: { throughput: 8 },
  },
  {
    name: "fan-out-50/16",
    load: { bodyBytes: 16, fanOutQueues: 50 },
    bar: { throughput: 8 },
    unit: "deliveries",
  },
  { name: "topic-10000-bindings/16", load: { bodyBytes: 16, topicBindings: 10_000 }, bar: { throughput: 8 } },
  { name: "10-pairs/100", load: { bodyBytes: 100, pairs: 10 } },
];

function scenarioOf({ name, load, unit = "messages", ...rest }: Case): Scenario {
  return {
    ...rest,
    name: `amqp/${name}`,
    peer: "rabbitmq",
    settings,
    unit,
    drive(run) {
      const { id, secondsWanted, ratePerSecond } = run;
      return run.generate("amqp", { port: run.server.ports.amqp, id, secondsWanted, ratePerSecond, ...load });
    },
  };
}

/** Over direct reply-to, from one client. */
function callsOf(underWay: number): Scenario {
  return {
    name: `amqp/rpc/${underWay}-under-way`,
    peer: "rabbitmq",
    settings,
    unit: "requests",
    bar: { p50Ratio: 0.5 },
    drive(run) {
      const { server, id, secondsWanted } = run;
      return run.generate("amqp-rpc", {
        port: server.ports.amqp,
        id,
        secondsWanted,
        bodyBytes: 16,
        underWay,
      });
    },
  };
}

export const amqpScenarios: readonly Scenario[] = [...cases.map(scenarioOf), callsOf(1), callsOf(100)];
