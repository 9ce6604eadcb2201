/** A field of INFO, for what a scenario looks up beside the load. Not here: replies in general (generators/redis/). */
import { connect } from "node:net";

const answerMsMax = 30_000;

/** @throws where the section has no such field, or no answer comes */
export function infoField(port: number, section: string, field: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, "127.0.0.1");
    const settle = (act: () => void) => {
      clearTimeout(timer);
      socket.destroy();
      act();
    };
    const fail = (why: string) => settle(() => reject(new Error(`INFO ${section}, ${field}: ${why}`)));
    const timer = setTimeout(() => fail(`no answer within ${answerMsMax} ms`), answerMsMax);
    let text = "";
    socket.setEncoding("utf8").on("data", (piece: string) => {
      text += piece;
      const found = new RegExp(`^${field}:(.*)\r$`, "m").exec(text)?.[1];
      if (found !== undefined) settle(() => resolve(found));
      // A bulk ends with an empty line after its last field.
      else if (text.endsWith("\r\n\r\n")) fail("no such field");
    });
    socket.on("error", (error) => fail(error.message));
    socket.on("close", () => fail("the connection was closed"));
    socket.write(`INFO ${section}\r\n`);
  });
}
