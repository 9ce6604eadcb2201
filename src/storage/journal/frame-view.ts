/**
 * An append frame as seen by one of its logs, for copying it into a segment without an object for each frame.
 *
 * Not here: whether the frame is undamaged.
 */
import { EntryId } from "../../message/entry-id.ts";
import { type Envelope, envelope } from "../../message/envelope.ts";
import {
  appendCountAt,
  appendRecordsAt,
  appendTargetAt,
  appendTargetCountAt,
  appendTimestampAt,
  frameEnvelopeAt,
  frameLengthAt,
  readUint32,
  readUint64,
  targetIdAt,
  targetOffsetAt,
} from "./frame.ts";
import { emptyBuffer } from "./frame-store.ts";

export interface FrameView {
  buffer: Buffer;
  envelope: Envelope;
  timestamp: number;
  firstOffset: number;
  count: number;
  /** Of the first record. */
  readonly id: EntryId;
  recordsStart: number;
  recordsEnd: number;
}

export function newFrameView(): FrameView {
  return {
    buffer: emptyBuffer,
    envelope: envelope.none,
    timestamp: 0,
    firstOffset: 0,
    count: 0,
    id: new EntryId(),
    recordsStart: 0,
    recordsEnd: 0,
  };
}

/** Lets `view` show the append frame at `at`; false when it has no target of the log. */
export function viewFrame(view: FrameView, buffer: Buffer, at: number, logId: number): boolean {
  const targets = appendTargetCountAt(buffer, at);
  let target = 0;
  while (target < targets && readUint32(buffer, appendTargetAt(at, target)) !== logId) target++;
  if (target === targets) return false;
  const targetAt = appendTargetAt(at, target);
  view.buffer = buffer;
  view.envelope = frameEnvelopeAt(buffer, at);
  view.timestamp = appendTimestampAt(buffer, at);
  view.count = appendCountAt(buffer, at);
  view.firstOffset = readUint64(buffer, targetAt + targetOffsetAt);
  view.id.read(buffer, targetAt + targetIdAt);
  view.recordsStart = appendRecordsAt(buffer, at);
  view.recordsEnd = at + frameLengthAt(buffer, at);
  return true;
}
