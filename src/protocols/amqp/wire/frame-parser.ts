/**
 * Finds frames in the bytes of a connection: their type, channel, and where their payload lies. Payloads are not
 * looked into, and nothing is copied when a whole frame lies in one chunk.
 *
 *   stream = "AMQP" 0 0 9 1 *frame
 *   frame  = type:u8 channel:u16 size:u32 payload end:0xCE
 *
 * `MALFORMED` from here is a frame error: the connection ends with 501 FRAME_ERROR (spec 4.2.3).
 *
 * Use, for each chunk:
 *
 *   parser.push(chunk);
 *   while (parser.next()) handle(parser);
 *   parser.settle();
 *
 * Invariant: after `next()` returned true, `bytes[payloadStart, payloadEnd)` is the payload, until the following
 * `push` or `settle`. A parser that threw is not used again.
 */
import { BrokerError } from "../../../base/errors.ts";
import { frameEnd, frameHeadBytes, frameMaxMin, frameOverheadBytes, frameType } from "./constants.ts";
import { InputBuffer } from "./input-buffer.ts";

/** What a client sends first, and what it gets back when it sent anything else (spec 4.2.2). */
export const protocolHeader: Buffer = Buffer.from("AMQP\x00\x00\x09\x01", "latin1");

/** 0-9's, whose frames are those of 0-9-1. */
const protocolHeaderOf09: Buffer = Buffer.from("AMQP\x01\x01\x00\x09", "latin1");

const nothing = Buffer.alloc(0);

export type ProtocolHeaderState = "incomplete" | "accepted" | "mismatch";

export class FrameParser {
  /** Negotiated; set it when connection.tune-ok has come. Before that, a frame must be one that every peer takes. */
  frameMax = frameMaxMin;

  type = 0;
  channel = 0;
  bytes: Buffer = nothing;
  payloadStart = 0;
  payloadEnd = 0;

  readonly #input = new InputBuffer();

  /** Bytes that came and were not taken yet. */
  get unread(): number {
    return this.#input.unread;
  }

  push(chunk: Buffer): void {
    this.#input.push(chunk);
  }

  /**
   * Reads the protocol header, before the first `next()`. On "mismatch" answer `protocolHeader` and close.
   * RabbitMQ also takes the headers of 0-8 and AMQP 1.0; we do not speak those.
   */
  readProtocolHeader(): ProtocolHeaderState {
    const input = this.#input;
    const size = protocolHeader.length;
    if (!input.has(size)) return "incomplete";
    const start = input.start;
    const isKnown = [protocolHeader, protocolHeaderOf09].some(
      (known) => known.compare(input.bytes, start, start + size) === 0,
    );
    if (!isKnown) return "mismatch";
    input.start += size;
    return "accepted";
  }

  /** Moves to the next whole frame; false when more bytes are needed. */
  next(): boolean {
    const input = this.#input;
    if (!input.has(frameHeadBytes)) return false;
    let bytes = input.bytes;
    let at = input.start;
    const type = bytes[at]!;
    const size =
      ((bytes[at + 3]! << 24) | (bytes[at + 4]! << 16) | (bytes[at + 5]! << 8) | bytes[at + 6]!) >>> 0;
    // Frame-max counts the whole frame, but RabbitMQ lets the payload alone be that long, for clients that
    // read the spec so. Checked before the payload is waited for: a hostile size must not make us buffer.
    if (size > this.frameMax) {
      throw new BrokerError("MALFORMED", `frame of ${size} bytes; frame-max is ${this.frameMax}`);
    }
    if (type !== frameType.method && type !== frameType.body && type !== frameType.header) {
      checkHeartbeat(type, size);
    }
    if (!input.has(size + frameOverheadBytes)) return false;
    bytes = input.bytes;
    at = input.start;
    const payloadStart = at + frameHeadBytes;
    const payloadEnd = payloadStart + size;
    if (bytes[payloadEnd] !== frameEnd) {
      throw new BrokerError("MALFORMED", `frame ends with ${bytes[payloadEnd]}, not ${frameEnd}`);
    }
    this.type = type;
    this.channel = (bytes[at + 1]! << 8) | bytes[at + 2]!;
    this.bytes = bytes;
    this.payloadStart = payloadStart;
    this.payloadEnd = payloadEnd;
    input.start = payloadEnd + 1;
    return true;
  }

  /** Lets go of the chunk: what is left of it is copied. Call it when `next()` said false, or to pause. */
  settle(): void {
    this.#input.settle();
    this.bytes = nothing; // else an idle connection would keep its last chunk alive
  }
}

/** A heartbeat has no payload (spec 4.2.7); there are no other types. */
function checkHeartbeat(type: number, size: number): void {
  if (type !== frameType.heartbeat) throw new BrokerError("MALFORMED", `frame type ${type} is unknown`);
  if (size !== 0) throw new BrokerError("MALFORMED", `heartbeat with a payload of ${size} bytes`);
}
