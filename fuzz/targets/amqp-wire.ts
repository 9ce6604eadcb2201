/**
 * AMQP's codecs: frames whole and in pieces, methods, field tables, content headers. What the check in place accepts the
 * decoder reads, and the other way round.
 */
import fc from "fast-check";
import { Seeded } from "../../sim/seeded.ts";
import { ByteReader, ByteWriter } from "../../src/base/bytes.ts";
import { crc32 } from "../../src/base/checksum/crc32.ts";
import { BrokerError } from "../../src/base/errors.ts";
import { readProperties } from "../../src/message/amqp/properties.ts";
import { expirationMs, PropertyOffsets } from "../../src/message/amqp/property-offsets.ts";
import { fromPlain, toPlain } from "../../src/message/amqp/table-plain.ts";
import { checkFieldTableBody, findFieldAt } from "../../src/message/amqp/table-scan.ts";
import { readFieldTable, writeFieldTable } from "../../src/message/amqp/table.ts";
import { ContentHeader, PublishFields, SettleFields } from "../../src/protocols/amqp/wire/content-input.ts";
import { FrameParser } from "../../src/protocols/amqp/wire/frame-parser.ts";
import { decodeMethod, encodeMethod, methodNumberAt } from "../../src/protocols/amqp/wire/method-codec.ts";
import { anyFieldTable } from "../../test/unit/amqp/amqp-support.ts";
import { amqpConversations, sampleProperties } from "../conversations/amqp.ts";
import { amqpFormat, tableFormat } from "../formats/amqp.ts";
import { codecAllocation, promise, refusable, seedsOf, type Target } from "../target.ts";
import { plainFormat } from "../mutate.ts";
import { piecesOf } from "./redis-wire.ts";

/** Type, channel, size and sum of each frame, and how it ended. */
function reading(pieces: readonly Buffer[], inputSize: number): string {
  const parser = new FrameParser();
  let isHeaderRead = false;
  let seen = "";
  try {
    for (const piece of pieces) {
      parser.push(piece);
      if (!isHeaderRead) {
        const state = parser.readProtocolHeader();
        if (state === "mismatch") return "mismatch";
        isHeaderRead = state === "accepted";
      }
      while (isHeaderRead && parser.next()) {
        const { type, channel, bytes, payloadStart, payloadEnd } = parser;
        promise(payloadEnd < bytes.length, "a payload lies outside its buffer");
        promise(bytes[payloadEnd] === 0xce, "a frame without its end was taken");
        seen += `/${type},${channel},${payloadEnd - payloadStart}:${crc32(bytes, payloadStart, payloadEnd)}`;
      }
      parser.settle();
      piece.fill(0xdb);
      promise(parser.unread <= inputSize, "more is unread than came");
    }
  } catch (error) {
    if (!(error instanceof BrokerError) || error.code !== "MALFORMED") throw error;
    return `${seen} refused`;
  }
  return `${seen} ${parser.unread}`;
}

export const amqpFrames: Target = {
  name: "amqp-frames",
  weight: 8,
  format: amqpFormat,
  seeds: () => seedsOf(amqpFormat, amqpConversations(), 1),
  bytesAllocatedMax: codecAllocation,
  open: () => ({
    run(input) {
      const whole = reading([Buffer.from(input)], input.length);
      const cut = reading(piecesOf(input, new Seeded(crc32(input, 0, input.length))), input.length);
      promise(whole === cut, `whole it reads ${whole.slice(0, 200)}, in pieces ${cut.slice(0, 200)}`);
    },
  }),
};

const publishFields = new PublishFields();
const settleFields = new SettleFields();

export const amqpMethods: Target = {
  name: "amqp-methods",
  weight: 12,
  format: plainFormat,
  seeds: () => {
    const frames = amqpConversations().flatMap((input) => amqpFormat.split(input));
    const methods = frames.filter((frame) => frame[0] === 1 && frame.length > 12);
    return seedsOf(
      plainFormat,
      methods.map((frame) => frame.subarray(7, -1)),
    );
  },
  bytesAllocatedMax: codecAllocation,
  open: () => ({
    run(input) {
      refusable(() => {
        const number = methodNumberAt(input, 0, input.length);
        refusable(() => void settleFields.read(input, 0, input.length, number));
        refusable(() => {
          publishFields.read(input, 0, input.length);
          promise(publishFields.routingKeyEnd <= input.length, "a route lies outside its frame");
        });
        const method = decodeMethod(new ByteReader(input));
        const writer = new ByteWriter();
        encodeMethod(writer, method.name, method.arguments as never);
        const again = decodeMethod(new ByteReader(writer.buffer, 0, writer.length));
        promise(again.name === method.name, "a method that is written again is another");
      });
    },
  }),
};

export const amqpTables: Target = {
  name: "amqp-tables",
  weight: 12,
  format: tableFormat,
  seeds: () => {
    const tables = fc.sample(anyFieldTable, { seed: 3, numRuns: 60 }).map((table) => {
      const writer = new ByteWriter();
      writeFieldTable(writer, table);
      return writer.copy();
    });
    return seedsOf(tableFormat, tables);
  },
  bytesAllocatedMax: codecAllocation,
  open: () => ({
    run(input) {
      const read = outcomeOf(() => {
        const reader = new ByteReader(input);
        const table = readFieldTable(reader);
        promise(reader.remaining === 0 || reader.position <= input.length, "read past the table");
        const writer = new ByteWriter();
        writeFieldTable(writer, table);
        refusable(() => void fromPlain(toPlain(table)));
        return reader.position;
      });
      if (input.length < 4) return;
      const end = 4 + input.readUInt32BE(0);
      if (end > input.length) return promise(read === "refused", "a table was read past its bytes");
      const checked = outcomeOf(() => {
        checkFieldTableBody(input, 4, end);
        return end;
      });
      promise(read === checked, `the reader says ${read}, the check ${checked}`);
      if (checked !== "refused") findFieldAt(input, 4, end, name);
    },
  }),
};

const name = Buffer.from("x-match");

function outcomeOf(decode: () => number): number | "refused" {
  let outcome: number | "refused" = "refused";
  refusable(() => {
    outcome = decode();
  });
  return outcome;
}

const header = new ContentHeader();
const offsets = new PropertyOffsets();

export const amqpHeaders: Target = {
  name: "amqp-headers",
  weight: 12,
  format: plainFormat,
  seeds: () =>
    seedsOf(
      plainFormat,
      sampleProperties(80).map((properties) =>
        Buffer.concat([Buffer.from("003c00000000000000000009", "hex"), properties]),
      ),
    ),
  bytesAllocatedMax: codecAllocation,
  open: () => ({
    run(input) {
      const walked = outcomeOf(() => {
        header.read(input, 0, input.length);
        offsets.walk(input, header.propertiesStart, header.headerEnd);
        if (offsets.headersStart >= 0) checkFieldTableBody(input, offsets.headersStart, offsets.headersEnd);
        return expirationMs(offsets);
      });
      if (input.length < 14) return;
      const read = outcomeOf(() => {
        readProperties(new ByteReader(input, 12, input.length));
        return 0;
      });
      promise((walked === "refused") === (read === "refused"), `the walk says ${walked}, the reader ${read}`);
    },
  }),
};
