/**
 * How connections begin, and how they are refused: a list of first words of clients, each sent to both servers.
 *
 * What is compared is what the server sends until it is done, its own name and version apart. RabbitMQ ends many of those
 * that break a rule before they are open without a word; TroikaMQ says why.
 */
import net from "node:net";
import { ByteReader, ByteWriter } from "../../src/base/bytes.ts";
import { fromPlain, type PlainTable } from "../../src/message/amqp/table-plain.ts";
import { frameOverheadBytes } from "../../src/protocols/amqp/wire/constants.ts";
import { decodeMethod, writeMethodFrame } from "../../src/protocols/amqp/wire/method-codec.ts";
import type { MethodArguments, MethodName } from "../../src/protocols/amqp/wire/methods.ts";

interface Handshake {
  readonly header?: string;
  readonly mechanism?: string;
  readonly response?: string;
  readonly capabilities?: PlainTable;
  /** Client properties fill start-ok's payload to this size. */
  readonly startBytes?: number;
  /** Over what the server offered. */
  readonly tune?: Partial<MethodArguments["connection.tune-ok"]>;
  readonly vhost?: string;
  /** In place of start-ok, tune-ok or open. */
  readonly instead?: Readonly<Partial<Record<"start" | "tune" | "open", Buffer>>>;
  /** Once it is open. */
  readonly afterwards?: Buffer;
}

function method<Name extends MethodName>(channel: number, name: Name, values: MethodArguments[Name]): Buffer {
  const writer = new ByteWriter(64);
  writeMethodFrame(writer, channel, name, values);
  return writer.copy();
}

const openFrame = method(0, "connection.open", { virtualHost: "/", capabilities: "", insist: false });
const tells = { authentication_failure_close: true };
const channelOpen = method(1, "channel.open", { outOfBand: "" });

export const handshakes: Readonly<Record<string, Handshake>> = {
  plain: {},
  "AMQP 0-9": { header: "AMQP\x01\x01\x00\x09" },
  "AMQP 1.0": { header: "AMQP\x00\x01\x00\x00" },
  HTTP: { header: "GET / HTTP/1.1\r\n\r\n" },
  "a wrong password": { response: "\0guest\0wrong", capabilities: tells },
  "a wrong password, in the old way": { response: "\0guest\0wrong" },
  "nobody's name": { response: "\0nobody\0x", capabilities: tells },
  "a mechanism that is not there": { mechanism: "NONE", capabilities: tells },
  "no vhost of that name": { vhost: "none" },
  "no vhost of that long name": { vhost: "ü".repeat(127) },
  "the empty vhost": { vhost: "" },
  "frame-max 0": { tune: { frameMax: 0 } },
  "frame-max 1": { tune: { frameMax: 1 } },
  "frame-max 4095": { tune: { frameMax: 4095 } },
  "frame-max 4096": { tune: { frameMax: 4096 } },
  "a larger frame-max": { tune: { frameMax: 131_073 } },
  "the largest frame-max": { tune: { frameMax: 0xffff_ffff } },
  "channel-max 0": { tune: { channelMax: 0 } },
  "channel-max 1": { tune: { channelMax: 1 } },
  "a larger channel-max": { tune: { channelMax: 2048 } },
  "no heartbeats": { tune: { heartbeat: 0 } },
  "rare heartbeats": { tune: { heartbeat: 0xffff } },
  "the largest start-ok": { startBytes: 4096 },
  "a larger start-ok": { startBytes: 4097 },
  "open instead of start-ok": { instead: { start: openFrame } },
  "open instead of tune-ok": { instead: { tune: openFrame } },
  "a channel instead of tune-ok": { instead: { tune: channelOpen } },
  "a channel instead of open": { instead: { open: channelOpen } },
  "a second open": { afterwards: openFrame },
  "a channel beyond channel-max": {
    tune: { channelMax: 1 },
    afterwards: Buffer.concat([channelOpen, method(2, "channel.open", { outOfBand: "" })]),
  },
  "a new secret": {
    afterwards: method(0, "connection.update-secret", { newSecret: Buffer.from("x"), reason: "" }),
  },
};

/** The same words, or a reason where RabbitMQ gives none. */
export function isSameShake(ours: string, theirs: string): boolean {
  return ours === theirs || ours.replace(/connection\.close .*\n(?=closed$)/, "") === theirs;
}

const doneMs = 400;
const refusalMsMax = 5000;

/** What the server says, line by line. Done when it is silent for a while, or has ended. */
export function shake(port: number, handshake: Handshake): Promise<string> {
  return new Promise((resolve) => {
    const said: string[] = [];
    const socket = net.connect({ port, host: "127.0.0.1", noDelay: true });
    let timer = setTimeout(() => end("silence"), refusalMsMax);
    const end = (how: string): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve([...said, how].join("\n"));
    };
    let input = Buffer.alloc(0);
    socket.on("error", () => {});
    socket.on("close", () => end("closed"));
    socket.on("data", (bytes: Buffer) => {
      input = Buffer.concat([input, bytes]);
      if (input.toString("latin1", 0, 4) === "AMQP") {
        said.push(JSON.stringify(input.latin1Slice()));
        return;
      }
      while (input.length >= 8 && input.length >= input.readUInt32BE(3) + 8) {
        const size = input.readUInt32BE(3);
        const isMethod = input[0] === 1;
        const payload = Buffer.from(input.subarray(7, 7 + size));
        input = input.subarray(size + 8);
        if (isMethod) heard(payload);
      }
    });
    const heard = (payload: Buffer): void => {
      const { name, arguments: values } = decodeMethod(new ByteReader(payload));
      const isOwn = name === "connection.start";
      said.push(`${name} ${isOwn ? "" : JSON.stringify(values).replace(/FRAME_ERROR[^"]*/, "FRAME_ERROR")}`);
      const answer = answerTo(name, values, handshake);
      if (answer !== null) socket.write(answer);
      if (name === "connection.close") socket.write(method(0, "connection.close-ok", {}));
      if (name !== "connection.open-ok") return;
      clearTimeout(timer);
      timer = setTimeout(() => end("open"), doneMs);
    };
    socket.write(Buffer.from(handshake.header ?? "AMQP\x00\x00\x09\x01", "latin1"));
  });
}

function answerTo(name: MethodName, values: object, handshake: Handshake): Buffer | null {
  const { instead = {}, capabilities = {} } = handshake;
  switch (name) {
    case "connection.start": {
      const { mechanism = "PLAIN", response = "\0guest\0guest", startBytes } = handshake;
      const startOk = (more: PlainTable): Buffer => {
        const clientProperties = fromPlain({ capabilities, ...more });
        const answer = { clientProperties, mechanism, response: Buffer.from(response), locale: "en_US" };
        return method(0, "connection.start-ok", answer);
      };
      if (instead.start !== undefined) return instead.start;
      if (startBytes === undefined) return startOk({});
      const frameBytes = startBytes + frameOverheadBytes;
      return startOk({ filler: "x".repeat(frameBytes - startOk({ filler: "" }).length) });
    }
    case "connection.tune": {
      const offered = values as MethodArguments["connection.tune"];
      const opening = method(0, "connection.open", {
        virtualHost: handshake.vhost ?? "/",
        capabilities: "",
        insist: false,
      });
      if (instead.tune !== undefined) return instead.tune;
      const tuned = method(0, "connection.tune-ok", { ...offered, ...handshake.tune });
      return Buffer.concat([tuned, instead.open ?? opening]);
    }
    case "connection.open-ok":
      return handshake.afterwards ?? null;
    default:
      return null;
  }
}
