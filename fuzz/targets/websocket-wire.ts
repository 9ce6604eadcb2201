/** WebSocket frames: they mean the same whole and in pieces, and what breaks the rules is refused by its code, and by nothing else. */
import { Seeded } from "../../sim/seeded.ts";
import { crc32 } from "../../src/base/checksum/crc32.ts";
import { FrameReader, WebSocketFault } from "../../src/net/websocket/frames.ts";
import { plainFormat } from "../mutate.ts";
import { codecAllocation, promise, seedsOf, type Target } from "../target.ts";
import { piecesOf } from "./redis-wire.ts";

const frameBytesMax = 1 << 16;

/** All payload, what was told, and how it ended. */
function reading(pieces: readonly Buffer[]): string {
  const payload: Buffer[] = [];
  let told = "";
  const reader = new FrameReader(
    {
      onPayload: (bytes) => payload.push(Buffer.from(bytes)),
      onPing(bytes) {
        promise(bytes.length <= 125, `a ping of ${bytes.length} bytes`);
        told += ` ping ${bytes.toString("hex")}`;
      },
      onClose: (code) => (told += ` close ${code}`),
    },
    { takesText: true, frameBytesMax },
  );
  try {
    for (const piece of pieces) {
      reader.push(piece);
      piece.fill(0xdb);
    }
  } catch (error) {
    if (!(error instanceof WebSocketFault)) throw error;
    // Of a message that is no text, more or less was handed on before that was seen.
    if (error.code === 1007) return `${told} fault 1007`;
    told += ` fault ${error.code}`;
  }
  const all = Buffer.concat(payload);
  return `${all.length}:${crc32(all, 0, all.length)}${told}`;
}

/** As a client masks it. */
function frame(first: number, payload: Buffer, key = 0x37fa213d): Buffer {
  const head = Buffer.alloc(8);
  const isShort = payload.length < 126;
  const end = head.writeUInt8(0x80 | (isShort ? payload.length : 126), head.writeUInt8(first, 0));
  const keyAt = isShort ? end : head.writeUInt16BE(payload.length, end);
  head.writeUInt32BE(key, keyAt);
  const mask = head.subarray(keyAt, keyAt + 4);
  return Buffer.concat([head.subarray(0, keyAt + 4), payload.map((byte, i) => byte ^ mask[i & 3]!)]);
}

const text = Buffer.from("gr\u00fc\u00dfe \u20ac \u{1f600}");
const conversation = [
  frame(0x81, text),
  frame(0x01, text.subarray(0, 3)),
  frame(0x89, Buffer.from("ping")),
  frame(0x80, text.subarray(3)),
  frame(0x82, Buffer.alloc(300, "b")),
  frame(0x8a, Buffer.alloc(0)),
  frame(0x88, Buffer.from([0x03, 0xe8, 0x62, 0x79, 0x65])),
];

export const webSocketFrames: Target = {
  name: "websocket-frames",
  weight: 5,
  format: plainFormat,
  seeds: () => seedsOf(plainFormat, [...conversation, Buffer.concat(conversation)]),
  bytesAllocatedMax: codecAllocation,
  open: () => ({
    run(input) {
      const whole = reading([Buffer.from(input)]);
      const cut = reading(piecesOf(input, new Seeded(crc32(input, 0, input.length))));
      promise(whole === cut, `whole it reads ${whole.slice(0, 200)}, in pieces ${cut.slice(0, 200)}`);
    },
  }),
};
