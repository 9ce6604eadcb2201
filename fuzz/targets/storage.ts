/**
 * Files of storage that are not what was written: what a frame, a footer or a header says is checked before it is
 * believed, and damaged files are refused as CORRUPT or cut where nothing had been durable; they never crash the start.
 */
import { BrokerError } from "../../src/base/errors.ts";
import { crc32 } from "../../src/base/checksum/crc32.ts";
import { scanJournal } from "../../src/storage/journal/recovery.ts";
import { frameHeaderBytes, frameKind, sealFrame, writeFrameHeader } from "../../src/storage/journal/frame.ts";
import {
  journalHeader,
  journalHeaderBytes,
  noNotes,
  readJournalHeader,
  readNotes,
} from "../../src/storage/journal/journal-file.ts";
import {
  checkSegmentHeader,
  decodeSegmentFooter,
  encodeSegmentFooter,
  segmentFooterBytes,
  segmentHeader,
  segmentHeaderBytes,
  segmentTrailerBytes,
} from "../../src/storage/segment/segment-format.ts";
import type { DiskFile } from "../../src/base/disk.ts";
import { plainFormat, type Format } from "../mutate.ts";
import { codecAllocation, promise, refusable, seedsOf, type Target } from "../target.ts";

/** A journal file: its header and its frames. */
export const journalFormat: Format = {
  split(input) {
    const units = [input.subarray(0, journalHeaderBytes)];
    for (let at = journalHeaderBytes; at < input.length;) {
      const left = input.length - at;
      const size = left >= frameHeaderBytes ? Math.max(input.readUInt32BE(at + 8), 1) : left;
      units.push(input.subarray(at, at + Math.min(size, left)));
      at += Math.min(size, left);
    }
    return units;
  },
  seal(unit) {
    if (unit.length < frameHeaderBytes || unit[4] !== 0xa7) return unit;
    const sealed = Buffer.from(unit);
    sealed.writeUInt32BE(sealed.length, 8);
    sealFrame(sealed, 0, sealed.length);
    return sealed;
  },
};

function frameOf(kind: number, body: Buffer): Buffer {
  const frame = Buffer.concat([Buffer.alloc(frameHeaderBytes), body]);
  writeFrameHeader(frame, 0, kind, 1, frame.length);
  sealFrame(frame, 0, frame.length);
  return frame;
}

function journal(): Buffer {
  const mark = (durable: number) => {
    const body = Buffer.alloc(8);
    body.writeBigUInt64BE(BigInt(durable));
    return frameOf(frameKind.mark, body);
  };
  return Buffer.concat([
    journalHeader({ base: 0, epoch: 1 }),
    frameOf(frameKind.put, Buffer.from("\0\x03keyvalue", "latin1")),
    mark(0),
    frameOf(frameKind.append, Buffer.alloc(60, 1)),
    frameOf(frameKind.delete, Buffer.from("\0\x03key", "latin1")),
    mark(41),
  ]);
}

function fileOf(bytes: Buffer): DiskFile {
  const never = () => {
    throw new Error("a scan does not write");
  };
  return {
    read: (target, targetAt, size, at) => {
      const part = bytes.subarray(at, at + size);
      target.set(part, targetAt);
      return part.length;
    },
    size: () => bytes.length,
    write: never,
    writeLater: never,
    sync: never,
    truncate: never,
    close: never,
  };
}

export const journals: Target = {
  name: "journals",
  weight: 8,
  format: journalFormat,
  seeds: () => seedsOf(journalFormat, [journal()]),
  bytesAllocatedMax: codecAllocation,
  open: () => ({
    run(input) {
      const path = "j";
      refusable(() => {
        const header = input.subarray(0, journalHeaderBytes);
        const place = readJournalHeader(header, path);
        const notes = readNotes(header) ?? noNotes;
        const found = [{ path, file: fileOf(input), ...place, size: input.length, isBlank: false, notes }];
        const { end } = scanJournal(found, (buffer, at, length) => {
          promise(length >= frameHeaderBytes && at + length <= input.length, "a frame lies outside the file");
          const isRight = buffer.readUInt32BE(at) === crc32(buffer, at + 4, at + length);
          promise(isRight, "a frame that fails its checksum was visited");
        });
        promise(end - place.base <= input.length, "the end lies outside the file");
      }, ["CORRUPT"]);
    },
  }),
};

function segment(): Buffer {
  const footer = encodeSegmentFooter({
    entries: Float64Array.from([0, 40, 0, 9, 70_000, 1000]),
    ids: Uint32Array.from([0, 1000, 0, 0, 0xffff_ffff, 1000, 0, 9]),
    baseOffset: 0,
    endOffset: 20,
    bytes: 100_000,
    records: 20,
    maxTimestamp: 1000,
  });
  return Buffer.concat([segmentHeader(3, 0), footer]);
}

export const segments: Target = {
  name: "segments",
  weight: 6,
  format: {
    ...plainFormat,
    seal(unit) {
      if (unit.length < segmentHeaderBytes + segmentTrailerBytes) return unit;
      const sealed = Buffer.from(unit);
      sealed.writeUInt32BE(crc32(sealed, segmentHeaderBytes, sealed.length - 4), sealed.length - 4);
      return sealed;
    },
  },
  seeds: () => seedsOf(plainFormat, [segment()]),
  bytesAllocatedMax: codecAllocation,
  open: () => {
    const whole = segment();
    return {
      run(input) {
        refusable(() => {
          checkSegmentHeader(input.subarray(0, segmentHeaderBytes), 3, 0, "s");
          promise(input.compare(whole, 0, 24, 0, 24) === 0, "a damaged header was believed");
        }, ["CORRUPT"]);
        if (input.length < segmentHeaderBytes + segmentTrailerBytes) return;
        const size = segmentFooterBytes(input.subarray(-segmentTrailerBytes));
        if (size > input.length - segmentHeaderBytes) return;
        try {
          const { entries, ids } = decodeSegmentFooter(input.subarray(-size), "s");
          const count = (size - segmentTrailerBytes) / 40;
          promise(entries.length === count * 3 && ids.length === count * 4, "entries are lost");
        } catch (error) {
          if (!(error instanceof BrokerError) || error.code !== "CORRUPT") throw error;
        }
      },
    };
  },
};
