/**
 * Faults that people who had not seen the tests planted, and that no test found at first: what was missing is a test now.
 *
 * Each stands for a kind: what is deleted is deleted on the disk too, a bound is met exactly, something is said twice, a request goes
 * on over several turns.
 */
import type { RoomMutant } from "../mutant.ts";

export const strangerMutants: readonly RoomMutant[] = [
  {
    name: "deleting Kafka ACLs does not delete them from the stored definitions",
    file: "src/broker/access/acls.ts",
    find: "      this.#storage.definitions.delete(keyOf(acl));\n",
    replace: "",
  },
  {
    name: "A purge amid forgetting the history does not make that start over",
    file: "src/broker/queue/removal.ts",
    find: "    queue.policies.change.purged();\n",
    replace: "",
  },
  {
    name: "A sorted set made by a union, intersection or difference with exactly 128 members does not become a listpack",
    file: "src/keyspace/values/sorted/sorted-set-build.ts",
    find: "this.count <= sortedSetEntriesMax &&",
    replace: "this.count < sortedSetEntriesMax &&",
    also: ["clients/redis/redis-encodings-real"],
  },
  {
    name: "the sweep does not note where it has come to after a round that found few due keys, so it looks at the same slice of the table again and again",
    file: "src/keyspace/sweep.ts",
    find: "    content.sweepCursor = round.cursor;\n    looked += round.looked;\n    if (round.removed < round.looked * busyShare || round.looked === 0) break;\n",
    replace:
      "    looked += round.looked;\n    if (round.removed < round.looked * busyShare || round.looked === 0) break;\n    content.sweepCursor = round.cursor;\n",
  },
  {
    name: "when the journal has been written further, the changes that are still unwritten are not looked at again after the table of keys was cleared",
    file: "src/keyspace/unwritten-keys.ts",
    find: "      this.#seen.frames = this.#seen.bytes = 0;\n",
    replace: "",
  },
  {
    name: "ACL LOG groups the same refusal by when its entry was made, not by when it was last counted",
    file: "src/protocols/redis/acl/log.ts",
    find: "now - entry.updatedAt <= groupedMsMax",
    replace: "now - entry.createdAt <= groupedMsMax",
  },
  {
    name: "EXEC does not see that a watched stream has fewer entries than it had",
    file: "src/protocols/redis/transaction/watches.ts",
    find: "        now.nextOffset !== before.nextOffset ||\n        now.length !== before.length\n",
    replace: "        now.nextOffset !== before.nextOffset\n",
  },
  {
    name: "PSUBSCRIBE to a pattern that the connection listens to already counts its bytes again",
    file: "src/protocols/redis/pubsub/subscriptions.ts",
    find: "if (!this.patterns.has(pattern)) this.#patternBytes += pattern.length;",
    replace: "this.#patternBytes += pattern.length;",
  },
  {
    name: "the keys of BCC of a message stay with the next messages of the channel",
    file: "src/protocols/amqp/publish/incoming-message.ts",
    find: "    this.hiddenKeys = noHiddenKeys;\n",
    replace: "",
    also: ["clients/amqp/amqp-names"],
  },
  {
    name: "deliveries of stream or history consumers that a channel's end gives back in slices are taken off the count of returning records",
    file: "src/protocols/amqp/channel/settlements.ts",
    find: "if (isReturned && source.takesRecords) source.queue.returns.count--;",
    replace: "if (isReturned) source.queue.returns.count--;",
    also: ["clients/amqp/amqp-many"],
  },
  {
    name: "A group that a refused JoinGroup has made is not forgotten",
    file: "src/protocols/kafka/groups/join-group.ts",
    find: "  if (group.isUnused) coordinator.forget(group);\n",
    replace: "",
  },
  {
    name: "records that were converted for a fetch are not counted",
    file: "src/protocols/kafka/fetch/records.ts",
    find: "    this.recordCount += builder.recordCount;\n",
    replace: "",
    also: ["unit/wiring/embed-connections"],
  },
  {
    name: "A member of a consumer group that waits for its assignment does not count as waiting",
    file: "src/protocols/kafka/groups/member.ts",
    find: "return this.onJoined !== null || this.onSynced !== null;",
    replace: "return this.onJoined !== null;",
  },
  {
    name: "OffsetCommit of many partitions does not ask again after a pause whether the member may still commit",
    file: "src/protocols/kafka/groups/offset-commit.ts",
    find: "      fault ??= faultNow();\n",
    replace: "",
  },
  {
    name: "sequence numbers of an idempotent producer wrap one too early",
    file: "src/protocols/kafka/produce/log.ts",
    find: "const sequences = 0x8000_0000;",
    replace: "const sequences = 0x7fff_ffff;",
  },
  {
    name: "A name one letter too far off still counts as mistyped, and among equally near names the last wins",
    file: "src/base/nearest.ts",
    find: "if (distance < bestDistance) {",
    replace: "if (distance <= bestDistance) {",
  },
  {
    name: "The average rate is divided by one sample too many",
    file: "src/admin/rabbitmq/shown/stats.ts",
    find: "const seconds = ((count - 1) * incrMs) / 1000;",
    replace: "const seconds = (count * incrMs) / 1000;",
  },
  {
    name: "After a short asynchronous write the rest is written at the first position again",
    file: "src/storage/local/disk.ts",
    find: "        fs.write(this.#descriptor, bytes, from, end - from, at + from - start, (error, written) =>",
    replace: "        fs.write(this.#descriptor, bytes, from, end - from, at, (error, written) =>",
  },
  {
    name: "An entry that was given up again for a later time comes at the earlier time",
    file: "src/broker/groups/retries.ts",
    find: "return this.#isWaiting(offset) && this.#cursor.pending.timeOf(offset) <= at;",
    replace: "return this.#isWaiting(offset) && this.#cursor.pending.timeOf(offset) >= at;",
  },
  {
    name: "The delivery count of the record that comes next is left out when the cursor's state is written whole",
    file: "src/broker/cursor/earlier-deliveries.ts",
    find: "    this.#counts.visit(log.firstOffset, Infinity, (offset) => {",
    replace: "    this.#counts.visit(log.firstOffset + 1, Infinity, (offset) => {",
  },
  {
    name: "The number of pages is that of all items, not of those that match",
    file: "src/admin/api/list.ts",
    find: "page_count: Math.ceil(found.length / pageSize),",
    replace: "page_count: Math.ceil(total / pageSize),",
  },
  {
    name: "SUBTRACT does nothing where the topic has the list by default only.",
    file: "src/protocols/kafka/topics/incremental-alter-configs.ts",
    find: "else words.delete(word);",
    replace: "else if (settings[name] !== undefined) words.delete(word);",
  },
  {
    name: "When the earliest field of a large hash gets a later expiry, the earliest time is not sought again.",
    file: "src/keyspace/values/field-expiries.ts",
    find: "else if (before === this.earliest) this.#seekEarliest();",
    replace: "else if (before < this.earliest) this.#seekEarliest();",
  },
  {
    name: "WAITAOF waits for one move of the durable watermark only.",
    file: "src/protocols/redis/keys/wait.ts",
    find: "    broker.ticker.awaitDurable(this);\n    broker.storage.startSync();\n",
    replace: "    broker.storage.startSync();\n",
  },
  {
    name: "Memory given back by Kafka groups does not release connections that are held back",
    file: "src/base/bytes-in-flight.ts",
    find: "    this.#becameOver();\n    if (this.#hasRoom) this.#releaseAll();",
    replace: "    this.#becameOver();",
  },
  {
    name: "An imported topic permission does not replace the one that is there",
    file: "src/admin/definitions/import.ts",
    find: "const byExchange = { ...topicPermissionsIn(user, name), [exchange]: next };",
    replace: "const byExchange = { [exchange]: next, ...topicPermissionsIn(user, name) };",
    also: ["clients/management/definitions"],
  },
  {
    name: "The watch of a stream stays among its waiters when the last blocked reader is gone.",
    file: "src/protocols/redis/stream/stream-watch.ts",
    find: "    else this.#queue.waiters.delete(this);\n",
    replace: "",
  },
  {
    name: "OffsetDelete is answered before the deletion is on the disk.",
    file: "src/protocols/kafka/groups/offset-delete.ts",
    find: "  call.holdUntilDurable();\n",
    replace: "",
  },
  {
    name: "A message with CC/BCC under the key of the message before does not invalidate the remembered route.",
    file: "src/protocols/amqp/publish/publisher.ts",
    find: "      message.mayHaveMoreKeys ||\n",
    replace: "",
    also: ["clients/amqp/amqp-publish"],
  },
  {
    name: "CLIENT UNPAUSE does not forget when the pause was to end.",
    file: "src/protocols/redis/connection/client-pause.ts",
    find: "    this.#endsAt = 0;\n",
    replace: "",
  },
  {
    name: "Silence of a client that the broker does not read from, because publishers are blocked, counts against it.",
    file: "src/protocols/amqp/core/heartbeat.ts",
    find: "this.#broker.flow.isBlocked || ",
    replace: "",
  },
  {
    name: "A requeued record that is removed is not taken off the count of ready bytes",
    file: "src/broker/queue/ready-bytes.ts",
    find: "pending.ownerOf(reader.offset) <= noOwner",
    replace: "pending.ownerOf(reader.offset) === noOwner",
  },
  {
    name: "A static member that comes back under a new id keeps the time of its predecessor's last sign of life.",
    file: "src/protocols/kafka/groups/group.ts",
    find: "    this.room.keep(member, details, member.assignment);\n    member.seenAt = this.#host.clock.monotonic();\n",
    replace: "    this.room.keep(member, details, member.assignment);\n",
  },
];
