/**
 * From a request to its handler: finds the command, checks whether it may run now, and turns what it throws into an error reply.
 *
 * Not here: reading requests (../session.ts), what commands do. Invariant: each command gets exactly one reply, unless the client
 * has turned replies off, or has sent an HTTP request.
 */
import { limits } from "../../../base/limits.ts";
import type { ScriptSlots } from "../cluster/cluster-node.ts";
import { finishClaims, waitForKeys } from "./claims/call-claims.ts";
import type { ClientConnection } from "./client-connection.ts";
import type { CommandContext } from "./context.ts";
import { errorReplyText, errorTexts, outOfMemory, RedisError, wrongArity } from "./errors.ts";
import { isArityMet, type CommandTable } from "./command-table.ts";
import { type CommandSpec, effects, effectsOf } from "./command-spec.ts";
import type { RequestArguments } from "../wire/request-arguments.ts";

const shownBytesMax = 128;

/** Runs, queues or refuses the command in `context.request`, which came from a client. */
export function dispatch(context: CommandContext, client: ClientConnection): void {
  dispatchOnce(context, client, false);
}

/** `hasWaited`: its keys are free now, whoever waits behind it. */
function dispatchOnce(context: CommandContext, client: ClientConnection, hasWaited: boolean): void {
  const { tracking } = context.server;
  if (tracking.clientCount === 0) {
    dispatchUntracked(context, client, hasWaited);
    return;
  }
  const before = tracking.enter(client.tracked);
  dispatchUntracked(context, client, hasWaited);
  tracking.enter(before);
  // What goes on later is over when it is answered.
  if (!client.awaitsReply) tracking.ended(client, isAboutClient(context));
}

/** CLIENT CACHING holds for the command behind it. */
export function isAboutClient({ request }: CommandContext): boolean {
  return request.is(0, "CLIENT");
}

function dispatchUntracked(context: CommandContext, client: ClientConnection, hasWaited: boolean): void {
  const { request, server } = context;
  let spec: CommandSpec | null = null;
  try {
    spec = findCommand(server.commands, request);
    assertForm(spec, request);
    context.spec = spec;
    assertMayRun(context, client);
  } catch (error) {
    if (error instanceof CrossProtocol) refuseHttp(context, client);
    else refuse(context, client, spec, error);
    return;
  }
  // A connection in MONITOR counts as a replica.
  if (client.isMonitor && (effectsOf(context) & (effects.replicates | effects.reads)) !== 0) {
    client.transaction?.refused();
    server.observer.rejected[spec.id]!++;
    replyError(context, new RedisError("ERR Replica can't interact with the keyspace"));
    return;
  }
  const { isActive: isPaused } = server.pause;
  if (isPaused && isPostponed(context, client)) return;
  const transaction = client.transaction;
  if (transaction !== null && spec.inMulti === undefined) {
    transaction.queue(spec, request.clone(), effectsOf(context));
    context.reply.queued();
    return;
  }
  // What the client may do, and whether clients are paused, can change while it waits.
  if (!hasWaited && server.claims.isAny && isInLine(context, client)) return;
  if (isPaused) runPaused(context);
  else run(context);
}

/** A function of its own: what it captures is made for commands that wait only. */
function isInLine(context: CommandContext, client: ClientConnection): boolean {
  return waitForKeys(context, () => dispatchOnce(context, client, true));
}

function refuse(
  context: CommandContext,
  client: ClientConnection,
  spec: CommandSpec | null,
  error: unknown,
): void {
  if (spec !== null) context.server.observer.rejected[spec.id]!++;
  if (spec?.name === "exec") return refuseExec(context, client, error);
  client.transaction?.refused();
  replyError(context, error);
}

function assertMayRun(context: CommandContext, client: ClientConnection): void {
  const { spec, server } = context;
  client.assertAllowed(spec);
  if (server.keyspace.eviction.bytesMax > 0) assertMemory(context, spec, client);
  if (spec.denyOom) assertRoom(context);
  if (server.settings.lacksReplicas) assertNoReplicasNeeded(context);
  if (server.busyScript !== null) assertAllowedWhileBusy(context, spec);
}

/** `min-replicas-to-write`: what writes is refused, and so is EXEC of what writes. */
function assertNoReplicasNeeded(context: CommandContext): void {
  if ((effectsOf(context) & effects.writes) !== 0) throw new RedisError(errorTexts.noReplicas);
}

