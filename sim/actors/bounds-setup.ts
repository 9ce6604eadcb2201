/** Declares what models/bounds.ts describes, in a form that a seed chooses. */
import { type AmqpClient, tableOf } from "../clients/amqp-client.ts";
import type { MainBound, Policies, QueueName, Topology } from "../models/bounds.ts";
import type { Seeded } from "../seeded.ts";

export const bridgeTable = tableOf({ "alternate-exchange": "bounds.c" });

export function topologyOf(random: Seeded): Topology {
  const byBytes = random.chance(0.5);
  const dead = random.pick<readonly QueueName[]>([
    ["dead"],
    ["dead"],
    ["main", "dead"],
    ["main"],
    ["first", "dead"],
  ]);
  const lasts: readonly (readonly QueueName[])[] = [["main"], ["main"], ["other", "main"], ["first", "main"]];
  return {
    bound: byBytes ? { bytes: random.between(20, 300) } : { length: random.between(1, 4) },
    otherLength: random.between(1, 3),
    deadLength: random.chance(0.3) ? random.between(1, 3) : null,
    passing: random.pick(["maxlen", "expired"]),
    deadLettersRefused: random.chance(0.5),
    dead,
    // Through first and second what was rejected would go round for ever, as in RabbitMQ.
    last: random.pick(dead.includes("first") ? lasts.slice(0, -1) : lasts),
  };
}

/** Of main as many as there are layers, or fewer. */
export function policiesOf(random: Seeded, { deadLength }: Topology): Policies {
  const bound = (): MainBound =>
    random.chance(0.5) ? { length: random.between(1, 5) } : { bytes: random.between(10, 320) };
  return {
    main: random.chance(0.3) ? [] : random.chance(0.6) ? [bound()] : [bound(), bound()],
    dead: deadLength !== null || random.chance(0.5) ? null : random.between(0, 2),
  };
}

export function definitionOf({ length, bytes }: MainBound): Readonly<Record<string, number>> {
  return {
    ...(length === undefined ? {} : { "max-length": length }),
    ...(bytes === undefined ? {} : { "max-length-bytes": bytes }),
  };
}

type Answer = Parameters<AmqpClient["bind"]>[2];

/** Returns how many answers there will be. */
export function declareBounds(client: AmqpClient, topology: Topology, onAnswer: Answer): number {
  let asked = 0;
  const answer: Answer = (payload) => onAnswer(payload);
  const queue = (name: QueueName, fields: Record<string, string | number>): void => {
    asked++;
    client.declare(name, tableOf(fields), answer);
  };
  const exchange = (name: string, type: string, table: Buffer = Buffer.alloc(0)): void => {
    asked++;
    client.declareKept(name, type, table, answer);
  };
  const bind = (name: string, key: string, targets: readonly QueueName[]): void => {
    for (const target of targets) {
      asked++;
      client.bind(target, name, answer, key);
    }
  };
  const { bound, otherLength, deadLength, deadLettersRefused, passing, dead, last } = topology;
  const passes = passing === "maxlen" ? { "x-max-length": 0 } : { "x-message-ttl": 0 };
  const refuses = (isDlx: boolean) => ({ "x-overflow": isDlx ? "reject-publish-dlx" : "reject-publish" });
  queue("main", {
    ...("bytes" in bound ? { "x-max-length-bytes": bound.bytes } : { "x-max-length": bound.length }),
    ...refuses(deadLettersRefused),
    "x-dead-letter-exchange": "bounds.dead",
  });
  queue("other", { "x-max-length": otherLength, ...refuses(false) });
  queue("dead", deadLength === null ? {} : { "x-max-length": deadLength, ...refuses(false) });
  queue("first", {
    ...passes,
    "x-dead-letter-exchange": "",
    "x-dead-letter-routing-key": "second",
  });
  queue("second", { ...passes, "x-dead-letter-exchange": "bounds.last" });
  exchange("bounds.a", "direct", tableOf({ "alternate-exchange": "bounds.b" }));
  exchange("bounds.b", "topic", bridgeTable);
  exchange("bounds.c", "direct");
  exchange("bounds.dead", "fanout");
  exchange("bounds.last", "fanout");
  exchange("bounds.live", "fanout");
  bind("bounds.a", "other", ["other"]);
  for (const name of ["bounds.c", "amq.topic"]) {
    bind(name, "main", ["main"]);
    bind(name, "other", ["main"]);
    bind(name, "both", ["main", "other"]);
  }
  bind("bounds.dead", "", dead);
  bind("bounds.last", "", last);
  asked++;
  client.bindExchange("amq.topic", "bounds.live", answer);
  return asked;
}
