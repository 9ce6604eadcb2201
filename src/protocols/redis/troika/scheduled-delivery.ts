/**
 * A scheduled record enters its stream: as XADD does it, without a client.
 *
 * Not here: when (broker/schedule/). A stream that is gone meanwhile is made again. Invariant: where false is returned nothing has
 * changed.
 */
import { ByteWriter } from "../../../base/bytes.ts";
import { appendRecord } from "../../../broker/exchange/outgoing-message.ts";
import { implicitStream } from "../../../broker/queue/lifecycle.ts";
import { isFreeForStream } from "../../../broker/queue/name-rules.ts";
import type { Queue } from "../../../broker/queue/queue.ts";
import type { EnterStream } from "../../../broker/schedule/enter-stream.ts";
import type { Vhost } from "../../../broker/vhost.ts";
import { databaseCount } from "../../../keyspace/keyspace.ts";
import { databaseVhostName } from "../core/names.ts";
import { keyEvents } from "../notifications/key-events.ts";
import type { RedisServer } from "../server.ts";

const scratch = new ByteWriter(256);
const scratchBytesKept = 1 << 20;

export function scheduledDelivery(server: RedisServer): EnterStream {
  const numbers = new Map(Array.from({ length: databaseCount }, (_, i) => [databaseVhostName(i), i]));
  return (vhostName, name, record) => {
    const database = numbers.get(vhostName);
    if (database === undefined) return false;
    const queue = streamFor(server, database, server.vhostOf(database), name);
    if (queue === null || !server.broker.retention.hasRoom(queue, 1, record.end - record.start)) return false;
    // Room in the journal is taken before the bytes are copied, and their memory may be used for it.
    if (scratch.buffer.length > scratchBytesKept) scratch.buffer = Buffer.allocUnsafeSlow(256);
    scratch.reset();
    scratch.bytes(record.buffer, record.start, record.end);
    appendRecord(queue.log.group, record.envelope, scratch.buffer, 0, scratch.length);
    const { tracer } = server.broker;
    if (tracer.carried !== null || queue.trace !== null)
      tracer.entered(queue, 1, null, { buffer: scratch.buffer, start: 0, end: scratch.length });
    server.notices.tellNamed(keyEvents.xadd, database, name);
    server.streamChanged(database, name);
    return true;
  };
}

/** Null where the name cannot be a stream's now, or belongs to one AMQP connection alone. */
function streamFor(server: RedisServer, database: number, vhost: Vhost, name: string): Queue | null {
  const found = vhost.findQueue(name);
  if (found !== undefined) return found.exclusiveOwner === 0 ? found : null;
  if (!isFreeForStream(vhost, name)) return null;
  const made = vhost.declareQueue({ ...implicitStream, name });
  server.notices.tellNamed(keyEvents.made, database, name);
  return made;
}
