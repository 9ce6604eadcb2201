/**
 * In by one protocol and out by another, which only TroikaMQ does: there is no peer, only its own half load to keep
 * quiet under.
 */
import type { Run, Scenario } from "../contract.ts";
import type { AcrossOptions } from "../generators/across-amqp-kafka.ts";

const bodyBytes = 100;
const messagesPerSecondMax = 5e6;
const settings = { durability: "written" } as const;

interface Crossing {
  readonly name: string;
  readonly generator: string;
  readonly other: "kafka" | "redis";
}

const crossings: readonly Crossing[] = [
  { name: "across/amqp-in-kafka-out", generator: "across-amqp-kafka", other: "kafka" },
  { name: "across/redis-in-amqp-out", generator: "across-redis-amqp", other: "redis" },
];

function drive(run: Run, { generator, other }: Crossing): ReturnType<Scenario["drive"]> {
  const { ports } = run.server;
  const options: AcrossOptions = {
    amqpPort: ports.amqp!,
    otherPort: ports[other]!,
    id: run.id,
    bodyBytes,
    seconds: run.secondsWanted,
    messagesMax: Math.ceil(messagesPerSecondMax * run.secondsWanted),
    ...(run.ratePerSecond === undefined ? {} : { ratePerSecond: run.ratePerSecond }),
  };
  return run.generate(generator, { ...options });
}

export const acrossScenarios: readonly Scenario[] = crossings.flatMap((crossing) => {
  const { name } = crossing;
  const common = {
    peer: null,
    settings,
    unit: "messages",
    drive: (run: Run) => drive(run, crossing),
  } as const;
  const isShort = crossing.other === "kafka" ? ({ isShort: true } as const) : {};
  return [
    { ...common, name, ...isShort },
    { ...common, name: `${name}/half-load`, halfLoad: "of its own", bar: { p99Ms: 20 } },
  ];
});
