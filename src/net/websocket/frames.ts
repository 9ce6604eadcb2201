/**
 * Frames of WebSocket (RFC 6455 5.2), as a server reads and writes them. Bytes only.
 *
 *     FIN(1) RSV(3) opcode(4)  MASK(1) length(7)  [length(16) | length(64)]  [key(4)]  payload
 *
 * The payload of messages is handed on as it comes, unmasked in place: the protocols behind are streams of bytes, to which
 * the borders of frames and messages mean nothing, so no message is gathered here.
 * Not here: when to answer, and sockets (transport.ts).
 * Invariants: nothing that a fault or a close frame follows is handed on; what is kept between calls is a frame's header
 * or the payload of one control frame, 125 bytes at most.
 */
import { isUtf8 } from "node:buffer";
import { Utf8Check } from "./utf8.ts";

/** RFC 6455 7.4.1. */
export const closeCode = {
  normal: 1000,
  goingAway: 1001,
  protocolError: 1002,
  unsupportedData: 1003,
  /** Never on the wire: the peer gave none. */
  none: 1005,
  invalidPayload: 1007,
  tooBig: 1009,
} as const;

const opcode = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;

const headerBytesMax = 14;
const controlBytesMax = 125;

/** The peer broke the protocol: it is told the code and the reason, and the connection ends. */
export class WebSocketFault extends Error {
  readonly code: number;

  constructor(code: number, reason: string) {
    super(reason);
    this.code = code;
  }
}

/** What the reader tells of what it reads. */
export interface FrameSink {
  /** A piece of a message; valid during the call only. */
  onPayload(bytes: Buffer): void;
  /** The payload is to be sent back. */
  onPing(payload: Buffer): void;
  /** The peer says no more. */
  onClose(code: number): void;
}

export interface FrameReaderOptions {
  readonly takesText: boolean;
  readonly frameBytesMax: number;
}

export class FrameReader {
  readonly #sink: FrameSink;
  readonly #takesText: boolean;
  readonly #frameBytesMax: number;
  readonly #header = Buffer.alloc(headerBytesMax);
  #headerLength = 0;
  readonly #control = Buffer.alloc(controlBytesMax);
  #controlLength = 0;
  readonly #utf8 = new Utf8Check();
  #opcode = 0;
  #isFinal = false;
  /** Of the message whose frames come: text or binary; 0: none is open. */
  #message = 0;
  /** Payload of the frame that has still to come; -1: its header is not whole. */
  #left = -1;
  /** Place of its next byte, for the mask. */
  #at = 0;
  #isClosed = false;

  constructor(sink: FrameSink, { takesText, frameBytesMax }: FrameReaderOptions) {
    this.#sink = sink;
    this.#takesText = takesText;
    this.#frameBytesMax = frameBytesMax;
  }

