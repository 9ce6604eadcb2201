/** A list of names (keys, channels) as a reply, in slices. */
import { type Job, Piece } from "../../../base/turn-work.ts";
import type { CommandContext } from "./context.ts";

const unitsOfName = 0.2;

/** The names are Latin-1 strings of their bytes. */
export function* writeNames({ reply }: CommandContext, names: readonly string[]): Job<void> {
  const piece = new Piece();
  reply.array(names.length);
  for (const name of names) {
    reply.bulkLatin1(name);
    const due = piece.add(unitsOfName);
    if (due > 0) yield due;
  }
}
