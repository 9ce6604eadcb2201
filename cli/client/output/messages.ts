/** Messages as they are printed, one after the other as they come. */
import type { Json } from "../broker/api.ts";
import type { ShownMessage } from "../broker/message-json.ts";
import type { Printer } from "./printer.ts";
import { coloured } from "./table.ts";
import { bytesText, cutTo, visible } from "./text.ts";

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

  async print(message: ShownMessage): Promise<void> {
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

  #line({
    exchange,
    routing_key: key,
    redelivered,
    properties,
    payload,
    payload_encoding: encoding,
    payload_bytes: size,
  }: ShownMessage): string {
    const { screen } = this.#printer;
    const offset = (properties["headers"] as Json | undefined)?.["x-stream-offset"];
    const at = typeof offset === "number" ? `@${offset}` : "";
    const from = (exchange === "" ? key : `${exchange}/${key}`) + at;
    const text = encoding === "string" ? visible(payload) : `(base64) ${payload}`;
    const head = `${visible(from)}${redelivered ? " again" : ""} ${bytesText(size)}`;
    const room = screen.width === null ? null : Math.max(screen.width - head.length - 2, 20);
    return `${coloured(screen, "dim", head)}  ${room === null ? text : cutTo(text, room)}\n`;
  }
}
