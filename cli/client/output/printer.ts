/**
 * What a command prints, in the form that `-o` asks for: a table for people, JSON, or a line of JSON for each item.
 *
 * Not here: how a table is laid out (table.ts). Invariants: stdout has what was asked for and nothing else; remarks go to stderr, and only
 * to people. A reader that has read enough (`| head`) ends the command without a word.
 */
import { once } from "node:events";
import { type Column, factsText, type Screen, tableText } from "./table.ts";

export const formats = ["table", "json", "ndjson"] as const;
export type Format = (typeof formats)[number];

interface Sink {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): boolean;
}

export type Environment = Readonly<Record<string, string | undefined>>;

/** https://no-color.org, and FORCE_COLOR for who pipes into a pager that has colours. */
export function screenOf({ isTTY = false, columns }: Sink, environment: Environment): Screen {
  const isForced = (environment["FORCE_COLOR"] ?? "") !== "" && environment["FORCE_COLOR"] !== "0";
  const isDumb = environment["TERM"] === "dumb";
  const hasColours = (environment["NO_COLOR"] ?? "") === "" && (isForced || (isTTY && !isDumb));
  return { width: isTTY ? (columns ?? 80) : null, hasColours };
}

export class Printer {
  readonly format: Format;
  readonly screen: Screen;
  readonly #out: NodeJS.WriteStream;

  constructor(format: Format, environment: Environment = process.env) {
    this.format = format;
    this.#out = process.stdout;
    this.screen = screenOf(this.#out, environment);
  }

  text(text: string): void {
    this.#out.write(text);
  }

  /** Waits where the reader is slower. */
  async slowText(text: string | Buffer): Promise<void> {
    if (!this.#out.write(text)) await once(this.#out, "drain");
  }

  /** For people only: what was done, what to do next. */
  remark(line: string): void {
    if (this.format === "table") process.stderr.write(`${line}\n`);
  }

  list<Row extends object>(rows: readonly Row[], columns: readonly Column<Row>[], whenNone: string): void {
    if (this.format === "json") this.text(`${JSON.stringify(rows, null, 2)}\n`);
    else if (this.format === "ndjson") this.text(rows.map((row) => `${JSON.stringify(row)}\n`).join(""));
    else if (rows.length === 0) this.remark(whenNone);
    else this.text(tableText(this.screen, columns, rows));
  }

  /** One thing: as JSON what it is, for people what `facts` say of it. */
  item(item: unknown, facts: () => readonly (readonly [name: string, value: string])[]): void {
    if (this.format === "json") this.text(`${JSON.stringify(item, null, 2)}\n`);
    else if (this.format === "ndjson") this.text(`${JSON.stringify(item)}\n`);
    else this.text(factsText(this.screen, facts()));
  }

  /** What was done: a remark for people, as JSON an object. */
  done(result: Readonly<Record<string, unknown>>, line: string): void {
    if (this.format === "table") this.text(`${line}\n`);
    else this.item(result, () => []);
  }
}
