/** Opens a connection to another server. */
import net from "node:net";
import type { Dial } from "../base/connection.ts";

/** Codes of errors of names, in both runtimes. */
const unknownHost = /ENOTFOUND|EAI_|DNS/;

export const dial: Dial = ({ host, port }, events) => {
  const socket = net.connect({ host, port, noDelay: true });
  let isOver = false;
  socket.on("connect", () => isOver || events.opened());
  socket.on("data", (bytes: Buffer) => isOver || events.received(bytes));
  socket.on("drain", () => isOver || events.drained());
  let isFound = true;
  // `close` follows.
  socket.on("error", ({ code }: NodeJS.ErrnoException) => {
    if (unknownHost.test(code ?? "")) isFound = false;
  });
  socket.on("close", () => {
    if (isOver) return;
    isOver = true;
    events.closed(isFound);
  });
  return {
    get unsentBytes() {
      return socket.writableLength;
    },
    write: (bytes) => void socket.write(bytes),
    destroy: () => {
      isOver = true;
      socket.destroy();
    },
  };
};