  /** Takes what came, and changes it. @throws WebSocketFault */
  push(bytes: Buffer): void {
    let at = 0;
    while (at < bytes.length && !this.#isClosed) {
      if (this.#left < 0) {
        at = this.#takeHeader(bytes, at);
        if (this.#left !== 0) continue;
      }
      const end = Math.min(bytes.length, at + this.#left);
      this.#takePayload(bytes, at, end);
      at = end;
    }
  }

  /** Returns where the payload begins, or the end. */
  #takeHeader(bytes: Buffer, start: number): number {
    const header = this.#header;
    let at = start;
    while (at < bytes.length) {
      header[this.#headerLength++] = bytes[at++]!;
      if (this.#headerLength < 2) continue;
      if (this.#headerLength === 2) this.#checkHeader();
      const short = header[1]! & 0x7f;
      const size = short === 127 ? headerBytesMax : short === 126 ? 8 : 6;
      if (this.#headerLength < size) continue;
      this.#left = short === 127 ? this.#length64() : short === 126 ? header.readUInt16BE(2) : short;
      if (this.#left > this.#frameBytesMax) {
        throw new WebSocketFault(closeCode.tooBig, `a frame has at most ${this.#frameBytesMax} bytes`);
      }
      header.copyWithin(0, size - 4, size);
      this.#headerLength = 0;
      this.#at = 0;
      break;
    }
    return at;
  }

  #length64(): number {
    return this.#header.readUInt32BE(2) * 0x1_0000_0000 + this.#header.readUInt32BE(6);
  }

  #checkHeader(): void {
    const [first, second] = [this.#header[0]!, this.#header[1]!];
    const fault = (reason: string) => new WebSocketFault(closeCode.protocolError, reason);
    this.#opcode = first & 0x0f;
    this.#isFinal = (first & 0x80) !== 0;
    if ((first & 0x70) !== 0) throw fault("reserved bits are set, and no extension was agreed");
    if ((second & 0x80) === 0) throw fault("a client masks its frames");
    if (this.#opcode >= opcode.close) {
      if (this.#opcode > opcode.pong) throw fault("unknown opcode");
      if (!this.#isFinal) throw fault("a control frame is not fragmented");
      if ((second & 0x7f) > controlBytesMax) throw fault("a control frame has at most 125 bytes");
    } else if (this.#opcode === opcode.continuation) {
      if (this.#message === 0) throw fault("nothing is to be continued");
    } else {
      if (this.#opcode > opcode.binary) throw fault("unknown opcode");
      if (this.#message !== 0) throw fault("the message before has not ended");
      if (this.#opcode === opcode.text && !this.#takesText) {
        throw new WebSocketFault(closeCode.unsupportedData, "send binary messages");
      }
      this.#message = this.#opcode;
    }
  }

  #takePayload(bytes: Buffer, start: number, end: number): void {
    const key = this.#header;
    let maskAt = this.#at;
    for (let i = start; i < end; i++) bytes[i] = bytes[i]! ^ key[maskAt++ & 3]!;
    this.#at = maskAt & 3;
    this.#left -= end - start;
    const isWhole = this.#left === 0;
    if (this.#opcode >= opcode.close) {
      this.#controlLength += bytes.copy(this.#control, this.#controlLength, start, end);
      if (isWhole) this.#controlled(this.#control.subarray(0, this.#controlLength));
    } else this.#messagePart(bytes, start, end, isWhole && this.#isFinal);
    if (!isWhole) return;
    this.#left = -1;
    this.#controlLength = 0;
  }

  #messagePart(bytes: Buffer, start: number, end: number, isEnd: boolean): void {
    const part = bytes.subarray(start, end);
    if (this.#message === opcode.text) {
      if (!this.#utf8.push(part) || (isEnd && !this.#utf8.end())) {
        throw new WebSocketFault(closeCode.invalidPayload, "a text message is not UTF-8");
      }
    }
    if (isEnd) this.#message = 0;
    if (part.length > 0) this.#sink.onPayload(part);
  }

  #controlled(payload: Buffer): void {
    if (this.#opcode === opcode.ping) this.#sink.onPing(payload);
    if (this.#opcode !== opcode.close) return;
    if (payload.length === 1) throw new WebSocketFault(closeCode.protocolError, "half a close code");
    const code = payload.length === 0 ? closeCode.none : payload.readUInt16BE(0);
    if (payload.length > 0 && !isSendable(code)) {
      throw new WebSocketFault(closeCode.protocolError, "no close code that may be sent");
    }
    if (!isUtf8(payload.subarray(2))) {
      throw new WebSocketFault(closeCode.invalidPayload, "the reason is not UTF-8");
    }
    this.#isClosed = true;
    this.#sink.onClose(code);
  }
}

/** RFC 6455 7.4.2: codes that an endpoint may send. */
function isSendable(code: number): boolean {
  if (code >= 3000) return code <= 4999;
  return code >= 1000 && code <= 1014 && code !== 1004 && code !== 1005 && code !== 1006;
}

export interface MessageHead {
  readonly kind: "text" | "binary" | "continuation";
  readonly isFinal: boolean;
  readonly size: number;
}

/** Writes the header of a frame of a message and returns where its payload is to begin. */
export function writeHeader(target: Buffer, at: number, { kind, isFinal, size }: MessageHead): number {
  target[at] = (isFinal ? 0x80 : 0) | opcode[kind];
  if (size <= controlBytesMax) {
    target[at + 1] = size;
    return at + 2;
  }
  if (size <= 0xffff) {
    target[at + 1] = 126;
    return target.writeUInt16BE(size, at + 2);
  }
  target[at + 1] = 127;
  target.writeUInt32BE(Math.floor(size / 0x1_0000_0000), at + 2);
  return target.writeUInt32BE(size >>> 0, at + 6);
}

/** The longest header that a server writes. */
export const serverHeaderBytesMax = 10;

export function pongFrame(payload: Uint8Array): Buffer {
  return controlFrame(opcode.pong, payload);
}

export const pingFrame: Buffer = controlFrame(opcode.ping, Buffer.alloc(0));

/** A code that has to stay unsaid is answered by none. */
export function closeFrame(code: number, reason = ""): Buffer {
  if (code === closeCode.none) return controlFrame(opcode.close, Buffer.alloc(0));
  const payload = Buffer.alloc(2 + Buffer.byteLength(reason));
  payload.writeUInt16BE(code, 0);
  payload.write(reason, 2);
  return controlFrame(opcode.close, payload);
}

function controlFrame(code: number, payload: Uint8Array): Buffer {
  return Buffer.concat([Buffer.from([0x80 | code, payload.length]), payload]);
}
