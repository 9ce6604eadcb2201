/**
 * What a command does in later turns it does as itself: at its own time, as its client, and, if it only reads, without removing what is due
 * while clients are paused.
 *
 * Not here: its keys (claims.ts), its reply. Invariant: whoever runs between two slices finds everything as it was before the first.
 */
import { type Job, slicesWithin } from "../../../../base/turn-work.ts";
import type { TrackedClient } from "../../tracking/tracked-client.ts";
import type { CommandContext } from "../context.ts";
import { effects, effectsOf } from "../command-spec.ts";

interface Before {
  readonly keepsDue: boolean;
  readonly tracked: TrackedClient | null;
}

/** The same job, for the command in `context`. Its time is that in which this is called. */
export function slicesOfCommand<Result>(context: CommandContext, job: Job<Result>): Job<Result> {
  const { keyspace, pause, tracking } = context.server;
  const client = context.clientOrNull;
  const onlyReads = (effectsOf(context) & effects.replicates) === 0;
  const set = (keepsDue: boolean): void => {
    if (keepsDue !== keyspace.keepsDue) keyspace.keepsDue = keepsDue;
  };
  const enter = (): Before => {
    const tracked = client === null ? null : client.tracked;
    if (tracked !== null) tracked.isAtWork = true;
    const before = { keepsDue: keyspace.keepsDue, tracked: tracking.enter(tracked) };
    set(onlyReads && pause.isActive);
    return before;
  };
  const leave = ({ keepsDue, tracked }: Before): void => {
    set(keepsDue);
    tracking.enter(tracked);
  };
  const { moment } = keyspace;
  return moment.within(slicesWithin(job, enter, leave), moment.now);
}
