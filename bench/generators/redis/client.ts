/**
 * A client for what happens around a measured time: one command, one awaited reply. Far too slow to measure with.
 */
import { encodeCommand } from "./commands.ts";
import { type Chunk, Connection, type ConnectionOptions } from "./connection.ts";
import { ReplyCounter } from "./replies.ts";

export type Reply = string | number | null | readonly Reply[];

const replyMsMax = 30_000;

/** @throws when the reply is an error, or does not come */
export async function call(connection: Connection, ...args: readonly (string | number)[]): Promise<Reply> {
  const command = encodeCommand(...args);
  const text = await callRaw(connection, command, 1);
  return parse(text, 0).reply;
}

/** Sends commands that were encoded before, and resolves with all the bytes of their replies. */
export function callRaw(connection: Connection, commands: Chunk, replies: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const { received } = connection;
    const counter = new ReplyCounter();
    const pieces: Buffer[] = [];
    const settle = (error?: unknown) => {
      clearTimeout(timer);
      connection.received = received;
      if (error === undefined) resolve(Buffer.concat(pieces));
      else reject(error);
    };
    const timer = setTimeout(() => {
      const seen = `${counter.replies} of ${replies} replies within ${replyMsMax} ms`;
      settle(new Error(`${seen} to ${Buffer.from(commands.subarray(0, 80)).toString("latin1")}`));
    }, replyMsMax);
    connection.received = (chunk) => {
      pieces.push(Buffer.from(chunk));
      try {
        counter.feed(chunk);
      } catch (error) {
        settle(error);
      }
      if (counter.replies >= replies) settle();
    };
    connection.send(commands, 0, commands.length);
  });
}

/** Runs commands on a connection of their own. */
export async function callAll(
  options: ConnectionOptions,
  commands: readonly (readonly (string | number)[])[],
): Promise<Reply[]> {
  if (commands.length === 0) return [];
  const connection = await Connection.open(options);
  const replies: Reply[] = [];
  for (const command of commands) replies.push(await call(connection, ...command));
  connection.close();
  return replies;
}

function parse(bytes: Buffer, at: number): { reply: Reply; next: number } {
  const lineEnd = bytes.indexOf("\r\n", at);
  const line = bytes.toString("latin1", at + 1, lineEnd);
  let next = lineEnd + 2;
  switch (String.fromCharCode(bytes[at]!)) {
    case "+":
      return { reply: line, next };
    case ":":
      return { reply: Number(line), next };
    case "$": {
      const length = Number(line);
      if (length < 0) return { reply: null, next };
      return { reply: bytes.toString("latin1", next, next + length), next: next + length + 2 };
    }
    case "*": {
      if (Number(line) < 0) return { reply: null, next };
      const elements: Reply[] = [];
      for (let left = Number(line); left > 0; left--) {
        const element = parse(bytes, next);
        elements.push(element.reply);
        next = element.next;
      }
      return { reply: elements, next };
    }
    default:
      throw new Error(`not a reply: ${line}`);
  }
}
