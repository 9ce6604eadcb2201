/**
 * Super streams: an exchange and the streams that are its partitions, made together, as RabbitMQ 4's stream plugin does it.
 *
 *     PUT /api/stream/super-streams/VHOST/NAME   {"partitions": 3, "arguments": {"max-age": "8h"}}
 *     PUT /api/stream/super-streams/VHOST/NAME   {"binding-keys": "amer,emea,apac"}
 *
 * Not here: what a super stream is for clients, which is AMQP's exchanges and queues. Invariant: nothing is left of one that could not
 * be made whole.
 */
import { any, looseObject, number, optional, record, string, union } from "valibot";
import { limits } from "../../base/limits.ts";
import type { Vhost } from "../../broker/vhost.ts";
import { done } from "../answers.ts";
import { badRequest } from "../api/body.ts";
import { type Asked, endpoint, type Endpoint } from "../api/endpoint.ts";
import type { AmqpCalls } from "../api/surroundings.ts";
import { withChannel } from "./amqp-calls.ts";
import { changedVhostAt } from "./lookups.ts";
import { brokerName } from "./names.ts";

interface SuperStream {
  readonly name: string;
  readonly partitions: readonly { readonly stream: string; readonly key: string }[];
  readonly arguments: Readonly<Record<string, unknown>>;
}

const body = looseObject({
  partitions: optional(union([number(), string()])),
  "binding-keys": optional(string()),
  arguments: optional(record(string(), any()), {}),
});

type Body = Readonly<{
  partitions?: number | string | undefined;
  "binding-keys"?: string | undefined;
  arguments: Readonly<Record<string, unknown>>;
}>;

/** Names of the body, of whole numbers and of texts; others are left out, as RabbitMQ does it. */
const numbers = new Set([
  "max-length-bytes",
  "stream-max-segment-size-bytes",
  "stream-filter-size-bytes",
  "initial-cluster-size",
]);
const texts = new Set(["max-age", "queue-leader-locator"]);

/** @throws Refusal */
function argumentsIn(given: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const made: Record<string, unknown> = { "x-queue-type": "stream" };
  for (const [name, value] of Object.entries(given)) {
    if (texts.has(name)) made[`x-${name}`] = value;
    if (!numbers.has(name)) continue;
    if (!Number.isSafeInteger(Number(value))) throw badRequest(`${name} is no whole number`);
    made[`x-${name}`] = Number(value);
  }
  return made;
}

/** The routing keys of the partitions. @throws Refusal in RabbitMQ's words */
function keysIn({ partitions, "binding-keys": keys }: Body): string[] {
  if (partitions === undefined && keys === undefined)
    throw badRequest("Must specify partitions or binding keys");
  if (partitions !== undefined && keys !== undefined)
    throw badRequest("Specify partitions or binding keys, not both");
  const max = limits.superStreamPartitionsMax;
  if (keys !== undefined) {
    const named = keys
      .split(",", max + 1)
      .map((key) => key.trim())
      .filter((key) => key !== "");
    if (named.length === 0) throw badRequest("The number of binding keys must be greater than 0");
    if (named.length > max) throw badRequest(`The number of binding keys must not exceed ${max}`);
    if (new Set(named).size < named.length) throw badRequest("Binding keys must be unique");
    return named;
  }
  const count = Number(partitions);
  if (!Number.isSafeInteger(count)) throw badRequest("The partitions must be a number");
  if (count < 1) throw badRequest("The partition number must be greater than 0");
  if (count > max) throw badRequest(`The partition number must not exceed ${max}`);
  return Array.from({ length: count }, (_, at) => String(at));
}

/** @throws Refusal */
function assertNew(vhost: Vhost, { name, partitions }: SuperStream): void {
  if (vhost.exchanges.has(brokerName(name))) throw badRequest(`there is an exchange ${name}`);
  const taken = partitions.find(({ stream }) => vhost.queues.has(brokerName(stream)));
  if (taken !== undefined) throw badRequest(`there is a queue ${taken.stream}`);
}

async function make(channel: AmqpCalls, { name, partitions, arguments: args }: SuperStream): Promise<void> {
  const isSuper = { "x-super-stream": true };
  await channel.declareExchange(name, {
    type: "direct",
    durable: true,
    autoDelete: false,
    internal: false,
    arguments: isSuper,
  });
  for (const [at, { stream, key }] of partitions.entries()) {
    await channel.declareQueue(stream, { durable: true, autoDelete: false, arguments: args });
    await channel.bind("queue", name, stream, key, { "x-stream-partition-order": at });
  }
}

/** A channel of its own, since the one that met the fault is closed. */
async function unmake(asked: Asked<never>, vhost: Vhost, { name, partitions }: SuperStream): Promise<void> {
  await withChannel(asked, vhost, "change", async (channel) => {
    for (const { stream } of partitions) {
      if (vhost.queues.has(brokerName(stream)))
        await channel.deleteQueue(stream, { ifUnused: false, ifEmpty: false });
    }
    if (vhost.exchanges.has(brokerName(name))) await channel.deleteExchange(name, false);
  });
}

export const superStreamEndpoints: readonly Endpoint[] = [
  endpoint({
    method: "PUT",
    path: "/api/stream/super-streams/{vhost}/{name}",
    audience: "management",
    summary: 'Makes a super stream of {"partitions"} streams, or with {"binding-keys"}, a text with commas.',
    body,
    run: async (asked) => {
      const vhost = changedVhostAt(asked.broker, asked.caller, asked.names["vhost"]!);
      const name = asked.names["name"]!;
      const partitions = keysIn(asked.body).map((key) => ({ stream: `${name}-${key}`, key }));
      const wanted = { name, partitions, arguments: argumentsIn(asked.body.arguments) };
      assertNew(vhost, wanted);
      try {
        await withChannel(asked as never, vhost, "change", (channel) => make(channel, wanted));
      } catch (error) {
        await unmake(asked as never, vhost, wanted);
        throw error;
      }
      return done(204);
    },
  }),
];
