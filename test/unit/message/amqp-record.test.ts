/** A stored AMQP record that is written again, as for a dead letter: nothing of it is lost, hidden keys among the rest. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { ByteWriter } from "../../../src/base/bytes.ts";
import {
  AmqpRecordParts,
  encodeHiddenKeys,
  hiddenKeysOf,
  readAmqpRecord,
  writeAmqpRecord,
} from "../../../src/message/amqp/record.ts";
import { shortText, uint } from "../../support/amqp-frames.ts";

for (const keys of [[], ["one"], ["one", "", "x".repeat(255)]]) {
  test(`a record with ${keys.length} hidden keys is written as it was read`, () => {
    const header = Buffer.concat([uint(8, 4), uint(2, 0)]);
    const record = Buffer.concat([
      shortText("exchange"),
      shortText("key"),
      uint(4, header.length),
      header,
      Buffer.from("body"),
      encodeHiddenKeys(keys),
    ]);
    const parts = readAmqpRecord(record, 0, record.length, new AmqpRecordParts());
    assert.deepEqual(hiddenKeysOf(parts), keys);
    const writer = new ByteWriter();
    writeAmqpRecord(writer, parts);
    assert.deepEqual(writer.copy(), record);
  });
}
