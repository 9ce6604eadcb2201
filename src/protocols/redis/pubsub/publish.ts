/**
 * PUBLISH channel message      SPUBLISH channel message
 *
 * A channel is a routing key of the exchange amq.topic: what is published reaches the subscribers and the queues that
 * are bound there, as an AMQP message without properties. The reply counts subscribers only. A queue that is full
 * refuses the message for itself, which a publisher without confirms does not learn, as in RabbitMQ.
 */
import { ByteWriter } from "../../../base/bytes.ts";
import { type LiveChannels, liveExchangeName } from "../../../broker/live/channels.ts";
import { AmqpRecordMessage } from "../../../broker/exchange/outgoing-message.ts";
import type { CommandContext } from "../core/context.ts";
import { publisherIn } from "../observe/publisher.ts";
import { assertChannelName } from "./subscribe.ts";
import type { RequestArguments } from "../wire/request-arguments.ts";
import { oneKey, type CommandRow } from "../core/command-spec.ts";

export const publishCommands: readonly CommandRow[] = [
  {
    name: "publish",
    arity: 3,
    flags: ["pubsub", "loading", "stale", "fast"],
    since: "2.0.0",
    complexity: "O(N+M), N subscribers of the channel, M patterns",
    summary: "Sends a message to a channel.",
    mayReplicate: true,
    channels: { act: "publish", isOne: true },
    run: publish,
  },
  {
    name: "spublish",
    arity: 3,
    flags: ["pubsub", "loading", "stale", "fast"],
    keys: [oneKey(1, "not_key")],
    since: "7.0.0",
    complexity: "O(N), N subscribers of the shard channel",
    summary: "Sends a message to a shard channel.",
    mayReplicate: true,
    channels: { act: "publish", isOne: true, isShard: true },
    run: spublish,
  },
];

const shortStringBytesMax = 255;
const record = new ByteWriter(256);
const recordBytesKept = 1 << 20;
const message = new AmqpRecordMessage();

function publish(context: CommandContext): void {
  const { request, reply, server, caller } = context;
  assertChannelName(request, 1);
  // What is kept takes memory or disk.
  if (server.histories !== null) caller.publisherSeen();
  // A key of more than 255 bytes is none that AMQP could bind or carry.
  const isLiveOnly = server.liveExchange.bindings.size === 0 || request.size(1) > shortStringBytesMax;
  reply.integer(isLiveOnly ? publishLive(server.live, request) : publishThroughExchange(context));
}

function spublish({ request, reply, server }: CommandContext): void {
  assertChannelName(request, 1);
  reply.integer(publishLive(server.shardLive, request));
}

function publishLive(live: LiveChannels, { buffer, starts, ends }: RequestArguments): number {
  return live.publish(buffer, starts[1]!, ends[1]!, buffer, starts[2]!, ends[2]!);
}

/** `route = exchange, key; header = u32 size, u64 body size, u16 flags; body`, see message/amqp/record.ts. */
function publishThroughExchange(context: CommandContext): number {
  const { request, server, broker, caller } = context;
  const exchange = server.liveExchange;
  const vhost = server.vhostOf(0);
  const route = vhost.routes.find(exchange, request.latin1(1));
  if (route.queues.length > 0) broker.storage.assertWritable();
  if (record.buffer.length > recordBytesKept) record.buffer = Buffer.allocUnsafeSlow(256);
  record.reset();
  record.uint8(liveExchangeName.length).latin1(liveExchangeName);
  record.uint8(request.size(1)).bytes(request.buffer, request.starts[1], request.ends[1]);
  record.uint32(10).int64(request.size(2)).uint16(0);
  record.bytes(request.buffer, request.starts[2], request.ends[2]);
  message.publisher = publisherIn(context);
  vhost.publication.publish(exchange, route, message.show(record.buffer, 0, record.length));
  if (vhost.publication.isLost(route)) vhost.unroutable.published(exchange.name, message);
  if (route.queues.length > 0) caller.publisherSeen();
  return vhost.publication.heardBy;
}