/** A transaction or a script is one command here. */
function run(context: CommandContext): void {
  const { blocking, keyspace } = context.server;
  const { moment } = keyspace;
  const before = moment.at;
  moment.at = 0;
  try {
    runHandler(context);
  } finally {
    moment.at = before;
  }
  if (blocking.hasReady) blocking.serve();
}

/** It does not write. Nothing expires meanwhile: what is due is left, and hidden. */
function runPaused(context: CommandContext): void {
  const { keyspace } = context.server;
  const { moment } = keyspace;
  const before = moment.at;
  moment.at = 0;
  keyspace.keepsDue = true;
  try {
    runHandler(context);
  } finally {
    keyspace.keepsDue = false;
    moment.at = before;
  }
}

/** EXEC itself is refused: the transaction is over. */
function refuseExec(context: CommandContext, client: ClientConnection, error: unknown): void {
  const text = errorReplyText(error);
  client.endTransaction();
  replyError(
    context,
    text === undefined
      ? error
      : new RedisError(`EXECABORT Transaction discarded because of: ${text.replace(/^ERR /, "")}`),
  );
}

/** Keeps the command for when the pause of clients is over, if it is to wait for that. */
function isPostponed(context: CommandContext, client: ClientConnection): boolean {
  const { caller, server } = context;
  if (server.pause.isOfWrites && (effectsOf(context) & effects.replicates) === 0) return false;
  return server.pause.holds(client, caller.later!, () => dispatch(context, client));
}

/** What a script may do beside its user's rights, and what it has done. */
export interface ScriptRights extends ScriptSlots {
  readonly readOnly: boolean;
  /** Of the script itself. */
  readonly outer: CommandContext;
  /** It may add data though memory is short. */
  readonly mayExceedMemory: boolean;
  /** A command that writes was run. */
  hasWritten: boolean;
}

/**
 * Runs the command in `context.request`, which a script calls: with no connection, and in the words that redis has for scripts. It
 * answers before this returns.
 */
export function call(context: CommandContext, script: ScriptRights | null = null): void {
  let spec: CommandSpec | undefined;
  try {
    spec = context.server.commands.findRequested(context.request);
    if (spec?.isImplemented !== true) throw unknownToScripts();
    context.spec = spec;
    if (!isArityMet(spec, context.request.argumentCount))
      throw new RedisError("ERR Wrong number of args calling Redis command from script");
    if (spec.run === undefined) throw unknownToScripts();
    if (spec.noScript) throw new RedisError(errorTexts.noScript);
    const refusal = context.caller.refusalOf(context);
    if (refusal !== null)
      throw new RedisError(`ERR The user executing the script ${scriptRefusals[refusal.what]}`);
    if (script?.readOnly === true && (effectsOf(context) & effects.replicates) !== 0)
      throw new RedisError("ERR Write commands are not allowed from read-only scripts.");
    if (spec.write && context.server.settings.lacksReplicas) throw new RedisError(errorTexts.noReplicas);
    if (spec.denyOom) {
      // What has changed something goes on to its end.
      if (script !== null && !script.mayExceedMemory && !script.hasWritten && isOutOfMemory(context))
        throw outOfMemory();
      assertRoom(context);
    }
    if (script !== null && spec.write) script.hasWritten = true;
    context.server.cluster?.assertSlotOfScript(spec, context.request, script);
  } catch (error) {
    if (spec?.isImplemented === true) context.server.observer.rejected[spec.id]!++;
    replyError(context, error);
    return;
  }
  finishClaims(context);
  const { tracking } = context.server;
  if (script === null || tracking.clientCount === 0) return runHandler(context);
  tracking.isInScript = true;
  runHandler(context);
  tracking.isInScript = false;
  if (context.spec.readsKeys) tracking.remember(script.outer);
}

function unknownToScripts(): RedisError {
  return new RedisError("ERR Unknown Redis command called from script");
}

const scriptRefusals = {
  command: "can't run this command or subcommand",
  key: "can't access at least one of the keys mentioned in the command arguments",
  channel: "can't publish to the channel mentioned in the command",
} as const;

/**
 * Makes room in memory before a command, while `maxmemory` is a bound. Throws OOM where there is none and the command needs some. EXEC and
 * scripts go by what `isOutOfMemory` was before them.
 */
