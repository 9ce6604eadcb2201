/**
 * The frame of a reply to XREAD and XREADGROUP: streams, and for each a list of entries.
 *
 * Not here: which entries (read.ts). Invariant: a list's header says how many entries it has, also where fewer came than it said.
 */
import type { CommandContext } from "../core/context.ts";
import type { PartedReply } from "../core/parted-reply.ts";

/** In RESP3 a map from stream to entries, in RESP2 a list of pairs. */
export function writeStreamsHeader(context: CommandContext, streams: number): void {
  if (context.reply.version === 3) context.reply.map(streams);
  else context.reply.array(streams);
}

export function writeStreamHeader(context: CommandContext, key: string, entries: number): void {
  writeStreamKey(context, key);
  context.reply.array(entries);
}

function writeStreamKey({ reply }: CommandContext, key: string): void {
  if (reply.version === 2) reply.array(2);
  reply.bulkLatin1(key);
}

/** Begins the list of a stream's entries, of which the number is not known yet. */
export function openStream(context: CommandContext, parts: PartedReply, key: string): number {
  writeStreamKey(context, key);
  return parts.openList();
}

/** The list at `listAt` has `count` entries, up to `end`, and no more: its header has said otherwise. */
export function shorten(
  context: CommandContext,
  key: string,
  list: { readonly listAt: number; readonly entriesAt: number; readonly end: number; readonly count: number },
): void {
  const { out } = context.reply;
  const entries = Buffer.from(out.buffer.subarray(list.entriesAt, list.end));
  out.length = list.listAt;
  writeStreamHeader(context, key, list.count);
  out.bytes(entries);
}
