/**
 * Redis's parsers. A request stream means the same whole and in pieces, and a parser holds no more than a small multiple
 * of what came.
 */
import { readFileSync } from "node:fs";
import { Seeded } from "../../sim/seeded.ts";
import { crc32 } from "../../src/base/checksum/crc32.ts";
import { ReplyParser } from "../../src/protocols/redis/wire/reply-parser.ts";
import { RequestParser } from "../../src/protocols/redis/wire/request-parser.ts";
import { respFormat } from "../formats/resp.ts";
import { redisConversations } from "../conversations/redis.ts";
import { codecAllocation, promise, refusable, seedsOf, type Target } from "../target.ts";

interface Vector {
  readonly bytes: string;
}

function vectors(file: string): Buffer[] {
  const url = new URL(`../../test/vectors/redis/${file}`, import.meta.url);
  return (JSON.parse(readFileSync(url, "utf8")) as Vector[]).map(({ bytes }) => Buffer.from(bytes, "latin1"));
}

/** Sizes and sums of all arguments, and the error: enough to tell two readings apart. */
function reading(pieces: readonly Buffer[], inputSize: number): string {
  const parser = new RequestParser();
  let seen = "";
  for (const piece of pieces) {
    parser.feed(piece);
    while (parser.next()) {
      const { argumentCount, buffer, starts, ends } = parser.request;
      seen += `/${argumentCount}`;
      for (let i = 0; i < argumentCount; i++) {
        const start = starts[i]!;
        const end = ends[i]!;
        promise(start >= 0 && start <= end && end <= buffer.length, "an argument lies outside its buffer");
        seen += `,${end - start}:${crc32(buffer, start, end)}`;
      }
    }
    piece.fill(0xdb);
    promise(parser.heldBytes <= 4 * inputSize + 1024, `${parser.heldBytes} bytes held for ${inputSize}`);
  }
  return `${seen} ${parser.error} ${parser.error === "" ? parser.pendingBytes : 0}`;
}

export function piecesOf(input: Buffer, random: Seeded): Buffer[] {
  const pieces: Buffer[] = [];
  for (let at = 0; at < input.length;) {
    const size = random.chance(0.5) ? 1 + random.below(8) : 1 + random.below(input.length);
    pieces.push(Buffer.from(input.subarray(at, at + size)));
    at += size;
  }
  return pieces;
}

export const redisRequests: Target = {
  name: "redis-requests",
  weight: 10,
  format: respFormat,
  seeds: () =>
    seedsOf(respFormat, [
      ...vectors("requests.json"),
      ...vectors("request-errors.json"),
      ...redisConversations(),
    ]),
  bytesAllocatedMax: codecAllocation,
  open: () => ({
    run(input) {
      const whole = reading([Buffer.from(input)], input.length);
      const cut = reading(piecesOf(input, new Seeded(crc32(input, 0, input.length))), input.length);
      promise(whole === cut, `whole it reads ${whole.slice(0, 200)}, in pieces ${cut.slice(0, 200)}`);
    },
  }),
};

export const redisReplies: Target = {
  name: "redis-replies",
  weight: 8,
  format: respFormat,
  seeds: () => seedsOf(respFormat, vectors("replies.json")),
  bytesAllocatedMax: codecAllocation,
  open: () => ({
    run(input) {
      const parser = new ReplyParser();
      refusable(() => {
        parser.feed(input);
        parser.all();
      });
      promise(parser.pendingBytes <= input.length, "more is pending than came");
    },
  }),
};
