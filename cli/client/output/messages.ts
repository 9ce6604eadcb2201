/** Messages as they are printed, one after the other as they come. */
import type { Json } from "../broker/api.ts";
import type { ShownMessage } from "../broker/message-json.ts";
import type { Printer } from "./printer.ts";
import { deathOf, deathText } from "./death.ts";
import { coloured } from "./table.ts";
import { bytesText, cutTo, visible } from "./text.ts";

/** What else is shown of a message that was looked at. */
export interface Described {
  readonly state?: string;
  /** Of a dead letter: where it lies. */
  readonly lies_in?: string;
  /** Of what waits for its time. */
  readonly id?: string;
  /** Unix ms. */
  readonly due?: number;
  readonly held_since?: number;
  readonly held_by?: {
    readonly consumer_tag: string | null;
    readonly channel_details: { readonly name: string };
  } | null;
  /** Of a message that was looked at: when it came there, unix ms. */
  readonly time?: number;
  /** Of what waits for a topic: for which of its partitions. */
  readonly partition?: string;
  /** Why it cannot be shown. */
  readonly unreadable?: string;
}

const timeText = (ms: number): string => new Date(ms).toISOString();

function placeText({
  state,
  due,
  partition,
  lies_in: liesIn,
  held_since: since,
  held_by: by,
}: Described): string {
  if (state === "scheduled") return ` enters ${timeText(due!)}`;
  if (state === "dead") return ` dead in ${visible(liesIn ?? "")}`;
  if (state === "waiting")
    return ` waiting until ${timeText(due!)}${partition === undefined ? "" : ` for ${visible(partition)}`}`;
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

  /** `place`: in which it was looked at. A dead letter that lies there shows why and where it died. */
  async print(message: ShownMessage & Described, place: string | null = null): Promise<void> {
    const { format } = this.#printer;
    const before = this.#count++ === 0 ? "[\n" : ",\n";
    if (format === "json") await this.#printer.slowText(before + JSON.stringify(message, null, 2));
    else if (format === "ndjson") await this.#printer.slowText(`${JSON.stringify(message)}\n`);
    else await this.#printer.slowText(this.#line(message) + this.#deathLine(message, place));
  }

  /** After the last. */
  end(): void {
    if (this.#printer.format === "json") this.#printer.text(this.#count === 0 ? "[]\n" : "\n]\n");
  }

  /** Below the message. What has come home says where it once died too: that is where it is. */
  #deathLine(
    { unreadable, properties, time, state }: ShownMessage & Described,
    place: string | null,
  ): string {
    if (place === null || unreadable !== undefined || time === undefined) return "";
    const death = deathOf((properties["headers"] as Json | undefined) ?? {});
    if (death === null || (death.queue === place && state !== "dead")) return "";
    const { screen } = this.#printer;
    const text = `  ${deathText(death, time)}`;
    return `${coloured(screen, "dim", screen.width === null ? text : cutTo(text, screen.width))}\n`;
  }

  #line(message: ShownMessage & Described): string {
    const { screen } = this.#printer;
    if (message.unreadable !== undefined)
      return `@${message.offset}  (unreadable) ${visible(message.unreadable)}\n`;
    const { exchange, routing_key: key, redelivered, properties, payload } = message;
    const offset = message.offset ?? (properties["headers"] as Json | undefined)?.["x-stream-offset"];
    const at = typeof offset === "number" ? `@${offset}` : message.id === undefined ? "" : ` ${message.id}`;
    const from = ((exchange === "" ? key : `${exchange}/${key}`) + at).trimStart();
    const text = message.payload_encoding === "string" ? visible(payload) : `(base64) ${payload}`;
    const place = `${redelivered ? " again" : ""}${placeText(message)}`;
    const head = `${visible(from)}${place} ${bytesText(message.payload_bytes)}`;
    const room = screen.width === null ? null : Math.max(screen.width - head.length - 2, 20);
    return `${coloured(screen, "dim", head)}  ${room === null ? text : cutTo(text, room)}\n`;
  }
}
