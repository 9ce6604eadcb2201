/** HELLO [2 | 3 [AUTH user password] [SETNAME name]] */
import { logIn } from "./authentication.ts";
import { setClientName } from "./client-name.ts";
import type { CommandContext } from "../core/context.ts";
import type { RequestArguments } from "../wire/request-arguments.ts";
import { RedisError } from "../core/errors.ts";
import { redisVersion } from "../core/names.ts";
import type { CommandRow } from "../core/command-spec.ts";

export const helloCommand: CommandRow = {
  name: "hello",
  arity: -1,
  flags: ["noscript", "loading", "stale", "fast", "no_auth", "allow_busy"],
  since: "6.0.0",
  complexity: "O(1)",
  summary: "Chooses the protocol version; may log in and name the connection.",
  secrets: secretsOfHello,
  run: hello,
};

/** A user's name and password. */
function secretsOfHello(request: RequestArguments): number[] {
  const secrets: number[] = [];
  for (let at = 2; at < request.argumentCount; at++) {
    if (!request.is(at, "AUTH") || request.argumentCount - 1 - at < 2) continue;
    secrets.push(at + 1, at + 2);
    at += 2;
  }
  return secrets;
}

function hello(context: CommandContext): void {
  const { request } = context;
  let version = 0;
  if (request.argumentCount > 1) {
    version = request.integer(1);
    if (Number.isNaN(version)) throw new RedisError("ERR Protocol version is not an integer or out of range");
    if (version !== 2 && version !== 3) throw new RedisError("NOPROTO unsupported protocol version");
  }
  let user = -1;
  let name = -1;
  for (let at = 2; at < request.argumentCount; at++) {
    const more = request.argumentCount - 1 - at;
    if (more >= 2 && request.is(at, "AUTH")) {
      user = at + 1;
      at += 2;
    } else if (more >= 1 && request.is(at, "SETNAME")) name = ++at;
    else throw new RedisError(`ERR Syntax error in HELLO option '${request.utf8(at)}'`);
  }
  const greet = (): void => writeGreeting(context, version, name);
  if (user >= 0) logIn(context, request.utf8(user), request.utf8(user + 1), greet);
  else greet();
}

function writeGreeting(context: CommandContext, version: number, name: number): void {
  const { reply, client, server } = context;
  if (!client.isAuthenticated) {
    throw new RedisError(
      "NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO <proto> AUTH <user> " +
        "<pass> option can be used to authenticate the client and select the RESP protocol version at the same time",
    );
  }
  if (name >= 0) setClientName(context, name);
  if (version === 2 || version === 3) reply.version = version;
  reply.map(7);
  reply.bulkLatin1("server");
  reply.bulkLatin1("redis");
  reply.bulkLatin1("version");
  reply.bulkLatin1(redisVersion);
  reply.bulkLatin1("proto");
  reply.integer(reply.version);
  reply.bulkLatin1("id");
  reply.integer(client.id);
  reply.bulkLatin1("mode");
  reply.bulkLatin1(server.cluster === null ? "standalone" : "cluster");
  reply.bulkLatin1("role");
  reply.bulkLatin1("master");
  reply.bulkLatin1("modules");
  reply.array(0);
}