function assertMemory({ server }: CommandContext, spec: CommandSpec, client: ClientConnection): void {
  const { eviction } = server.keyspace;
  const { transaction } = client;
  eviction.makeRoom();
  if (server.tracking.clientCount > 0) server.tracking.evicted(client);
  if (!eviction.isOutOfMemory) return;
  // What is queued takes memory too. EXEC looks at what was queued.
  if (spec.denyOom || (transaction !== null && spec.inMulti !== "leaves")) throw outOfMemory();
}

function isOutOfMemory({ server }: CommandContext): boolean {
  return server.keyspace.eviction.isOutOfMemory;
}

/** A script takes long: others may end it, or ask what it is. */
function assertAllowedWhileBusy({ server }: CommandContext, spec: CommandSpec): void {
  if (!spec.flags.includes("allow_busy"))
    throw new RedisError(errorTexts.busy[server.busyScript!.options.kind]);
}

/** Throws UNAVAILABLE for a command that adds data while the disk has no room for it. */
function assertRoom({ request, broker }: CommandContext): void {
  const { storage } = broker;
  storage.assertWritable();
  const { bytes } = request;
  if (bytes >= limits.diskFitBytes) storage.gate.assertFits(bytes);
}

/** Runs the handler of `context.spec`. What it throws becomes the reply, in place of what it had written. */
export function runHandler(context: CommandContext): void {
  const { server, spec } = context;
  const { observer } = server;
  server.commandsProcessed++;
  context.lookedUp = 0;
  if (context.broker.ticker.isStuck) lookedAround(context);
  if (observer.passes(spec)) {
    attempt(context, spec);
    observer.calls[spec.id]!++;
    return;
  }
  // Before it runs: its request may be gone afterwards.
  const shown = observer.monitorText(context);
  const startedAt = observer.now;
  const { later } = context.caller;
  const laterBegun = later?.begun;
  attempt(context, spec);
  // After it has run, as in redis: INFO does not count itself.
  observer.calls[spec.id]!++;
  if (later?.begun === laterBegun) observer.ended(context, spec, startedAt);
  if (shown !== undefined) observer.monitors.tell(context, shown);
}

function attempt(context: CommandContext, spec: CommandSpec): void {
  const output = context.reply.out;
  const before = output.length;
  try {
    spec.run!(context);
  } catch (error) {
    output.length = before;
    context.server.observer.failed[spec.id]!++;
    replyError(context, error);
  }
  const { tracking } = context.server;
  // Of a script the keys count that it was given: see `call`.
  if (tracking.clientCount > 0 && context.spec.readsKeys && context.clientOrNull !== null)
    tracking.remember(context);
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

/** Writes a reply that comes later. What `write` throws becomes the reply, in place of what it had written. */
export function runReply(context: CommandContext, write: () => void): void {
  const output = context.reply.out;
  const before = output.length;
  try {
    write();
  } catch (error) {
    output.length = before;
    context.server.observer.failed[context.spec.id]!++;
    replyError(context, error);
  }
}

/** Throws redis's error for what is no command. */
function findCommand(commands: CommandTable, request: RequestArguments): CommandSpec {
  const { buffer, starts, ends } = request;
  let spec = commands.find(buffer, starts[0]!, ends[0]!);
  if (spec === undefined) throw isOfHttp(request) ? new CrossProtocol() : unknownCommand(request);
  if (spec.subcommandSpecs.length > 0 && request.argumentCount > 1) {
    const subcommand = commands.findSubcommand(spec, buffer, starts[1]!, ends[1]!);
    if (subcommand === undefined) throw unknownSubcommand(request);
    spec = subcommand;
  }
  if (!(spec.container ?? spec).isImplemented) throw unknownCommand(request);
  return spec;
}

function assertForm(spec: CommandSpec, request: RequestArguments): void {
  if (!isArityMet(spec, request.argumentCount)) throw wrongArity(spec.fullName);
  if (spec.run === undefined) throw unknownSubcommand(request);
}

/** The connection ends without an answer, before the body of the HTTP request is taken for commands. */
function refuseHttp({ server }: CommandContext, { connection }: ClientConnection): void {
  const { host, port } = connection.remote;
  server.crossProtocolLog.add({ remote: `${host}:${port}` });
  connection.destroy();
}

class CrossProtocol extends Error {}

/** Whether a web page has made a browser send its request here. The request's body must not be run as commands. */
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
