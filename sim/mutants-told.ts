/** Planted faults in what clients are told of keys, in what is cached, evicted, or comes later: a part of mutants.ts. */
import type { Mutant } from "../mutants/mutant.ts";

export const mutantsOfWhatIsTold: readonly Mutant[] = [
  {
    name: "of a key that would have expired it is not told that it was evicted",
    file: "src/keyspace/database.ts",
    find: "    if (listener?.hearsEvicted === true) {",
    replace: "    if (listener?.hearsEvicted === true && this.table.expiry(entry) === 0) {",
  },
  {
    name: "that a key is evicted is told twice",
    file: "src/keyspace/database.ts",
    find: "      listener.keyEvicted(number, table.bytes, table.start, table.end);",
    replace:
      "      listener.keyEvicted(number, table.bytes, table.start, table.end);\n      listener.keyEvicted(number, table.bytes, table.start, table.end);",
  },
  {
    name: "a key that is evicted comes back after a kill",
    file: "src/keyspace/database.ts",
    find: "    this.#removeUnasked(entry);\n    return true;",
    replace: "    this.tell(entry);\n    this.content.remove(entry);\n    return true;",
  },
  {
    name: "volatile policies take keys that do not expire",
    file: "src/keyspace/eviction/eviction.ts",
    find: "      if (isVolatile) keepVolatile(table, found, before);",
    replace: "      if (isVolatile && before < 0) keepVolatile(table, found, before);",
  },
  {
    name: "what is refused for lack of memory is done all the same",
    file: "src/protocols/redis/core/dispatch.ts",
    find: '  if (spec.denyOom || (transaction !== null && spec.inMulti !== "leaves")) throw outOfMemory();\n',
    replace:
      '  if (spec.denyOom || (transaction !== null && spec.inMulti !== "leaves")) {\n    const before = client.context.reply.out.length;\n    if (spec.denyOom && transaction === null) runHandler(client.context);\n    client.context.reply.out.length = before;\n    throw outOfMemory();\n  }\n',
  },
  {
    name: "a key that a command finds to be due goes without a word",
    file: "src/keyspace/database.ts",
    find: "    return entry === 0 || !this.isDue(entry) ? entry : this.#expire(entry);",
    replace:
      "    if (entry === 0 || !this.isDue(entry)) return entry;\n    this.remove(entry);\n    return 0;",
  },
  {
    name: "what scripts change is not told",
    file: "src/protocols/redis/core/context.ts",
    find: "    if (notices.classes === 0) return;\n    const { buffer, starts, ends } = this.request;\n    notices.tell(event,",
    replace:
      "    if (notices.classes === 0 || this.clientOrNull === null) return;\n    const { buffer, starts, ends } = this.request;\n    notices.tell(event,",
  },
  {
    name: "that a list has gone with its last element is told before the element",
    file: "src/protocols/redis/core/context.ts",
    find: "    this.notify(event, index);\n    if (!isGone) return;\n    const { buffer, starts, ends } = this.request;\n    notices.keyGone(this.database, buffer, starts[index]!, ends[index]!);",
    replace:
      "    const { buffer, starts, ends } = this.request;\n    if (isGone) notices.keyGone(this.database, buffer, starts[index]!, ends[index]!);\n    this.notify(event, index);",
  },
  {
    name: "caches are not told of keys that expire or are evicted",
    file: "src/protocols/redis/blocking/key-changes.ts",
    find: "    if (this.#tracking.clientCount > 0) this.#tracking",
    replace: "    if (this.#tracking.clientCount > 0 && !this.isUnasked) this.#tracking",
  },
  {
    name: "caches are not told of keys whose readers are forgotten",
    file: "src/protocols/redis/tracking/tracking.ts",
    find: "    this.#tell(this.#ids, key, null);\n    broker.work",
    replace: "    broker.work",
  },
  {
    name: "CLIENT CACHING is forgotten before the next command",
    file: "src/protocols/redis/tracking/tracking.ts",
    find: "if (transaction === null && !isAboutClient) tracked",
    replace: "if (transaction === null) tracked",
  },
  {
    name: "caches are not told of what other protocols append to streams",
    file: "src/protocols/redis/tracking/tracking.ts",
    find: "    vhost.findQueue(request.latin1(index))?.waiters.add(this);",
    replace: "    vhost.findQueue(request.latin1(index));",
  },
  {
    name: "who is not to be told of its own changes is not told of others'",
    file: "src/protocols/redis/tracking/tracking.ts",
    find: "      if (tracked.isNoLoop && tracked === by) continue;",
    replace: "      if (tracked.isNoLoop) continue;",
  },
  {
    name: "caches in broadcast mode are told once",
    file: "src/protocols/redis/tracking/tracking.ts",
    find: "      this.#isTickEndAsked = false;\n      this.#broadcast();",
    replace: "      this.#broadcast();",
  },
  {
    name: "an entry for later stays where it waits when it enters its stream",
    file: "src/broker/schedule/timetable.ts",
    find: "      if (this.#table.deliver(this, offset, from.buffer, record)) this.#table.removed(this, offset);\n      else this.#table.again",
    replace: "      if (!this.#table.deliver(this, offset, from.buffer, record)) this.#table.again",
  },
  {
    name: "after a start the first entry that waits is passed over",
    file: "src/broker/schedule/timetable.ts",
    find: "          this.#timers.add(scheduledRecord(reader).due, owner, reader.offset);",
    replace: "          if (count > 1) this.#timers.add(scheduledRecord(reader).due, owner, reader.offset);",
  },
  {
    name: "an entry for later is cancelled in memory alone",
    file: "src/broker/schedule/timetable.ts",
    find: "    this.removed(waiting, offset);\n    // Of one",
    replace: "    // Of one",
  },
  {
    name: "what was read before it is due is another record",
    file: "src/broker/schedule/due-soon.ts",
    find: "    const place = window?.places.get(offset);",
    replace: "    const place = window?.places.get(offset + 1);",
  },
  {
    name: "what waits for a durable destination is in memory only",
    file: "src/broker/intake/delayed-arrivals.ts",
    find: "{ due, ...form }, handle, log.isDurable);",
    replace: "{ due, ...form }, handle, false);",
  },
  {
    name: "records of a batch before the first that waits are lost",
    file: "src/protocols/kafka/produce/partition.ts",
    find: "      if (index < before) append();\n      else if (",
    replace: "      if (",
  },
  {
    name: "of a batch of which records wait nobody remembers that it was written",
    file: "src/protocols/kafka/produce/produce.ts",
    find: "    else noteAppended(queue, batch, offset, now);",
    replace: "    else appended.baseOffset = offset;",
  },
  {
    name: "a message with the time of its arrival comes early",
    file: "src/broker/intake/delay-headers.ts",
    find: "  return inBounds(due - now) > 0 ? due : 0;",
    replace: "  return inBounds(due - now) > 0 ? due - 100 : 0;",
  },
  {
    name: "an entry becomes a dead letter and stays pending",
    file: "src/broker/groups/give-up.ts",
    find: "    cursor.settle(offset);\n    return true;",
    replace: "    return true;",
  },
  {
    name: "an entry is delivered once more than it may be",
    file: "src/broker/groups/give-up.ts",
    find: "  if (count >= limitOf(queue, cursor)) return bury(",
    replace: "  if (count > limitOf(queue, cursor)) return bury(",
  },
  {
    name: "a claim delivers an entry that was delivered often enough",
    file: "src/broker/groups/give-up.ts",
    find: "  if (queue === null || deliveries <= limitOf(queue, cursor)) return false;",
    replace: "  if (queue === null || deliveries <= limitOf(queue, cursor) + 1) return false;",
  },
  {
    name: "an entry that is given up comes again at once",
    file: "src/broker/groups/give-up.ts",
    find: "  const delay = given.delayMs >= 0 ? given.delayMs : delayOf(",
    replace: "  const delay = given.delayMs >= 0 ? given.delayMs : 0 * delayOf(",
  },
  {
    name: "a subscriber that comes back hears the last message again",
    file: "src/protocols/redis/pubsub/past-arguments.ts",
    find: '  if (text.includes("-") && !id.increment()) return end;',
    replace: "",
  },
  {
    name: "what is published while a subscriber is caught up is left out",
    file: "src/broker/live/history/catch-up.ts",
    find: "        if (history.seal() > reader.position && !history.queue.isDeleted) continue;",
    replace: "",
  },
];
