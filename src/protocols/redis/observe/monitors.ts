/**
 * Who watches all commands (MONITOR), and the lines that they get.
 *
 *     line = "+" seconds "." microseconds " [" database " " address "] " "argument" ... CRLF
 *
 * Not here: which commands are shown (command-watch.ts). Invariant: a monitor that does not read is disconnected once its output
 * passes `subscriberOutputBytesMax`, as a subscriber is.
 */
import { limits } from "../../../base/limits.ts";
import { pushTo } from "../core/push.ts";
import type { RequestArguments } from "../wire/request-arguments.ts";
import { redacted, secretsOf } from "./redaction.ts";
import type { MonitoringClient, WatchedCommand } from "./watched.ts";

export class Monitors {
  readonly #clients = new Set<MonitoringClient>();
  /** CONFIG's `client-output-buffer-limit` of class pubsub. */
  readonly #settings: { readonly subscriberOutputBytesMax: number };

  constructor(settings: { readonly subscriberOutputBytesMax: number }) {
    this.#settings = settings;
  }

  get size(): number {
    return this.#clients.size;
  }

  add(client: MonitoringClient): void {
    this.#clients.add(client);
  }

  delete(client: MonitoringClient): void {
    this.#clients.delete(client);
  }

  /** The arguments of the command in `context`. Null for one that is so long that it disconnects every monitor, whatever the setting is. */
  textOf({ request, spec }: WatchedCommand): string | null {
    const { bytes } = request;
    if (bytes > limits.subscriberOutputBytesMax) return null;
    const secrets = secretsOf(spec, request);
    let text = "";
    for (let at = 0; at < request.argumentCount; at++)
      text += secrets?.has(at) === true ? ` "${redacted}"` : ` ${quoted(request, at)}`;
    return text;
  }

  /** `text` is what `textOf` gave before the command ran, which may have chosen another database. */
  tell({ broker, caller, database }: WatchedCommand, text: string | null): void {
    const now = broker.clock.now();
    const time = `${Math.floor(now / 1000)}.${String(now % 1000).padStart(3, "0")}000`;
    const from = caller.place === "lua" ? "lua" : caller.address;
    const { subscriberOutputBytesMax: bytesMax } = this.#settings;
    const line = text === null ? null : Buffer.from(`+${time} [${database} ${from}]${text}\r\n`, "latin1");
    for (const client of this.#clients) {
      if (line === null) client.connection.destroy();
      else pushTo(client, { buffer: line, length: line.length }, bytesMax);
    }
  }
}

const escapes: Readonly<Record<number, string>> = {
  0x07: "\\a",
  0x08: "\\b",
  0x09: "\\t",
  0x0a: "\\n",
  0x0d: "\\r",
  0x22: '\\"',
  0x5c: "\\\\",
};

/** As redis shows bytes: those that cannot be printed are escaped. */
function quoted({ buffer, starts, ends }: RequestArguments, index: number): string {
  let text = '"';
  for (let at = starts[index]!; at < ends[index]!; at++) {
    const byte = buffer[at]!;
    const escape = escapes[byte];
    if (escape !== undefined) text += escape;
    else if (byte >= 0x20 && byte < 0x7f) text += String.fromCharCode(byte);
    else text += `\\x${byte.toString(16).padStart(2, "0")}`;
  }
  return `${text}"`;
}
