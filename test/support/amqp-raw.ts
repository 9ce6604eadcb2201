/**
 * A client that says what no library would: frames made by hand over a plain socket. It shares no code with the
 * broker, so that both cannot be wrong in the same way.
 */
import net from "node:net";
import { until } from "./amqp.ts";
import { method, open, protocolHeader, shortText, startOk, tuneOk } from "./amqp-frames.ts";

export * from "./amqp-frames.ts";

export interface ReceivedFrame {
  readonly type: number;
  readonly channel: number;
  /** `class.method` of a method frame. */
  readonly method: string;
  readonly payload: Buffer;
}

export class RawClient {
  readonly socket: net.Socket;
  received: Buffer = Buffer.alloc(0);
  isClosed = false;

  constructor(url: string) {
    const { hostname, port } = new URL(url);
    this.socket = net.connect({ host: hostname, port: Number(port), noDelay: true });
    this.socket.on("data", (bytes: Buffer) => {
      this.received = Buffer.concat([this.received, bytes]);
    });
    this.socket.on("error", () => {});
    this.socket.on("close", () => {
      this.isClosed = true;
    });
  }

  /** Through the handshake, with channel 1 open. */
  static async ready(
    url: string,
    options: { heartbeat?: number; frameMax?: number } = {},
  ): Promise<RawClient> {
    const client = new RawClient(url);
    client.send(protocolHeader);
    await client.method("10.10");
    client.send(startOk("guest", "guest", ["authentication_failure_close", "consumer_cancel_notify"]));
    await client.method("10.30");
    client.send(tuneOk(100, options.frameMax ?? 131_072, options.heartbeat ?? 0));
    client.send(open("/"));
    await client.method("10.41");
    client.send(method(1, 20, 10, shortText("")));
    await client.method("20.11");
    return client;
  }

  send(...bytes: Buffer[]): void {
    this.socket.write(Buffer.concat(bytes));
  }

  frames(): ReceivedFrame[] {
    const frames: ReceivedFrame[] = [];
    let at = 0;
    while (at + 8 <= this.received.length) {
      const size = this.received.readUInt32BE(at + 3);
      if (at + size + 8 > this.received.length) break;
      const payload = this.received.subarray(at + 7, at + 7 + size);
      const type = this.received[at]!;
      const isMethod = type === 1 && payload.length >= 4;
      frames.push({
        type,
        channel: this.received.readUInt16BE(at + 1),
        method: isMethod ? `${payload.readUInt16BE(0)}.${payload.readUInt16BE(2)}` : "",
        payload,
      });
      at += size + 8;
    }
    return frames;
  }

  method(name: string): Promise<ReceivedFrame> {
    return until(() => this.frames().find((received) => received.method === name), `method ${name}`);
  }

  /** How the server closed the connection or a channel: scope, code, text. */
  async closing(): Promise<string> {
    const { channel, payload } = await until(
      () => this.frames().find((received) => received.method === "10.50" || received.method === "20.40"),
      "a close",
    );
    const text = payload.toString("utf8", 7, 7 + payload[6]!);
    return `${channel === 0 ? "connection" : "channel"} ${payload.readUInt16BE(4)} ${text}`;
  }

  destroy(): void {
    this.socket.destroy();
  }
}
