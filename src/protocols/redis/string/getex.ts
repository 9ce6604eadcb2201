/** GETEX key [EX seconds | PX milliseconds | EXAT time | PXAT time | PERSIST] */
import type { LogAct } from "../../../broker/access/rights.ts";
import type { CommandContext } from "../core/context.ts";
import type { RequestArguments } from "../wire/request-arguments.ts";
import { syntaxError } from "../core/errors.ts";
import { positiveExpiryArgument, type TimeUnit, unitOption } from "../keys/expiry-options.ts";
import { findString, replyString, writableKeysOf } from "../keys/key-access.ts";
import { oneKey, type CommandRow } from "../core/command-spec.ts";
import { keyEvents } from "../notifications/key-events.ts";

export const getexCommand: CommandRow = {
  name: "getex",
  arity: -2,
  flags: ["write", "fast"],
  keys: [oneKey(1, "RW", "access", "update")],
  since: "6.2.0",
  complexity: "O(1)",
  summary: "Reads a string and changes when it expires.",
  readsFirst: true,
  acts: actsOf,
  run: getex,
};

/** With an option it changes when the key expires. */
function actsOf({ argumentCount }: RequestArguments): readonly LogAct[] | null {
  return argumentCount > 2 ? ["read", "write", "expire"] : null;
}

function getex(context: CommandContext): void {
  const { request, reply } = context;
  let unit: TimeUnit | undefined;
  let persists = false;
  for (let index = 2; index < request.argumentCount; index++) {
    if (unit !== undefined || persists) throw syntaxError();
    unit = unitOption(request, index);
    if (unit !== undefined && index + 1 < request.argumentCount) index++;
    else if (request.is(index, "PERSIST")) persists = true;
    else throw syntaxError();
  }
  const database = writableKeysOf(context);
  const entry = findString(context, database, 1);
  if (entry === 0) return reply.null();
  const at = unit === undefined ? 0 : positiveExpiryArgument(context, 3, unit);
  replyString(context, database, entry);
  if (unit === undefined) {
    if (!persists || database.table.expiry(entry) === 0) return;
    database.setExpiry(entry, 0);
    context.notify(keyEvents.persist, 1);
  } else if (at <= context.now) {
    database.remove(entry);
    context.notify(keyEvents.del, 1);
  } else {
    database.setExpiry(entry, at);
    context.notify(keyEvents.expire, 1);
  }
}
