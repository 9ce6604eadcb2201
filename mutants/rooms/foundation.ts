/** Faults in base, message, net and admin. */
import type { RoomMutant } from "../mutant.ts";

export const foundationMutants: readonly RoomMutant[] = [
  {
    name: "what a job's end costs is not counted",
    file: "src/base/turn-work.ts",
    find: "    this.#end(outcome, used + unitsOfEnd, spend);",
    replace: "    this.#end(outcome, used, spend);",
  },
  {
    name: "a job that is cancelled stays among those that wait",
    file: "src/base/turn-work.ts",
    find: "    if (run.isRunning) this.#waiting.push(run);",
    replace: "    this.#waiting.push(run);",
  },
  {
    name: "large buffers that were taken go on counting as free",
    file: "src/base/large-buffers.ts",
    find: "    freeBytes -= buffer.length;\n",
    replace: "",
  },
  {
    name: "connections are asked once in a life to give back what they keep",
    file: "src/base/bytes-in-flight.ts",
    find: "    if (!this.isOver) this.#isGivingBack = false;\n",
    replace: "",
  },
  {
    name: "who has the turn keeps it though it holds little now",
    file: "src/base/bytes-in-flight.ts",
    find: "(isFair || share.bytes < this.#turnBytesMost / 2)",
    replace: "share.bytes < this.#turnBytesMost / 2",
  },
  {
    name: "events of the second that follow the first are not told",
    file: "src/base/sparse-log.ts",
    find: "      if (this.#count > 0) this.#tell();",
    replace: "      this.#count = 0;",
  },
  {
    name: "a glob's last part may overlap with what stands before it",
    file: "src/base/patterns/glob.ts",
    find: "    if (end - start < head + tail) return false;",
    replace: "    if (end - start < Math.max(head, tail)) return false;",
  },
  {
    name: "a batch that ends exactly at the limit is cut off",
    file: "src/message/kafka/batch.ts",
    find: "    if (available < batchPrefixBytes + length) return false;",
    replace: "    if (available <= batchPrefixBytes + length) return false;",
  },
  {
    name: "a snappy batch of exactly the most is refused",
    file: "src/message/kafka/compression.ts",
    find: "  if (total > bytesMax) throw tooLarge(codecs.snappy, bytesMax);",
    replace: "  if (total >= bytesMax) throw tooLarge(codecs.snappy, bytesMax);",
  },
  {
    name: "distances between ids of different milliseconds do not borrow",
    file: "src/message/entry-id.ts",
    find: "      sequenceHigh += wordSize;\n      msLow--;",
    replace: "      sequenceHigh += wordSize;",
  },
  {
    name: "a decompressed batch is known again by its place alone",
    file: "src/message/convert/kafka-frame.ts",
    find: "    return shown.baseOffset === this.#baseOffset && shown.checksum === this.#checksum;",
    replace: "    return true;",
  },
  {
    name: "decompressed batches are kept without a bound",
    file: "src/message/convert/kafka-frame.ts",
    find: "    while (total > bytesMax) {",
    replace: "    while (total > bytesMax * 1000) {",
  },
  {
    name: "hidden keys are not a part of a record that is written again",
    file: "src/message/amqp/record.ts",
    find: "parts.bodyStart, parts.recordEnd);",
    replace: "parts.bodyStart, parts.bodyEnd);",
    also: ["clients/amqp/amqp-dead-letter"],
  },
  {
    name: "holds stay where they were when the output is compacted",
    file: "src/net/connection.ts",
    find: "    for (const barrier of this.#barriers) barrier.at -= shift;\n",
    replace: "",
  },
  {
    name: "a hold that is there already is not raised",
    file: "src/net/connection.ts",
    find: "      if (position > last.position && last.position > host.writtenPosition) last.position = position;\n",
    replace: "",
    isSimulated: true,
  },
  {
    name: "an address that has left keeps its place in the table",
    file: "src/net/entrance.ts",
    find: "    if (--origin.inside === 0) this.#origins.delete(origin.host);",
    replace: "    origin.inside--;",
  },
  {
    name: "who was settled and is not any more cannot be ended for others",
    file: "src/net/entrance.ts",
    find: "    if (isSettled) return;\n    unsettled.add(guest);",
    replace: "    if (isSettled || this.#inside > 1) return;\n    unsettled.add(guest);",
  },
  {
    name: "a connection that lingers is not cut off however much it sends",
    file: "src/net/connection.ts",
    find: "    if (this.#discardedBytes > limits.lingerBytesMax) this.destroy();",
    replace: "    if (this.#discardedBytes > limits.lingerBytesMax * 1000) this.destroy();",
  },
  {
    name: "a page of another site may ask by HTTP",
    file: "src/admin/authorization.ts",
    find: 'return origin !== undefined && origin.replace(/^https?:\\/\\//, "") !== host;',
    replace: 'return origin === undefined && host === "";',
  },
  {
    name: "a password with a colon ends at it",
    file: "src/admin/authorization.ts",
    find: "password: text.slice(colon + 1), remoteHost",
    replace: 'password: text.slice(colon + 1).split(":")[0]!, remoteHost',
  },
];
