/**
 * Faults planted by hand, each of which the simulator must find: it looks for the right things, and looks hard enough.
 *
 * `npm run sim:mutants [-- TEXT]`: each is put into a copy of the sources, which is run seed by seed until one fails
 * (mutants/index.ts). Those that tests have to find are in mutants/rooms.
 */
import type { Mutant } from "../mutants/mutant.ts";
import { mutantsOfLetters } from "./mutants-letters.ts";
import { mutantsOfCopies } from "./mutants-copies.ts";
import { mutantsOfShareGroups } from "./mutants-share.ts";
import { mutantsOfReplays } from "./mutants-replay.ts";
import { mutantsOfWhatIsTold } from "./mutants-told.ts";

export const simulatorMutants: readonly Mutant[] = [
  {
    name: "answers leave before the journal is written",
    file: "src/broker/ticker.ts",
    find: "    const isWritten = this.#storage.flush();",
    replace: "    this.#send();\n    const isWritten = this.#storage.flush();",
  },
  {
    name: "while the journal takes nothing, answers to changes leave",
    file: "src/net/connection.ts",
    find: "      const isUnchanged = host.unwrittenMark === mark;",
    replace: "      const isUnchanged = host.unwrittenMark === mark || mark !== noMark;",
  },
  {
    name: "an acknowledgement from the reserve is sent before it is written",
    file: "src/storage/journal/write-gate.ts",
    find: "        if (isDiskFull(error) && this.#room?.giveUp() === true) continue;\n        this.writeFailure",
    replace:
      "        if (isDiskFull(error) && this.#room?.giveUp() === true) return true;\n        this.writeFailure",
  },
  {
    name: "publishes are confirmed before they are durable",
    file: "src/protocols/amqp/publish/publisher.ts",
    find: "confirms.add(isDurable ? storage.pending : 0,",
    replace: "confirms.add(0,",
  },
  {
    name: "publishes are confirmed when they are written, not when they are durable",
    file: "src/protocols/amqp/channel/channel.ts",
    find: "if (confirms.release(this.output, broker.storage.settled))",
    replace: "if (confirms.release(this.output, broker.storage.written))",
  },
  {
    name: "a commit stops at a message whose exchange is gone",
    file: "src/protocols/amqp/publish/publisher.ts",
    find: "    const { exchange, route } = held;",
    replace: "    const { route } = held, exchange = this.#channel.vhost.exchange(held.exchange.name);",
  },
  {
    name: "a full queue's bound is looked at after the message was appended",
    file: "src/broker/exchange/publication.ts",
    find: "      if (this.#hasRoom(queue, message)) message.appendTo(queue.log.group);\n      else {",
    replace: "      message.appendTo(queue.log.group);\n      if (!this.#hasRoom(queue, message)) {",
  },
  {
    name: "a queue that refuses new messages drops old ones all the same",
    file: "src/broker/queue/retention.ts",
    find: '    if (policy.overflow !== "drop-head") return;\n    queue.readyBytes',
    replace: "    queue.readyBytes",
  },
  {
    name: "a policy counts where the argument is less",
    file: "src/broker/policy/policy.ts",
    find: "    lesser(numberOf(fromPolicy(name)), numberOf(args[`x-${name}`]));",
    replace: "    numberOf(fromPolicy(name)) ?? numberOf(args[`x-${name}`]);",
  },
  {
    name: "a bound by bytes that a policy brings counts what a consumer holds",
    file: "src/broker/queue/ready-bytes.ts",
    find: "if (!isSettled && pending.ownerOf(news.offset) <= noOwner) this",
    replace: "if (!isSettled) this",
  },
  {
    name: "a bound by bytes does not count the new message",
    file: "src/broker/queue/retention.ts",
    find: "readyBytes.total + queue.letterBytesWaiting + bytes <= policy.maxLengthBytes!",
    replace: "readyBytes.total < policy.maxLengthBytes!",
  },
  {
    name: "a bound by length does not count the messages of this turn",
    file: "src/broker/queue/retention.ts",
    find: "const ready = queue.readyCount + log.store.openCountOf(log);",
    replace: "const ready = queue.readyCount;",
  },
  {
    name: "a batch that is refused leaves its first records",
    file: "src/protocols/kafka/produce/exchange.ts",
    find: "  if (full.size > 0) {\n    forEachRecord((index) => {",
    replace:
      "  if (full.size > 0) {\n    forEachRecord((index) => {\n      if (index === 0) publication.publish(exchange, routes[0]!, message);",
  },
  {
    name: "a commit publishes before it asks whether there is room",
    file: "src/protocols/amqp/commands/tx-commit.ts",
    find: "  assertRoom(publishes, channel);",
    replace:
      "  for (const held of publishes.slice(0, 1)) channel.publisher.publishHeld(held);\n  assertRoom(publishes, channel);\n  publishes.shift();",
  },
  {
    name: "a dead letter goes into a full queue",
    file: "src/broker/queue/dead-letter.ts",
    find: "  vhost.publication.publishOwn(exchange, route, message, leavesOut);\n",
    replace:
      "  vhost.publication.publishOwn(exchange, { ...route, hasGuards: false }, message, leavesOut);\n",
  },
  {
    name: "a message goes to the alternate exchange though a queue matches",
    file: "src/broker/exchange/routes.ts",
    find: "      if (found.size === 0 && exchange.alternate !== undefined) {",
    replace: "      if (exchange.alternate !== undefined) {",
  },
  {
    name: "only the first alternate exchange of a chain is looked at",
    file: "src/broker/exchange/routes.ts",
    find: "        if (alternate !== undefined) waiting.push(alternate);",
    replace: "        if (alternate !== undefined && exchange === first) waiting.push(alternate);",
  },
  {
    name: "dead letters go round though nobody rejected them",
    file: "src/broker/queue/dead-letter.ts",
    find: "cyclingQueues(deathsOf(properties.headers ?? []));",
    replace: "cyclingQueues([]);",
  },
  {
    name: "a rejected message does not come back to a queue where it was",
    file: "src/broker/queue/dead-letter.ts",
    find: 'nameIn(each.value, "reason") === "rejected") break;',
    replace: 'nameIn(each.value, "reason") === "never") break;',
  },
  {
    name: "what reject-publish-dlx refuses is not dead-lettered",
    file: "src/broker/exchange/publication.ts",
    find: '    if (overflow !== "reject-publish-dlx" || deadLetterExchange === undefined) return;',
    replace: "    if (overflow !== undefined || deadLetterExchange === undefined) return;",
  },
  {
    name: "what a consumer could take at once fills a queue",
    file: "src/broker/queue/queue.ts",
    find: "      if (this.consumers.size > 0 && !this.isFiling) deliverReady(this, now);\n",
    replace:
      "      if (this.consumers.size > 0 && this.vhost.broker.queuesCatchingUp === 0) deliverReady(this, now);\n",
  },
  {
    name: "expired records are left once a tick has dropped enough",
    file: "src/broker/queue/retention.ts",
    find: "        ticker.scheduleLater(queue);",
    replace: "",
  },
  {
    name: "a message that was given back too often goes nowhere",
    file: "src/broker/queue/queue.ts",
    find: '      giveUp(this, offset, "delivery_limit");',
    replace: "      this.drop(offset);",
  },
  {
    name: "a message is given back as often as one likes",
    file: "src/broker/retry/rejection.ts",
    find: "deliveries > (deliveryLimit ?? Infinity)",
    replace: "deliveries > (deliveryLimit ?? Infinity) + 99",
  },
  {
    name: "live subscribers do not hear dead letters",
    file: "src/broker/queue/dead-letter.ts",
    find: "  vhost.publication.publishOwn(exchange, route, message, leavesOut);\n",
    replace:
      "  vhost.publication.publishOwn(exchange, { ...route, reachesLive: false }, message, leavesOut);\n",
  },
  {
    name: "live subscribers do not hear what comes through another exchange",
    file: "src/broker/exchange/routes.ts",
    find: "    const reachesLive = walk.seen.has(this.#vhost.exchanges.get(liveExchangeName)!);",
    replace: "    const reachesLive = exchange.name === liveExchangeName;",
  },
  {
    name: "a dead letter is not in the group of the journal in which its message goes",
    file: "src/broker/queue/retention.ts",
    find: "        queue.log.movesOn(offset);\n",
    replace:
      "        queue.log.movesOn(offset);\n        queue.cursor!.settle(offset);\n        this.#broker.timers.after(1, () => queue.log.remove(offset));\n        return true;\n",
  },
  {
    name: "a full queue refuses a batch that it has already",
    file: "src/protocols/kafka/produce/produce.ts",
    find: "  const verdict = sequenceVerdict(queue, batch);",
    replace:
      '  if (!isTakenBy(queue, batch, limits.kafkaRequestBytesMax)) return refuse(index, "POLICY_VIOLATION");\n  const verdict = sequenceVerdict(queue, batch);',
  },
  {
    name: "entries that are deleted by their ids go on counting in a bound by bytes",
    file: "src/broker/queue/queue.ts",
    find: "    this.readyBytes?.removing(offset, offset + 1);",
    replace: "",
  },
  {
    name: "a message that was given back and then deleted goes on counting",
    file: "src/broker/cursor/queue-cursor.ts",
    find: "    if (owner === requeuedOwner) this.#requeued.count--;",
    replace: "",
  },
  {
    name: "a cursor's state in full forgets how often a held message was given back",
    file: "src/broker/cursor/queue-cursor.ts",
    find: "        const returns = this.pending.countOf(offset) - 1;",
    replace: "        const returns = Math.min(this.pending.countOf(offset) - 1, 0);",
  },
  {
    name: "acks=all is answered when it is written, not when it is durable",
    file: "src/protocols/kafka/core/call.ts",
    find: "    this.connection.holdUntilDurable(this.server.broker.storage.pending);",
    replace: "",
  },
  {
    name: "XADD is answered when it is written, though it was asked to be durable",
    file: "src/protocols/redis/stream/xadd.ts",
    find: "caller.holdUntilDurable();",
    replace: "void caller;",
  },
  {
    name: "held answers do not wait for the disk",
    file: "src/net/connection.ts",
    find: "if (position <= host.durablePosition) return;",
    replace: "if (position <= host.writtenPosition + 1e15) return;",
  },
  {
    name: "a finished sync stands for what was written meanwhile",
    file: "src/storage/journal/journal.ts",
    find: "        this.durable = target;",
    replace: "        this.durable = this.written;",
  },
  {
    name: "the journal is not synced",
    file: "src/storage/journal/journal.ts",
    find: "for (const file of files) await file.sync();",
    replace: "await files[0]?.size();",
  },
  {
    name: "checksums are not looked at",
    file: "src/storage/journal/frame.ts",
    find: "return readUint32(buffer, at) === crc32(buffer, at + 4, at + length);",
    replace: "return true;",
  },
  {
    name: "acknowledgements are lost when a log's state is written again",
    file: "src/storage/log/log.ts",
    find: "    this.removed.encode(writer);",
    replace: "    new OffsetSet().encode(writer);",
  },
  {
    name: "acknowledgements are not recorded",
    file: "src/storage/log/log.ts",
    find: "    if (this.isDurable) this.#noteRange(offset, offset + 1);",
    replace: "",
  },
  {
    name: "a journal file goes before what was moved out of it is durable",
    file: "src/storage/segment/cleaner.ts",
    find: "    await this.#durable(journal.end);",
    replace: "",
  },
  {
    name: "the mover leaves out frames of which a part was consumed",
    file: "src/storage/segment/segment-mover.ts",
    find: "      if (!log.removed.hasAll(first, end)) {",
    replace: "      if (!log.removed.has(first)) {",
  },
  {
    name: "groups that were not finished are taken at recovery",
    file: "src/storage/journal/recovery.ts",
    find: "    } else starts.push(at);",
    replace:
      "    } else {\n      visit(buffer, at, length, base + at - journalHeaderBytes);\n      groupStart = at + length;\n    }",
  },
  {
    name: "a batch that is sent again is appended again",
    file: "src/broker/queue/producer-state.ts",
    find: '        return "duplicate";',
    replace: '        return "append";',
  },
  {
    name: "producers' sequences are not kept over a restart",
    file: "src/broker/queue/producer-state.ts",
    find: "    this.#storage.changed(this.handle);",
    replace: "",
  },
  {
    name: "XACK is not recorded",
    file: "src/broker/groups/group-cursor.ts",
    find: "    if (this.handle !== null && this.#changes.settled(offset)) this.#touch();",
    replace: "",
  },
  {
    name: "a message that is given back does not go out again",
    file: "src/broker/cursor/queue-cursor.ts",
    find: "    this.#requeued.add(offset);\n",
    replace: "",
  },
  {
    name: "what a gone consumer held stays held",
    file: "src/protocols/amqp/channel/channel.ts",
    find: "    this.requeueAll();\n    if (this.directReply",
    replace: "    if (this.directReply",
  },
  {
    name: "a content header is read from a chunk that is gone",
    file: "src/protocols/amqp/core/session.ts",
    find: "      this.#borrower?.incoming.park();\n      parser.settle();",
    replace: "      parser.settle();",
  },
  {
    name: "the offset of a record is one too high for Kafka",
    file: "src/protocols/kafka/fetch/records.ts",
    find: "    const baseOffset = reader.offset;",
    replace: "    const baseOffset = reader.offset + 1;",
  },
  {
    name: "messages live a little longer than they may",
    file: "src/broker/queue/retention.ts",
    find: "if (expiresAt > now || (isInstant && !isLate)) {",
    replace: "if (expiresAt > now - 2000 || (isInstant && !isLate)) {",
  },
  {
    name: "keys are not recorded when EXEC sets them",
    file: "src/storage/storage.ts",
    find: "    this.journal?.appendSource(sourceId, changes);",
    replace: "    if (changes.length < 120) this.journal?.appendSource(sourceId, changes);",
  },
  {
    name: "a member of a generation that is over may commit",
    file: "src/protocols/kafka/groups/group.ts",
    find: "    if (claim.generationId !== undefined && claim.generationId !== this.generation)",
    replace: "    if (claim.generationId === this.generation + 1)",
  },
  {
    name: "positions that groups commit are kept in memory only",
    file: "src/broker/groups/offsets.ts",
    find: "    this.#definitions.put(this.#key(group, topic, partition), JSON.stringify(committed));\n",
    replace: "",
  },
  {
    name: "assignments are kept as views of the leader's request",
    file: "src/protocols/kafka/groups/group.ts",
    find: "this.room.keep(member, member.details, Buffer.from(assignment));",
    replace: "this.room.keep(member, member.details, assignment);",
  },
  {
    name: "a leader's assignments stay when the group rebalances",
    file: "src/protocols/kafka/groups/states.ts",
    find: '    sync: "REBALANCE_IN_PROGRESS",',
    replace: '    sync: "answer",',
  },
  {
    name: "expiries are lost at a restart",
    file: "src/keyspace/key-replay.ts",
    find: "    buffer.copy(table.bytes, table.start, from, from + size);\n    table.setExpiry(entry, expiry);",
    replace: "    buffer.copy(table.bytes, table.start, from, from + size);\n    table.setExpiry(entry, 0);",
  },
  {
    name: "PERSIST is not recorded",
    file: "src/keyspace/database.ts",
    find: "    this.table.setExpiry(entry, at);\n    if (keyspace.isKept) {",
    replace: "    this.table.setExpiry(entry, at);\n    if (keyspace.isKept && at !== 0) {",
  },
  {
    name: "a key that is due is still found until it is swept",
    file: "src/keyspace/database.ts",
    find: "    return entry === 0 || !this.isDue(entry) ? entry : this.#expire(entry);",
    replace: "    return entry;",
  },
  {
    name: "who claimed an entry is not recorded",
    file: "src/broker/groups/group-cursor.ts",
    find: "    this.#give(offset, owner, count, time, id);\n    this.#noteRecord(offset);",
    replace: "    this.#give(offset, owner, count, time, id);",
  },
  {
    name: "delivery counts start again at a restart",
    file: "src/broker/groups/group-cursor.ts",
    find: "    const count = reader.uint32();\n    const time = reader.int64();\n    this.#restoreGiven(",
    replace:
      "    const count = Math.min(reader.uint32(), 1);\n    const time = reader.int64();\n    this.#restoreGiven(",
  },
  {
    name: "the last entry of those that were given together is forgotten at a restart",
    file: "src/broker/groups/group-cursor.ts",
    find: "    for (let offset = from; offset < to; offset++) {\n      this.#restoreGiven(",
    replace:
      "    for (let offset = from; offset < Math.max(to - 1, from + 1); offset++) {\n      this.#restoreGiven(",
  },
  {
    name: "after the greatest sequence comes the least of the same millisecond",
    file: "src/message/entry-id.ts",
    find: "    this.msLow = msLow % wordSize;\n    this.msHigh = msHigh;",
    replace: "",
  },
  {
    name: "entry ids lose what a double does not hold when they are taken from the journal",
    file: "src/storage/storage.ts",
    find: "      this.#replayedId.read(buffer, target + targetIdAt);",
    replace:
      "      this.#replayedId.read(buffer, target + targetIdAt);\n      if (this.#replayedId.msHigh >= 0x20_0000) this.#replayedId.msLow &= 0xffff_f800;",
  },
  {
    name: "who waits for a group's news is not woken",
    file: "src/protocols/redis/stream/blocked-read.ts",
    find: "    if (group !== undefined) assertGroup(queue, group);",
    replace: "    if (group !== undefined) return false;",
  },
  {
    name: "a group's news goes to one who waited and is gone",
    file: "src/protocols/redis/session.ts",
    find: "    this.login?.holders.delete(this);\n    this.#abandonLater();",
    replace: "    this.login?.holders.delete(this);",
  },
  {
    name: "an entry goes to one who waited for it, who does not hear of it",
    file: "src/protocols/redis/stream/groups/group-read.ts",
    find: "  part.owner.activeAt = now;\n",
    replace:
      "  part.owner.activeAt = now;\n  if (part.count > 1 && part.cursor.peek()) part.cursor.give(part.owner.id, now);\n",
  },
  {
    name: "positions in all partitions of a topic are kept as one",
    file: "src/broker/groups/offsets.ts",
    find: '"offset", this.#vhost, group, topic, String(partition));',
    replace: '"offset", this.#vhost, group, topic, String(Math.min(partition, 1)));',
  },
  {
    name: "a topic's partitions are numbered otherwise after a restart",
    file: "src/broker/queue/topics.ts",
    find: "this.#vhost.queues.get(nameOf(topic, i, definition.partitions));",
    replace: "this.#vhost.queues.get(nameOf(topic, (i * 2) % definition.partitions, definition.partitions));",
  },
  {
    name: "a partition is told by a part of the key",
    file: "src/broker/exchange/routing/partition.ts",
    find: 'partitions[partitionOf(Buffer.from(key, "latin1"), partitions.length)];',
    replace: 'partitions[partitionOf(Buffer.from(key.slice(0, 12), "latin1"), partitions.length)];',
  },
  {
    name: "a right that was taken is remembered as given",
    file: "src/broker/access/permissions.ts",
    find: "    this.#answers.clear();\n    this.#freeVhosts",
    replace: "    this.#freeVhosts",
  },
  {
    name: "a change of a user's rights is told before it is durable",
    file: "src/protocols/redis/acl/commands-users.ts",
    find: "caller.holdUntilDurable();",
    replace: "void caller;",
  },
  {
    name: "only that a user is there is recorded, not what is taken from it",
    file: "src/broker/access/users.ts",
    find: 'this.#storage.definitions.put(definitionKey("user", name), JSON.stringify(kept));',
    replace:
      'if (this.#storage.definitions.get(definitionKey("user", name)) === undefined)\n      this.#storage.definitions.put(definitionKey("user", name), JSON.stringify(kept));',
  },
  {
    name: "a user that was deleted is there again after a restart",
    file: "src/broker/access/users.ts",
    find: '    this.#storage.definitions.delete(definitionKey("user", name));',
    replace: "",
  },
  {
    name: "who comes back under a name goes by the id of who had it",
    file: "src/protocols/kafka/groups/group.ts",
    find: "    const memberId = this.#makeMemberId(groupInstanceId ?? details.clientId);",
    replace:
      '    const memberId = this.#staticIds.get(groupInstanceId ?? "") ?? this.#makeMemberId(groupInstanceId ?? details.clientId);',
  },
  {
    name: "who comes back under a name is not told what it had been assigned",
    file: "src/protocols/kafka/groups/group.ts",
    find: "    member.id = memberId;\n    this.room.keep(member, details, member.assignment);",
    replace: "    member.id = memberId;\n    this.room.keep(member, details, noAssignment);",
  },
  {
    name: "a log that was deleted is there again after a restart",
    file: "src/broker/queue/lifecycle.ts",
    find: '  storage.definitions.delete(definitionKey("queue", vhost.name, queue.name));',
    replace: "",
  },
  {
    name: "a topic outlives its log",
    file: "src/broker/queue/lifecycle.ts",
    find: "  vhost.topics.queueDeleted(queue);",
    replace: "",
  },
  {
    name: "a start takes what a failed sync has dropped for durable, since a later sync succeeds",
    file: "src/storage/journal/recovery.ts",
    find: "    await retried(() => writeAgain(each, durable));\n",
    replace: "",
  },
  {
    name: "a frame's last bytes are not part of its checksum",
    file: "src/base/checksum/crc32.ts",
    find: "export function crc32(bytes: Uint8Array, start: number, end: number): number {",
    replace:
      "export function crc32(bytes: Uint8Array, start: number, until: number): number {\n  const end = Math.max(until - 40, start);",
  },
  {
    name: "fields that are removed from a hash are not recorded",
    file: "src/keyspace/values/hash-changes.ts",
    find: "    this.#entry = hashes.entry;\n    this.#removed(field, start, end);",
    replace: "    this.#entry = hashes.entry;\n    this.#isChanged = true;",
  },
  {
    name: "members that are popped from a sorted set are not recorded",
    file: "src/keyspace/values/sorted/sorted-set-changes.ts",
    find: "    this.#removed(sortedSets.bytes, sortedSets.start, sortedSets.end);",
    replace: "    this.#isChanged = true;",
  },
  {
    name: "members that are removed from a set are not recorded",
    file: "src/keyspace/values/set-changes.ts",
    find: "    if (isKept) this.#records.write(operation.removeMembers,",
    replace: "    if (isKept && start < 0) this.#records.write(operation.removeMembers,",
  },
  {
    name: "what a stored set had before it became large is not recorded",
    file: "src/keyspace/values/set-build.ts",
    find: "      this.#record(operation.addMembers, table.bytes, table.start, table.end);",
    replace: "",
  },
  {
    name: "the elements of large values are not written again from old journal files",
    file: "src/keyspace/keyspace.ts",
    find: "    if (!walk.isLarge || walk.isAgain) {",
    replace: "    if (!walk.isLarge && walk.isAgain) {",
  },
  {
    name: "a large value that was renamed is not found after a start",
    file: "src/keyspace/key-replay.ts",
    find: "    else if (code === operation.rename) source.rename(this.#entry, target, buffer, key, key + size);",
    replace: "    else if (code === operation.rename) return;",
  },
  {
    name: "a broker does not compare the epochs of its directory with its own",
    file: "src/storage/journal/journal.ts",
    find: "      if (epoch <= this.#epoch) return;",
    replace: "      if (epoch < Infinity) return;",
  },
  {
    name: "damage in what was durable is cut off like a torn end",
    file: "src/storage/journal/recovery.ts",
    find: "    if (highestDurable(bytes, got, base + at - journalHeaderBytes) > end) {",
    replace: "    if (highestDurable(bytes, got, base + at - journalHeaderBytes) > end + 1e15) {",
  },
  {
    name: "when a field expires is not recorded",
    file: "src/keyspace/values/hash-changes.ts",
    find: "      keyspace.changes.float64(at);",
    replace: "      keyspace.changes.float64(0);",
  },
  {
    name: "what is taken off the right end of a list comes back",
    file: "src/keyspace/values/list/list-changes.ts",
    find: "      .uint32(isLeft ? 0 : taken);",
    replace: "      .uint32(0);",
  },
  {
    name: "an element that is inserted into a list is recorded in place of its neighbour",
    file: "src/keyspace/values/list/list-changes.ts",
    find: "    this.#writePlace(operation.listInsert, number, index);",
    replace: "    this.#writePlace(operation.listSet, number, index);",
  },
  {
    name: "that a list's block was split is not recorded",
    file: "src/keyspace/values/list/list-changes.ts",
    find: "    this.#begin(operation.listSplit).float64(number).uint32(index).float64(made);",
    replace: "    this.#begin(operation.listSplit).float64(number).uint32(index + 1).float64(made);",
  },
  {
    name: "a large value that was copied is not found after a start",
    file: "src/keyspace/key-replay.ts",
    find: "    else this.#copy(target, key, key + size);",
    replace: "    else if (size < 0) this.#copy(target, key, key + size);",
  },
  {
    name: "a large value that is renamed loses its expiry",
    file: "src/keyspace/content.ts",
    find: "    others.setExpiry(place, table.expiry(entry));\n    others.setAge(place, table.age(entry));\n    others.setUse(",
    replace: "    others.setAge(place, table.age(entry));\n    others.setUse(",
  },
  {
    name: "a stream that is copied loses its expiry",
    file: "src/protocols/redis/keys/key-transfer.ts",
    find: "    adoptDraft(target, draft, source.deleteAt);",
    replace: "    adoptDraft(target, draft, 0);",
  },
  {
    name: "a stream is copied without what its groups have pending",
    file: "src/broker/stream/copy.ts",
    find: "        if (at >= 0 && owner !== undefined)",
    replace: "        if (at >= 0 && owner === undefined)",
  },
  {
    name: "clients that wait for a key are served from the last one on",
    file: "src/protocols/redis/blocking/blocked-clients.ts",
    find: "      for (const client of line) {",
    replace: "      for (const client of [...line].toReversed()) {",
  },
  {
    name: "those who wait are not served after a script or a transaction",
    file: "src/protocols/redis/core/dispatch.ts",
    find: "  if (blocking.hasReady) blocking.serve();",
    replace: "  if (blocking.hasReady && !/^(eval|exec)$/.test(context.spec.fullName)) blocking.serve();",
  },
  {
    name: "with appendfsync always, answers to changes do not wait for the disk",
    file: "src/protocols/redis/session.ts",
    find: "      if (this.server.syncsAlways) holdChanges(this.server, this.connection, before);",
    replace: "",
  },
  {
    name: "with appendfsync always, answers that come later do not wait for the disk",
    file: "src/protocols/redis/session.ts",
    find: "    if (this.server.syncsAlways) holdChanges(this.server, this.connection, Math.min(before, output.length));",
    replace: "",
  },
  {
    name: "the first change of a script is written before the others",
    file: "src/protocols/redis/core/dispatch.ts",
    find: "    if (script !== null && spec.write) script.hasWritten = true;",
    replace:
      "    if (script !== null && spec.write) {\n      if (script.hasWritten) context.broker.storage.flush();\n      script.hasWritten = true;\n    }",
  },
  {
    name: "a message that was given back waits behind all that nobody was given",
    file: "src/broker/cursor/queue-cursor.ts",
    find: "    return !this.#requeued.isReady || order.isBefore(order.first, this.#requeued.first);",
    replace: "    return true;",
  },
  {
    name: "messages that were given back come in the order in which they came, whatever their priority",
    file: "src/broker/cursor/priority-order.ts",
    find: "(priorityMax - Math.max(this.#order.levelOf(offset), 0)) * offsetsMax + offset",
    replace: "offset",
  },
  {
    name: "what was delivered by priority is forgotten by a kill",
    file: "src/broker/cursor/queue-cursor.ts",
    find: "    if (this.handle !== null && this.deliveryCount === 1) this.#changes.shown(offset);\n",
    replace: "",
  },
  {
    name: "what is held by priority is forgotten when the state is written in full",
    file: "src/broker/cursor/queue-cursor.ts",
    find: "        if (returns === 0 && this.order === null) return true;",
    replace: "        if (returns === 0) return true;",
  },
  {
    name: "the timers of a queue's waiting records are not set again at a start",
    file: "src/broker/retry/queue-retries.ts",
    find: "if (this.#isWaiting(offset)) this.#timers.add",
    replace: "if (!this.#isWaiting(offset)) this.#timers.add",
  },
  {
    name: "after a start a rejected record of a queue comes before its time",
    file: "src/broker/retry/queue-retries.ts",
    find: "this.#timers.add(pending.timeOf(offset), this.#number, offset);",
    replace:
      "this.#timers.add(0, this.#number, offset), pending.set(offset, pending.ownerOf(offset), pending.countOf(offset), 0);",
  },
  {
    name: "that a rejected record of a queue comes again is not recorded",
    file: "src/broker/cursor/queue-cursor.ts",
    find: "    this.waiting.begin(offset, at, owner);\n    this.#noteChange(offset);",
    replace: "    this.waiting.begin(offset, at, owner);",
  },
  ...mutantsOfLetters,
  ...mutantsOfReplays,
  {
    name: "what AMQP consumers of a group held stays theirs after a kill",
    file: "src/broker/groups/resume.ts",
    find: "if (gone.length > 0)",
    replace: "if (gone.length > 1000)",
  },
  {
    name: "what an AMQP consumer rejects in a group comes again at once",
    file: "src/protocols/amqp/channel/group-consumer.ts",
    find: '{ reason: "rejected", delayMs: -1 }',
    replace: '{ reason: "rejected", delayMs: 0 }',
  },
  {
    name: "an AMQP consumer of a group that goes keeps what it held",
    file: "src/protocols/amqp/channel/group-consumer.ts",
    find: "        giveBack(queue, cursor, offset);\n      } else",
    replace: "        queue.requeued++;\n      } else",
  },
  {
    name: "that a rejected message waits is not traced",
    file: "src/broker/retry/rejection.ts",
    find: "if (queue.trace !== null) tracer.waits(",
    replace: "if (queue.trace === undefined) tracer.waits(",
  },
  {
    name: "a traced message is followed after it was acknowledged",
    file: "src/broker/trace/tracer.ts",
    find: "      ...sinceOf(note),\n      ended: true,\n    });\n    this.#forget(queue, offset);",
    replace: "      ...sinceOf(note),\n      ended: true,\n    });",
  },
  {
    name: "a trace has another id after a start",
    file: "src/broker/trace/tracer.ts",
    find: "          traceId,\n          spanId,\n          writtenAt: time,",
    replace: "          traceId: spanId + spanId,\n          spanId,\n          writtenAt: time,",
  },
  ...mutantsOfWhatIsTold,
  ...mutantsOfCopies,
  ...mutantsOfShareGroups,
];
