/** CONFIG GET pattern [pattern ...]      CONFIG SET name value [name value ...]      CONFIG RESETSTAT | REWRITE */
import { compileGlob } from "../../../base/patterns/glob.ts";
import type { Job } from "../../../base/turn-work.ts";
import type { CommandContext } from "../core/context.ts";
import { RedisError, wrongArity } from "../core/errors.ts";
import { writeHelp } from "../core/help.ts";
import { answerInSlices, Piece } from "../core/sliced-reply.ts";

/** Compiled, and held against each setting. */
const unitsOfPattern = 4;

export function configGet(context: CommandContext): void {
  answerInSlices(context, () => writeSettings(context));
}

function* writeSettings({ request, reply, server }: CommandContext): Job<void> {
  const { values } = server.settings;
  const found = new Map<string, string>();
  const piece = new Piece();
  for (let at = 2; at < request.argumentCount; at++) {
    const glob = compileGlob(Buffer.from(request.latin1(at).toLowerCase(), "latin1"));
    for (const [name, value] of values) {
      if (glob.matches(Buffer.from(name), 0, name.length)) found.set(name, value);
    }
    const due = piece.add(unitsOfPattern);
    if (due > 0) yield due;
  }
  reply.map(found.size);
  for (const [name, value] of found) {
    reply.bulkLatin1(name);
    reply.bulkText(value);
  }
}

export function configSet({ request, reply, server }: CommandContext): void {
  if (request.argumentCount % 2 !== 0) throw wrongArity("config|set");
  const changes: [name: string, value: string][] = [];
  for (let at = 2; at < request.argumentCount; at += 2) {
    const name = request.utf8(at).toLowerCase();
    if (!server.settings.values.has(name)) {
      throw new RedisError(
        `ERR Unknown option or number of arguments for CONFIG SET - '${request.utf8(at)}'`,
      );
    }
    if (changes.some(([other]) => other === name))
      throw new RedisError(
        `ERR CONFIG SET failed (possibly related to argument '${name}') - duplicate parameter`,
      );
    changes.push([name, request.utf8(at + 1)]);
  }
  for (const [name, value] of changes) {
    const problem = server.settings.problemWith(name, value);
    if (problem !== null)
      throw new RedisError(`ERR CONFIG SET failed (possibly related to argument '${name}') - ${problem}`);
  }
  for (const [name, value] of changes) {
    server.settings.set(name, value);
    if (name === "requirepass") server.broker.access.requirePassword(value);
  }
  reply.ok();
}

export function configResetStat({ reply, server }: CommandContext): void {
  server.commandsProcessed = 0;
  server.connectionsAccepted = 0;
  server.errorCounts.clear();
  reply.ok();
}

export function configRewrite(): void {
  throw new RedisError("ERR The server is running without a config file");
}

export function configHelp(context: CommandContext): void {
  writeHelp(context, [
    "GET <pattern>",
    "    Return parameters matching the glob-like <pattern> and their values.",
    "SET <directive> <value>",
    "    Set the configuration <directive> to <value>.",
    "RESETSTAT",
    "    Reset statistics reported by the INFO command.",
    "REWRITE",
    "    Rewrite the configuration file.",
  ]);
}
