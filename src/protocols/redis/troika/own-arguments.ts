/**
 * Options of the commands that are our own: what is wrong is said with the option and the form, since no client library knows them.
 *
 * Not here: what an option does. Invariant: an error of the form begins with Redis's `ERR syntax error`.
 */
import type { CommandContext } from "../core/context.ts";
import { RedisError } from "../core/errors.ts";

const shownBytesMax = 64;

const forms = {
  group:
    "TROIKA.GROUP key group [MAXDELIVER n [BACKOFF ms] [FACTOR f] [MAX ms] [JITTER part] [DEADLETTER key] | OFF]",
  nack: "TROIKA.NACK key group id [id ...] [DELAY ms] [REASON text]",
  add: "TROIKA.XADD key DELAY|DELIVERAT ms * field value [field value ...]",
  scheduled: "TROIKA.SCHEDULED key [FROM handle] [COUNT n]",
  subscribe: "TROIKA.SUBSCRIBE channel [channel ...] FROM id|unix-ms|$ [WITHID]",
  catchUp: "TROIKA.CATCHUP channel [channel ...] FROM id|unix-ms|$",
  history: "TROIKA.HISTORY channel [FROM id|unix-ms] [COUNT count]",
} as const;

type Form = keyof typeof forms;

function argumentAt({ request }: CommandContext, index: number): string {
  return request.utf8(index).slice(0, shownBytesMax);
}

/** For what stands there in place of an option, or at the end. */
export function noOption(context: CommandContext, index: number, form: Form): RedisError {
  const what =
    index < context.request.argumentCount
      ? `'${argumentAt(context, index)}' is none of its words here`
      : "a word is missing at the end";
  return new RedisError(`ERR syntax error: ${what}; write ${forms[form]}`);
}

/** An option whose value should stand behind it. */
export function assertValueBehind(context: CommandContext, index: number, form: Form): void {
  if (index + 1 < context.request.argumentCount) return;
  throw new RedisError(
    `ERR syntax error: '${argumentAt(context, index)}' is no option, or has no value; write ${forms[form]}`,
  );
}

/** The whole number behind an option. */
export function wholeArgument(context: CommandContext, index: number, least: number): number {
  const value = context.request.integer(index);
  if (!Number.isSafeInteger(value) || value < least)
    throw new RedisError(
      `ERR ${argumentAt(context, index - 1).toUpperCase()} is '${argumentAt(context, index)}', not an integer or out of range: give a whole number, ${least} at least`,
    );
  return value;
}
