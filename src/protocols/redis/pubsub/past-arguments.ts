/**
 * From where a subscriber wants the past of channels: `FROM id`, `FROM unix-ms` or `FROM $`, behind the channels.
 *
 * An id is the last one that the client has seen: what follows it is told. A time is that of the first message that is wanted.
 * Not here: the commands (../troika/). Invariant: what stands before `FROM` are channels.
 */
import type { ChannelHistory } from "../../../broker/live/history/channel-history.ts";
import { EntryId } from "../../../message/entry-id.ts";
import { errorTexts, RedisError } from "../core/errors.ts";
import { strictIdArgument } from "../stream/id.ts";
import type { RequestArguments } from "../wire/request-arguments.ts";

const id = new EntryId();

/** Where the channels end: the last `FROM` but for a channel's name in the last place. */
export function channelsEnd(request: RequestArguments): number {
  const { argumentCount } = request;
  for (let at = argumentCount - 2; at >= Math.max(argumentCount - 3, 2); at--)
    if (request.is(at, "FROM")) return at;
  return argumentCount;
}

/** Throws a syntax error where there is no `FROM` behind the channels. */
export function assertFrom(request: RequestArguments): number {
  const at = channelsEnd(request);
  if (at === request.argumentCount) throw new RedisError(errorTexts.syntax);
  return at;
}

/** The offset in the history that the argument names. */
export function offsetArgument(request: RequestArguments, index: number, history: ChannelHistory): number {
  const end = history.seal();
  const text = request.latin1(index);
  if (text === "$") return end;
  strictIdArgument(request, index, id);
  // An id is one that was seen, a time is not.
  if (text.includes("-") && !id.increment()) return end;
  return Math.min(history.log.offsetOfEntryId(id), end);
}
