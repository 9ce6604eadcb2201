/**
 * DEBUG SLEEP | SET-ACTIVE-EXPIRE | STRINGMATCH-LEN | CHANGE-REPL-ID | QUICKLIST-PACKED-THRESHOLD | PROTOCOL | ERROR | LOG | HELP: what
 * test suites ask for and what is true here. Allowed by `--redis-debug-command` (redis: `enable-debug-command`).
 *
 * SLEEP stops all Redis clients, as if the server slept, but no client of another protocol. Not here: subcommands that look into redis's own
 * memory, or that make it fail.
 */
import { compileGlob } from "../../../base/patterns/glob.ts";
import { limits } from "../../../base/limits.ts";
import type { CommandRow } from "../core/command-spec.ts";
import type { CommandContext } from "../core/context.ts";
import { RedisError } from "../core/errors.ts";
import { subcommandSyntaxError, writeHelp } from "../core/help.ts";
import { parseValue } from "../core/parameters/parameter-value.ts";

export const debugCommand: CommandRow = {
  name: "debug",
  arity: -2,
  flags: ["admin", "noscript", "loading", "stale"],
  since: "1.0.0",
  complexity: "Depends on the subcommand",
  summary: "Helps those who develop the server.",
  internal: true,
  run: debug,
};

interface Subcommand {
  /** Arguments, with the two names. */
  readonly argumentCount: number;
  readonly run: (context: CommandContext) => void;
}

const subcommands: Readonly<Record<string, Subcommand>> = {
  "change-repl-id": { argumentCount: 2, run: changeReplId },
  error: { argumentCount: 3, run: writeError },
  help: { argumentCount: 2, run: help },
  log: { argumentCount: 3, run: log },
  protocol: { argumentCount: 3, run: protocol },
  "quicklist-packed-threshold": { argumentCount: 3, run: packedThreshold },
  "set-active-expire": { argumentCount: 3, run: setActiveExpire },
  sleep: { argumentCount: 3, run: sleep },
  "stringmatch-len": { argumentCount: 4, run: stringMatchLength },
};

const sleepMsMax = 60_000;

function debug(context: CommandContext): void {
  const { request, server } = context;
  const allowed = server.settings.values.get("enable-debug-command");
  const isLocal = /^(127\.|::1$|::ffff:127\.)/.test(context.caller.host);
  if (allowed !== "yes" && !(allowed === "local" && isLocal))
    throw new RedisError(
      'ERR DEBUG command not allowed. If the enable-debug-command option is set to "local", you can run it from a local ' +
        "connection, otherwise you need to set this option in the configuration file, and then restart the server. " +
        "Here that is `troikamq start --redis-debug-command yes|local`.",
    );
  const subcommand = subcommands[request.utf8(1).toLowerCase()];
  if (subcommand === undefined || subcommand.argumentCount !== request.argumentCount)
    throw subcommandSyntaxError(context);
  subcommand.run(context);
}

function sleep({ broker, caller: { later }, request, reply, server }: CommandContext): void {
  const milliseconds = Math.min(Math.max(Number.parseFloat(request.utf8(2)) * 1000 || 0, 0), sleepMsMax);
  if (milliseconds === 0 || later === null) return reply.ok();
  const { clock, timers } = broker;
  server.pause.begin("all", milliseconds);
  later.keepRequest();
  // Sleeping is the command's work: it is timed.
  const waiting = later.beginLater({ isWork: true, abandon: () => timer.cancel() });
  const wakesAt = clock.monotonic() + milliseconds;
  // Timers may be early by a part of a millisecond.
  const wake = (): void => {
    const left = wakesAt - clock.monotonic();
    if (left > 0) timer = timers.after(left, wake);
    else waiting.answer(() => reply.ok());
  };
  let timer = timers.after(milliseconds, wake);
}

function setActiveExpire({ request, reply, server }: CommandContext): void {
  server.keyspace.isSweeping = (Number.parseInt(request.utf8(2), 10) || 0) !== 0;
  reply.ok();
}

