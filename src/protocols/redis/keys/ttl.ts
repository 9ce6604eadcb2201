/** TTL key      PTTL key      EXPIRETIME key      PEXPIRETIME key: -2 without a key, -1 without an expiry. */
import type { CommandContext } from "../core/context.ts";
import { replyTime } from "./expiry-options.ts";
import { keyAt } from "./key-ref.ts";
import { oneKey, type CommandRow } from "../core/command-spec.ts";

export const ttlCommands: readonly CommandRow[] = [
  {
    name: "expiretime",
    arity: 2,
    flags: ["readonly", "fast"],
    keys: [oneKey(1, "RO", "access")],
    since: "7.0.0",
    complexity: "O(1)",
    summary: "Tells when a key expires, in seconds.",
    use: "glance",
    run: expiretime,
  },
  {
    name: "pexpiretime",
    arity: 2,
    flags: ["readonly", "fast"],
    keys: [oneKey(1, "RO", "access")],
    since: "7.0.0",
    complexity: "O(1)",
    summary: "Tells when a key expires, in milliseconds.",
    use: "glance",
    run: pexpiretime,
  },
  {
    name: "pttl",
    arity: 2,
    flags: ["readonly", "fast"],
    keys: [oneKey(1, "RO", "access")],
    tips: ["nondeterministic_output"],
    since: "2.6.0",
    complexity: "O(1)",
    summary: "Tells how long a key has to live, in milliseconds.",
    use: "glance",
    run: pttl,
  },
  {
    name: "ttl",
    arity: 2,
    flags: ["readonly", "fast"],
    keys: [oneKey(1, "RO", "access")],
    tips: ["nondeterministic_output"],
    since: "1.0.0",
    complexity: "O(1)",
    summary: "Tells how long a key has to live, in seconds.",
    use: "glance",
    run: ttl,
  },
];

function ttl(context: CommandContext): void {
  replyKeyTime(context, { isSeconds: true, isAbsolute: false });
}

function pttl(context: CommandContext): void {
  replyKeyTime(context, { isSeconds: false, isAbsolute: false });
}

function expiretime(context: CommandContext): void {
  replyKeyTime(context, { isSeconds: true, isAbsolute: true });
}

function pexpiretime(context: CommandContext): void {
  replyKeyTime(context, { isSeconds: false, isAbsolute: true });
}

function replyKeyTime(
  context: CommandContext,
  { isSeconds, isAbsolute }: { isSeconds: boolean; isAbsolute: boolean },
): void {
  const { exists, expiry: at } = keyAt(context, 1);
  if (!exists) return context.reply.integer(-2);
  if (at === 0) return context.reply.integer(-1);
  replyTime(context, isAbsolute ? at : Math.max(at - context.now, 0), isSeconds);
}
