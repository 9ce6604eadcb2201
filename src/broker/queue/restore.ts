/** Start-up: reads the definitions, then restores logs, cursors and groups by their ids, then replays the journal. */
import type { Broker } from "../broker.ts";
import type { ExchangeOptions } from "../exchange/definition.ts";
import type { Destination } from "../exchange/exchange.ts";
import { GroupCursor } from "../groups/group-cursor.ts";
import { defineGroup, type GroupDefinition } from "../groups/stream-groups.ts";
import { type CommittedOffset } from "../groups/offsets.ts";
import type { ShareGroupDefinition } from "../groups/share/share-groups.ts";
import { defaultVhostName, type DefinitionKind, namesOfKey } from "../names.ts";
import { ProducerState } from "./producer-state.ts";
import type { QueueDefinition } from "./definition.ts";
import type { BindingDefinition } from "../exchange/bindings.ts";
import { noLayers } from "../policy/policy.ts";
import { QueueCursor } from "../cursor/queue-cursor.ts";
import type { TopicDefinition } from "./topics.ts";
import type { Queue } from "./queue.ts";
import type { Vhost, VhostMetadata } from "../vhost.ts";

/** Fills an empty broker from its storage. */
export async function restoreDefinitions(broker: Broker): Promise<void> {
  broker.createVhost(defaultVhostName, { description: "Default virtual host" });
  for (const { names, value } of definitions(broker, "vhost"))
    broker.createVhost(names[0]!, value as VhostMetadata);
  broker.parameters.restore();
  const cursors: QueueCursor[] = [];
  for (const { names, value } of definitions(broker, "exchange")) {
    const options = value as Omit<ExchangeOptions, "name" | "durable">;
    broker.createVhost(names[0]!).declareRestoredExchange({ ...options, name: names[1]!, durable: true });
  }
  for (const { names, value } of definitions(broker, "queue")) {
    const definition = value as QueueDefinition;
    const cursor = restoreQueue(broker, broker.createVhost(names[0]!), names[1]!, definition);
    if (cursor !== null) cursors.push(cursor);
  }
  const finishGroups = restoreGroups(broker);
  for (const { names, value } of definitions(broker, "producers")) {
    const queue = broker.createVhost(names[0]!).queues.get(names[1]!);
    if (queue === undefined) continue;
    queue.producers = new ProducerState(broker.storage);
    queue.producers.handle = broker.storage.restoreState((value as { state: number }).state, queue.producers);
  }
  restoreBindings(broker);
  for (const { names, value } of definitions(broker, "topic")) {
    broker.createVhost(names[0]!).topics.restore(names[1]!, value as TopicDefinition);
  }
  for (const { names, value } of definitions(broker, "offset")) {
    const [vhost, group, topic, partition] = names;
    const committed = value as CommittedOffset;
    broker.createVhost(vhost!).groupOffsets.restore(group!, topic!, Number(partition), committed);
  }
  for (const { names, value } of definitions(broker, "share-group"))
    broker.createVhost(names[0]!).shareGroups.restore(names[1]!, value as ShareGroupDefinition);
  await broker.storage.replay();
  broker.dedup.restored();
  finishGroups();
  for (const cursor of cursors) cursor.restored();
  for (const vhost of broker.vhosts.values()) {
    let hasLayers = false;
    for (const queue of vhost.queues.values()) {
      queue.restored();
      if (queue.policies.layers !== noLayers) hasLayers = true;
    }
    vhost.policies.restored(hasLayers);
  }
  broker.access.restore();
  broker.vhostDeletions.resume();
}

function restoreQueue(
  broker: Broker,
  vhost: Vhost,
  name: string,
  definition: QueueDefinition,
): QueueCursor | null {
  const { storage } = broker;
  const log = storage.restoreLog(definition.log);
  let cursor: QueueCursor | null = null;
  if (definition.kind === "queue") {
    cursor = new QueueCursor(log, storage);
    cursor.handle = storage.restoreState(definition.cursor, cursor);
  }
  const { log: _log, cursor: _cursor, ...options } = definition;
  // Those that were in force: a change that a kill cut short is made once everything is there.
  vhost.addQueue({ layers: noLayers, ...options, name, durable: true, exclusiveOwner: 0 }, log, cursor);
  return cursor;
}

/** An older version named the stream, and mostly its log. */
type OldGroupDefinition = GroupDefinition & { readonly ofLog?: number };

/** Returns what is to be done once the journal has been replayed. */
function restoreGroups(broker: Broker): () => void {
  const { storage } = broker;
  const streams = new Map<string, Queue>();
  for (const { queues } of broker.vhosts.values())
    for (const queue of queues.values()) streams.set(String(queue.log.id), queue);
  const atEnd: (() => void)[] = [];
  for (const { key, names, value } of definitions(broker, "group")) {
    const { cursor: stateId, ofLog, retry } = value as OldGroupDefinition;
    const isOld = names.length === 3;
    const found = isOld ? broker.vhost(names[0]!)?.queues.get(names[1]!) : streams.get(names[0]!);
    const queue = ofLog === undefined || found?.log.id === ofLog ? found : undefined;
    const name = names.at(-1)!;
    // A stream's groups go after the stream itself, in slices.
    if (queue === undefined || isOld) atEnd.push(() => storage.definitions.delete(key));
    if (queue === undefined) continue;
    const cursor = new GroupCursor(queue.log, storage, name);
    if (isOld) atEnd.push(() => defineGroup(storage, cursor, stateId));
    cursor.handle = storage.restoreState(stateId, cursor);
    queue.groups.set(name, cursor);
    if (retry !== undefined) cursor.retryPolicy = retry;
  }
  return () => {
    for (const step of atEnd) step();
  };
}

function restoreBindings(broker: Broker): void {
  const ordinalOf = ({ value }: { value: unknown }): number => (value as BindingDefinition).ordinal ?? 0;
  const all = [...definitions(broker, "binding")].toSorted((a, b) => ordinalOf(a) - ordinalOf(b));
  for (const { names, value } of all) {
    const [vhostName, sourceName, kind, destinationName, key] = names as [
      string,
      string,
      string,
      string,
      string,
    ];
    const vhost = broker.createVhost(vhostName);
    const source = vhost.exchanges.get(sourceName);
    const destination: Destination | undefined =
      kind === "e" ? vhost.exchanges.get(destinationName) : vhost.queues.get(destinationName);
    if (source === undefined || destination === undefined) continue;
    vhost.bindings.restore(source, destination, key, value as BindingDefinition);
  }
}

function* definitions(
  broker: Broker,
  kind: DefinitionKind,
): Generator<{ key: string; names: string[]; value: unknown }> {
  for (const [key, value] of broker.storage.definitions.entries(`${kind}/`)) {
    yield { key, names: namesOfKey(key), value: JSON.parse(value.toString()) };
  }
}
