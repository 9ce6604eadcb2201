/**
 * PUBLISH channel message      SPUBLISH channel message
 *
 * A channel is a routing key of the exchange amq.topic: what is published reaches the subscribers and the queues that
 * are bound there, as an AMQP message without properties. The reply counts subscribers only.
 */
import { ByteWriter } from "../../../base/bytes.ts";
import { type LiveChannels, liveExchangeName } from "../../../broker/live-channels.ts";
import { publishRecord } from "../../../broker/publish.ts";
import { envelope } from "../../../message/envelope.ts";
import type { CommandContext } from "../context.ts";
import type { RequestArguments } from "../wire/request-arguments.ts";

const shortStringBytesMax = 255;
const record = new ByteWriter(256);
const recordBytesKept = 1 << 20;

export function publish(context: CommandContext): void {
  const { request, reply, server } = context;
  const exchange = server.liveExchange;
  const count = publishLive(server.live, request);
  if (exchange.bindings.size > 0) publishToBound(context);
  reply.integer(count);
}

export function spublish({ request, reply, server }: CommandContext): void {
  reply.integer(publishLive(server.shardLive, request));
}

function publishLive(live: LiveChannels, { buffer, starts, ends }: RequestArguments): number {
  return live.publish(buffer, starts[1]!, ends[1]!, buffer, starts[2]!, ends[2]!);
}

/** `route = exchange, key; header = u32 size, u64 body size, u16 flags; body`, see message/amqp-record.ts. */
function publishToBound({ request, server, broker, session }: CommandContext): void {
  if (request.size(1) > shortStringBytesMax) return;
  const exchange = server.liveExchange;
  const route = server.vhostOf(0).route(exchange, request.latin1(1));
  if (route.queues.length === 0) return;
  broker.storage.assertWritable();
  exchange.published++;
  if (record.buffer.length > recordBytesKept) record.buffer = Buffer.allocUnsafeSlow(256);
  record.reset();
  record.uint8(liveExchangeName.length).latin1(liveExchangeName);
  record.uint8(request.size(1)).bytes(request.buffer, request.starts[1], request.ends[1]);
  record.uint32(10).int64(request.size(2)).uint16(0);
  record.bytes(request.buffer, request.starts[2], request.ends[2]);
  publishRecord(route, envelope.amqp, record.buffer, 0, record.length);
  broker.publisherSeen(session.connection);
}
