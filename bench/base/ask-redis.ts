/**
 * One question to a Redis port that is answered by a line, on a connection of its own: what a scenario looks up, never
 * what it measures. Not here: replies of more than a line.
 */
import { connect } from "node:net";

const answerMsMax = 30_000;

/** The integer, or the text of a simple string. @throws for an error reply, or where none comes */
export function askRedis(port: number, ...command: readonly string[]): Promise<number | string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, "127.0.0.1");
    const settle = (act: () => void) => {
      clearTimeout(timer);
      socket.destroy();
      act();
    };
    const fail = (why: string) => settle(() => reject(new Error(`${command.join(" ")}: ${why}`)));
    const timer = setTimeout(() => fail(`no answer within ${answerMsMax} ms`), answerMsMax);
    let text = "";
    socket.setEncoding("utf8").on("data", (piece: string) => {
      text += piece;
      const end = text.indexOf("\r\n");
      if (end < 0) return;
      const line = text.slice(1, end);
      if (text.startsWith("-")) fail(line);
      else settle(() => resolve(text.startsWith(":") ? Number(line) : line));
    });
    socket.on("error", (error) => fail(error.message));
    socket.on("close", () => fail("the connection was closed"));
    const parts = command.map((part) => `$${Buffer.byteLength(part)}\r\n${part}\r\n`);
    socket.write(`*${command.length}\r\n${parts.join("")}`);
  });
}
