/**
 * A page of messages as JSON, for all that show some: what a request says of it, and the answer.
 *
 *     {"messages": [...], "next": ...}
 *
 * Not here: which messages there are (broker/look/, broker/schedule/listing.ts), what else each says. Invariant: a page is made in slices,
 * its JSON included.
 */
import { limits } from "../../base/limits.ts";
import { type Job, resultOf, type TurnWork } from "../../base/turn-work.ts";
import type { LookedContent } from "../../broker/look/content.ts";
import { jsonType } from "../answers.ts";
import { badRequest } from "../api/body.ts";
import type { Answer } from "../api/endpoint.ts";
import { shownPayload } from "../rabbitmq/shown/payload.ts";

const messagesUsual = 100;
const bytesPerUnit = 1024;
const unitsOfMessage = 4;

export const pageQuery = {
  limit: `messages of a page, 1 to ${limits.lookedMessagesMax}; ${messagesUsual} if it is not given`,
  truncate: `bytes of each payload; ${limits.lookedBytesMax} at most, which is what it is if it is not given`,
  encoding: "auto (text where the payload is UTF-8) or base64",
} as const;

export interface PageWanted {
  readonly messagesMax: number;
  readonly payloadBytesMax: number;
  readonly encoding: string;
}

/** @throws Refusal */
export function pageIn(asked: URLSearchParams): PageWanted {
  const messagesMax = numberIn(asked, "limit", messagesUsual, 1, limits.lookedMessagesMax);
  const truncate = numberIn(asked, "truncate", limits.lookedBytesMax, 0, Number.MAX_SAFE_INTEGER);
  const encoding = asked.get("encoding") || "auto";
  if (encoding !== "auto" && encoding !== "base64")
    throw badRequest(`encoding is '${encoding}': give auto or base64`);
  return { messagesMax, payloadBytesMax: Math.min(truncate, limits.lookedBytesMax), encoding };
}

/** @throws Refusal */
function numberIn(asked: URLSearchParams, name: string, usual: number, least: number, most: number): number {
  const text = asked.get(name) || null;
  if (text === null) return usual;
  const value = Number(text);
  if (!/^\d{1,15}$/.test(text) || value < least || value > most)
    throw badRequest(`${name} is '${text}': give a whole number from ${least} to ${most}`);
  return value;
}

/** What every message says; or why it cannot be shown. */
export function shownContent(
  content: LookedContent | { readonly unreadable: string },
  encoding: string,
): object {
  if ("unreadable" in content) return { unreadable: content.unreadable };
  const { exchange, routingKey, properties, payload, payloadBytes } = content;
  return {
    exchange,
    routing_key: routingKey,
    properties,
    payload_bytes: payloadBytes,
    ...shownPayload(payload, encoding),
  };
}

export function* pageText<Message>(
  messages: readonly Message[],
  next: string | number | null,
  shown: (message: Message) => object,
): Job<readonly string[]> {
  const pieces = ['{"messages":['];
  for (const message of messages) {
    const text = JSON.stringify(shown(message));
    pieces.push(pieces.length === 1 ? text : `,${text}`);
    yield unitsOfMessage + text.length / bytesPerUnit;
  }
  pieces.push(`],"next":${JSON.stringify(next)}}\n`);
  return pieces;
}

export async function pageAnswer(work: TurnWork, page: Job<readonly string[]>): Promise<Answer> {
  const pieces = await resultOf(work, page);
  return { status: 200, type: jsonType, chunks: () => each(pieces) };
}

async function* each(pieces: readonly string[]): AsyncIterable<string> {
  yield* pieces;
}
