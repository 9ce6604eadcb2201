/** What docs/rabbitmq.md derives: methods, exchange types, and the arguments of queues with what becomes of them. */
import { exchangeTypes } from "../src/broker/exchange/definition.ts";
import { declaredType } from "../src/broker/exchange/exchange-types.ts";
import { effectivePolicy } from "../src/broker/policy/policy.ts";
import { serverProperties } from "../src/protocols/amqp/core/capabilities.ts";
import { handlers } from "../src/protocols/amqp/commands/index.ts";
import { queueArguments } from "../src/protocols/amqp/commands/queue-arguments.ts";
import { type MethodName, methods } from "../src/protocols/amqp/wire/methods.ts";
import { clientVersions, code, codes, type Sections, table } from "./docs-markdown.ts";

/** What session.ts and connection-methods.ts read by themselves; all the rest has its file in commands/. */
const sessionMethods: readonly MethodName[] = [
  "connection.start-ok",
  "connection.tune-ok",
  "connection.open",
  "connection.close",
  "connection.close-ok",
  "connection.update-secret",
  "channel.open",
  "channel.close",
  "basic.publish",
  "basic.ack",
  "basic.nack",
  "basic.reject",
];

function methodTable(): string {
  const known = new Set<string>([...Object.keys(handlers), ...sessionMethods]);
  const fromClients = Object.entries(methods).filter(([, { sender }]) => sender !== "server");
  const classes = [...new Set(fromClients.map(([name]) => name.split(".")[0]!))];
  const rows = classes.map((each) => {
    const names = fromClients.map(([name]) => name).filter((name) => name.startsWith(`${each}.`));
    const list = (isKnown: boolean): string =>
      codes(names.filter((name) => known.has(name) === isKnown).map((name) => name.split(".")[1]!));
    return [each, list(true), list(false)];
  });
  return table(["class", "a client may send", "not there"], rows);
}

/** The arguments that a queue's policy reads: what a queue acts upon. */
function argumentsActedUpon(): ReadonlySet<string> {
  const read = new Set<string>();
  const args = new Proxy<Record<string, unknown>>(
    {},
    {
      get(_, name) {
        read.add(String(name));
        return undefined;
      },
    },
  );
  effectivePolicy({ kind: "queue", args });
  effectivePolicy({ kind: "stream", args });
  return read;
}

/** What each does, for those that are acted upon. */
const argumentMeanings: Readonly<Record<string, string>> = {
  "x-queue-type": "`classic`, `quorum` or `stream`",
  "x-expires": "the queue goes after this long without use, ms",
  "x-message-ttl": "messages expire at the head of the queue, ms",
  "x-dead-letter-exchange": "where expired, rejected and dropped messages go",
  "x-dead-letter-routing-key": "under this key instead of their own",
  "x-dead-letter-strategy":
    "`at-least-once`: dead letters that no queue takes are kept and tried again; needs `x-overflow` `reject-publish`",
  "x-max-length": "how many messages may wait",
  "x-max-length-bytes": "how many bytes of bodies may wait; of a stream, how many are kept",
  "x-overflow": "`drop-head`, `reject-publish` or `reject-publish-dlx`",
  "x-max-priority":
    "messages wait by their `priority`; 0 to 255, what is above counts as this, 0 is no order",
  "x-single-active-consumer": "one consumer at a time",
  "x-queue-version": "checked and kept, without effect",
  "x-queue-master-locator": "kept, without effect",
  "x-max-in-memory-length": "checked and kept, without effect",
  "x-max-in-memory-bytes": "checked and kept, without effect",
  "x-delivery-limit":
    "deliveries before a message is given up; 20 for a queue that does not say, -1 for no limit",
  "x-max-age": "how long records are kept, such as `7D`",
  "x-consumer-timeout":
    "how long a client may hold a message without acknowledging it, ms; half an hour for a queue that does not say",
  "x-history-ms": "TroikaMQ's own: how long acknowledged messages stay readable",
  "x-history-bytes": "TroikaMQ's own: how many bytes of them stay readable",
  "x-retry-limit":
    "TroikaMQ's own: how often a message is delivered that is rejected; on a stream, for its groups ([retries](retries.md))",
  "x-retry-backoff-ms": "how long it waits before the second delivery",
  "x-retry-factor": "by how much each wait is longer than the last",
  "x-retry-max-ms": "the longest wait",
  "x-retry-jitter": "the part of a wait that chance adds or takes away",
  "x-delay-allowed":
    "messages with `x-delay` or `x-deliver-at` wait for their time ([delayed messages](delayed-messages.md))",
  "x-dedup-window-ms":
    "TroikaMQ's own: for so long copies of a message are confirmed and dropped ([deduplication](deduplication.md))",
  "x-dedup-by": "what copies are known by: `message-id`, `key` or `header:NAME`",
  "x-trace-sample": "TroikaMQ's own: which part of the messages is traced, 0 to 1 ([traces](tracing.md))",
  "x-retry-keeps-order": "nothing is delivered from behind a message that waits",
};

function argumentTable(): string {
  const actedUpon = argumentsActedUpon();
  const meaningOf = (name: string): string => {
    if (!actedUpon.has(name)) return "checked and kept, without effect";
    const meaning = argumentMeanings[name];
    if (meaning === undefined) throw new Error(`say in scripts/docs-amqp.ts what ${name} does`);
    return meaning;
  };
  const rows = Object.entries(queueArguments).map(([name, { types }]) => [
    code(name),
    types.join(", "),
    meaningOf(name),
  ]);
  const type = [code("x-queue-type"), "", meaningOf("x-queue-type")];
  return table(["argument", "of queue types", "what it does"], [type, ...rows]);
}

function capabilities(): string {
  const { field } = serverProperties.find(({ name }) => name === "capabilities")!;
  if (field.type !== "F") throw new Error("capabilities are a table");
  return `Capabilities told to clients: ${codes(field.value.map(({ name }) => String(name)))}.`;
}

export const amqpSections: Sections = {
  clients: () => `Tested with ${clientVersions(["amqplib", "rabbitmq-client"])}.`,
  methods: methodTable,
  "exchange-types": () =>
    `Exchange types: ${codes(exchangeTypes.filter((type) => declaredType(type) !== undefined))}.`,
  "queue-arguments": argumentTable,
  capabilities,
};