/** How long it takes to match a pattern with so many letters. */
function stringMatchLength({ request, reply }: CommandContext): void {
  const length = Math.min(Math.max(Number.parseInt(request.utf8(2), 10) || 0, 0), limits.redisReplyBytesMax);
  const text = Buffer.alloc(length, "a");
  reply.integer(compileGlob(request.copy(3)).matches(text, 0, length) ? 1 : 0);
}

/** Nobody replicates, so nobody sees it. */
function changeReplId({ reply, server }: CommandContext): void {
  server.renew();
  reply.ok();
}

/** Of how lists are kept by redis: no reply depends on it. */
function packedThreshold({ request, reply }: CommandContext): void {
  const parsed = parseValue({ type: "memory", least: 2n, most: 2n ** 32n - 1n }, request.utf8(2));
  if ("problem" in parsed)
    throw new RedisError("ERR argument must be a memory value bigger than 1 and smaller than 4gb");
  reply.ok();
}

function writeError({ request, reply, server, spec }: CommandContext): void {
  const text = request.latin1(2).replaceAll(/[\r\n]/g, " ");
  server.countError(text);
  server.observer.failed[spec.id]!++;
  reply.error(text);
}

function log({ broker, request, reply }: CommandContext): void {
  broker.logger.warn("DEBUG LOG", { text: request.utf8(2) });
  reply.ok();
}

const protocolNames = "string|integer|double|bignum|null|array|set|map|attrib|push|verbatim|true|false";

/** One reply of each type. */
function protocol({ request, reply }: CommandContext): void {
  switch (request.utf8(2).toLowerCase()) {
    case "string":
      return reply.bulkText("Hello World");
    case "integer":
      return reply.integer(12_345);
    case "double":
      return reply.doubleText("3.141");
    case "bignum":
      return reply.bigNumberText("1234567999999999999999999999999999999");
    case "null":
      return reply.null();
    case "array":
      reply.array(3);
      for (let at = 0; at < 3; at++) reply.integer(at);
      return;
    case "set":
      reply.set(3);
      for (let at = 0; at < 3; at++) reply.integer(at);
      return;
    case "map":
      reply.map(3);
      for (let at = 0; at < 3; at++) {
        reply.integer(at);
        reply.boolean(at === 1);
      }
      return;
    case "attrib":
      if (reply.version === 3)
        reply.raw(Buffer.from("|1\r\n$14\r\nkey-popularity\r\n*2\r\n$7\r\nkey:123\r\n:90\r\n"));
      return reply.bulkText("Some real reply following the attribute");
    case "push":
      if (reply.version < 3) throw new RedisError("ERR RESP2 is not supported by this command");
      reply.push(2);
      reply.bulkText("server-cpu-usage");
      reply.integer(42);
      return reply.bulkText("Some real reply following the push reply");
    case "true":
      return reply.boolean(true);
    case "false":
      return reply.boolean(false);
    case "verbatim":
      return reply.verbatim("txt", "This is a verbatim\nstring");
    default:
      throw new RedisError(`ERR Wrong protocol type name. Please use one of the following: ${protocolNames}`);
  }
}

function help(context: CommandContext): void {
  writeHelp(context, [
    "CHANGE-REPL-ID",
    "    Change the replication IDs of the instance.",
    "ERROR <string>",
    "    Return a Redis protocol error with <string> as message.",
    "LOG <message>",
    "    Write <message> to the server log.",
    "PROTOCOL <type>",
    "    Reply with a test value of the specified type.",
    "QUICKLIST-PACKED-THRESHOLD <size>",
    "    Accepted: no reply depends on it.",
    "SET-ACTIVE-EXPIRE <0|1>",
    "    Setting it to 0 disables expiring keys in background when they are not",
    "    accessed (otherwise the Redis behavior). Setting it to 1 reenables back the",
    "    default.",
    "SLEEP <seconds>",
    "    Stop all Redis clients for <seconds>. Decimals allowed.",
    "STRINGMATCH-LEN <length> <pattern>",
    "    Match a string of <length> letters.",
  ]);
}
