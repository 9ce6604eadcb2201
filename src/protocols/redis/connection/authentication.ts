/**
 * Logging in: AUTH, and AUTH within HELLO, as one of the broker's users. Who has not is the user `default`, as long as
 * that one needs no password.
 *
 * A password may take a while to be looked at: until then no further command of the connection runs, and it costs no
 * other connection anything.
 */
import type { Authorization } from "../../../broker/access/permissions.ts";
import type { CommandContext } from "../core/context.ts";
import { errorTexts, RedisError } from "../core/errors.ts";
import type { LaterReply } from "../core/later-reply.ts";

/**
 * Logs in, then runs `reply`, which answers the command. It may come after the handler has returned: the request is
 * then the same, but in bytes of its own. @throws WRONGPASS, and what `reply` throws, where it is known at once
 */
export function logIn(context: CommandContext, name: string, password: string, reply: () => void): void {
  const { client, broker } = context;
  const { later: replies } = context.caller;
  // EXEC has one reply: no part of it can come later.
  if (replies === null) throw new RedisError("ERR AUTH is not allowed inside a transaction");
  const finish = (authorization: Authorization | null): void => {
    if (authorization === null) {
      const object = context.request.latin1(0);
      context.caller.noteRefusal({ reason: "auth", context: "toplevel", object, username: name });
      throw new RedisError(errorTexts.wrongPassword);
    }
    client.loggedIn(authorization);
    reply();
  };
  let later: LaterReply | null = null;
  let answer: Authorization | null | undefined;
  const remoteHost = client.connection.remote.host;
  const credentials = { protocol: "redis", name, password, remoteHost, takesNoPassword: true } as const;
  broker.access.logIn(credentials, (authorization) => {
    answer = authorization;
    later?.answer(() => finish(authorization));
  });
  if (answer !== undefined) return finish(answer);
  replies.keepRequest();
  later = replies.beginLater({ abandon: () => {} });
}
