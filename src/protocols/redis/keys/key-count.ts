/** What commands share that do one thing to each of many keys, and reply of how many it was true (DEL, EXISTS). */
import { type Job, Piece } from "../../../base/turn-work.ts";
import type { CommandContext } from "../core/context.ts";
import { answerInSlices, directItemsMax } from "../core/sliced-reply.ts";

/** The keys are the arguments from 1 on. `units` is what one costs; `isWhole` is for what changes them (core/sliced-reply.ts). */
export function replyCountOfKeys(
  context: CommandContext,
  { units, isWhole }: { readonly units: number; readonly isWhole: boolean },
  isCounted: (index: number) => boolean,
): void {
  const { argumentCount } = context.request;
  if (argumentCount > directItemsMax)
    return answerInSlices(context, () => countEach(context, units, isCounted), { isWhole });
  let count = 0;
  for (let index = 1; index < argumentCount; index++) if (isCounted(index)) count++;
  context.reply.integer(count);
}

function* countEach(
  context: CommandContext,
  units: number,
  isCounted: (index: number) => boolean,
): Job<void> {
  const piece = new Piece();
  let count = 0;
  for (let index = 1; index < context.request.argumentCount; index++) {
    if (isCounted(index)) count++;
    const due = piece.add(units);
    if (due > 0) yield due;
  }
  context.reply.integer(count);
}
