/**
 * From a request to its handler: which command it is, whether it may run now, and what becomes of what it throws.
 *
 * Not here: reading requests (session.ts), what commands do. Invariant: every command gets exactly one reply, unless the
 * client asked for none, or is a browser.
 */
import { limits } from "../../base/limits.ts";
import { commandLookup } from "./command-table.ts";
import type { CommandContext } from "./context.ts";
import { errorReplyText, RedisError, wrongArity } from "./errors.ts";
import { handlers, isImplemented } from "./handlers.ts";
import { isArityMet } from "./table-lookup.ts";
import type { CommandSpec } from "./table-spec.ts";
import type { RequestArguments } from "./wire/request-arguments.ts";

const shownBytesMax = 128;

/** Runs, queues or refuses the command in `context.request`. */
export function dispatch(context: CommandContext): void {
  const { request, session } = context;
  session.requestMark = session.connection.answerMark;
  let spec: CommandSpec;
  try {
    spec = findCommand(request);
    context.spec = spec;
    session.assertAllowed(spec);
    if (spec.denyOom) assertRoom(context);
  } catch (error) {
    if (error instanceof CrossProtocol) return session.crossedProtocols();
    session.transaction?.refused();
    replyError(context, error);
    return;
  }
  const transaction = session.transaction;
  if (transaction !== null && !transaction.runsAtOnce(spec)) {
    transaction.queue(spec, request.clone());
    context.reply.queued();
    return;
  }
  runHandler(context);
}

/** Throws UNAVAILABLE for a command that adds data while the disk has no room, or none for so much. */
function assertRoom({ request, broker }: CommandContext): void {
  const { storage } = broker;
  storage.assertWritable();
  const bytes = request.ends[request.argumentCount - 1]! - request.starts[0]!;
  if (bytes >= limits.diskFitBytes) storage.gate.assertFits(bytes);
}

/** Runs the handler of `context.spec`. What it throws becomes the reply, in place of what it had written. */
export function runHandler(context: CommandContext): void {
  const output = context.reply.out;
  const before = output.length;
  context.server.commandsProcessed++;
  if (context.broker.ticker.isStuck) lookedAround(context);
  try {
    handlers[context.spec.id]!(context);
  } catch (error) {
    output.length = before;
    replyError(context, error);
  }
}

/**
 * The journal takes nothing: of what is not written nothing may be told. Commands that name their keys are asked where they
 * find them (`findEntry`, `findStream`); any other may look at everything, unless it is about the connection alone.
 */
function lookedAround({ spec, broker, server }: CommandContext): void {
  if (spec.keys.length > 0 || spec.group === "connection" || spec.group === "pubsub") return;
  broker.lookedAtDefinitions();
  server.keyspace.lookedAtAll();
}

/** What a handler left for later. What it throws becomes the reply, in place of what it had written. */
export function runReply(context: CommandContext, write: () => void): void {
  const output = context.reply.out;
  const before = output.length;
  try {
    write();
  } catch (error) {
    output.length = before;
    replyError(context, error);
  }
}

/** Throws redis's error for what is no command, or has the wrong number of arguments. */
function findCommand(request: RequestArguments): CommandSpec {
  const { buffer, starts, ends } = request;
  let spec = commandLookup.find(buffer, starts[0]!, ends[0]!);
  if (spec === undefined) throw isOfHttp(request) ? new CrossProtocol() : unknownCommand(request);
  if (spec.subcommandSpecs.length > 0 && request.argumentCount > 1) {
    const subcommand = commandLookup.findSubcommand(spec, buffer, starts[1]!, ends[1]!);
    if (subcommand === undefined) throw unknownSubcommand(request);
    spec = subcommand;
  }
  if (!isImplemented(spec.container ?? spec)) throw unknownCommand(request);
  if (!isArityMet(spec, request.argumentCount)) throw wrongArity(spec.fullName);
  if (handlers[spec.id] === undefined) throw unknownSubcommand(request);
  return spec;
}

class CrossProtocol extends Error {}

/** A browser that a web page made send its request here: what its body says must not be run. */
function isOfHttp(request: RequestArguments): boolean {
  return request.is(0, "POST") || request.is(0, "HOST:");
}

function unknownCommand(request: RequestArguments): RedisError {
  const name = request.utf8(0).slice(0, shownBytesMax);
  let shown = "";
  for (let i = 1; i < request.argumentCount && shown.length < shownBytesMax; i++) {
    shown += `'${request.utf8(i).slice(0, shownBytesMax - shown.length)}' `;
  }
  return new RedisError(`ERR unknown command '${name}', with args beginning with: ${shown}`);
}

function unknownSubcommand(request: RequestArguments): RedisError {
  const name = request.utf8(1).slice(0, shownBytesMax);
  return new RedisError(`ERR unknown subcommand '${name}'. Try ${request.utf8(0).toUpperCase()} HELP.`);
}

/** Turns what a handler threw into an error reply, and counts it. */
export function replyError(context: CommandContext, error: unknown): void {
  const text = errorReplyText(error) ?? "ERR internal error; see the server's log";
  if (errorReplyText(error) === undefined) {
    const message = error instanceof Error ? (error.stack ?? error.message) : String(error);
    context.broker.logger.error("a Redis command failed", { command: context.spec.fullName, error: message });
  }
  context.server.countError(text);
  context.reply.error(text);
}
