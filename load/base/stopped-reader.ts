/** A client that sends and never reads on: what the broker answers stays in the kernel's buffers and in the broker. */
import { connect, type Socket } from "node:net";
import { until } from "./waiting.ts";

export class StoppedReader {
  readonly socket: Socket;
  isCutOff = false;

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.on("error", () => (this.isCutOff = true));
    socket.on("close", () => (this.isCutOff = true));
  }

  /** Reads as many bytes as the greeting's answer has at least, then no more. */
  static async open(port: number, greeting: string | Buffer, answerBytes: number): Promise<StoppedReader> {
    const socket = connect({ port, host: "127.0.0.1", noDelay: true });
    const reader = new StoppedReader(socket);
    let received = 0;
    socket.on("data", (bytes) => (received += bytes.length));
    socket.write(greeting);
    await until("the answer to a reader that will stop", () => received >= answerBytes);
    socket.pause();
    return reader;
  }

  /** Asks for something that it will not read. A broker that stops reading from it leaves this in our own buffers. */
  ask(bytes: string | Buffer): void {
    if (!this.socket.destroyed) this.socket.write(bytes);
  }

  /** Reads again, until so many bytes have come or nothing more does. @returns how many came */
  async readOn(bytesWanted: number): Promise<number> {
    let received = 0;
    this.socket.on("data", (bytes) => (received += bytes.length)).resume();
    await until("what was not read", () => received >= bytesWanted).catch(() => {});
    return received;
  }

  close(): void {
    this.socket.destroy();
  }
}
