/** Messages as they are printed, one after the other as they come. */
import type { Json } from "../broker/api.ts";
import type { ShownMessage } from "../broker/message-json.ts";
import { deathText } from "./death.ts";
import type { Printer } from "./printer.ts";
import { coloured } from "./table.ts";
import { bytesText, cutTo, visible } from "./text.ts";

/** What else is shown of a message that was looked at. */
export interface Described {
  readonly state?: string;
  /** Of a dead letter: where it lies. */
  readonly lies_in?: string;
  /** Of what waits for its time. */
  readonly id?: string;
  /** The stream that it is to enter, where the topic that was asked for has several. */
  readonly waits_for_partition?: string;
  /** Unix ms. */
  readonly due?: number;
  readonly held_since?: number;
  readonly held_by?: {
    readonly consumer_tag: string | null;
    readonly channel_details: { readonly name: string };
  } | null;
  /** Why it cannot be shown. */
  readonly unreadable?: string;
}

const timeText = (ms: number): string => new Date(ms).toISOString();

function placeText(described: Described): string {
  const {
    state,
    due,
    lies_in: liesIn,
    held_since: since,
    held_by: by,
    waits_for_partition: into,
  } = described;
  if (state === "scheduled") return ` enters ${timeText(due!)}`;
  if (state === "dead") return ` dead in ${visible(liesIn ?? "")}`;
  if (state === "waiting")
    return ` waiting${into === undefined ? "" : ` for ${visible(into)}`} until ${timeText(due!)}`;
  if (state !== "unacked") return state === "history" ? " history" : "";
  const holder =
    by === null || by === undefined
      ? ""
      : ` by ${visible(by.consumer_tag ?? "basic.get")} of ${visible(by.channel_details.name)}`;
  return ` held${holder} since ${timeText(since!)}`;
}

/** In JSON it is a list, which is whole when the command ends. */
export class MessagePrinter {
  readonly #printer: Printer;
  #count = 0;

  constructor(printer: Printer) {
    this.#printer = printer;
  }

  get count(): number {
    return this.#count;
  }

  async print(message: ShownMessage & Described): Promise<void> {
    const { format } = this.#printer;
    const before = this.#count++ === 0 ? "[\n" : ",\n";
    if (format === "json") await this.#printer.slowText(before + JSON.stringify(message, null, 2));
    else if (format === "ndjson") await this.#printer.slowText(`${JSON.stringify(message)}\n`);
    else await this.#printer.slowText(this.#line(message));
  }

  /** After the last. */
  end(): void {
    if (this.#printer.format === "json") this.#printer.text(this.#count === 0 ? "[]\n" : "\n]\n");
  }

  #line(message: ShownMessage & Described): string {
    const { screen } = this.#printer;
    if (message.unreadable !== undefined)
      return `@${message.offset}  (unreadable) ${visible(message.unreadable)}\n`;
    const { exchange, routing_key: key, redelivered, properties, payload } = message;
    const offset = message.offset ?? (properties["headers"] as Json | undefined)?.["x-stream-offset"];
    const at = typeof offset === "number" ? `@${offset}` : message.id === undefined ? "" : ` ${message.id}`;
    const from = `${exchange === "" ? key : `${exchange}/${key}`}${at}`.trimStart();
    const text = message.payload_encoding === "string" ? visible(payload) : `(base64) ${payload}`;
    const place = `${redelivered ? " again" : ""}${placeText(message)}${deathText(properties)}`;
    const head = `${visible(from)}${place} ${bytesText(message.payload_bytes)}`;
    const room = screen.width === null ? null : Math.max(screen.width - head.length - 2, 20);
    return `${coloured(screen, "dim", head)}  ${room === null ? text : cutTo(text, room)}\n`;
  }
}
