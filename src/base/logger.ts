/**
 * Structured log: one line for each event, `time level message key=value …`, to a sink that is passed in.
 *
 * Not here: where lines go, files, rotation. Never called for each message on a hot path.
 * Invariant: one call is one line, whatever its values hold: nothing that a client sends can forge a second
 * line or steer a terminal.
 */
import type { Clock } from "./clock.ts";
import type { LogLevel } from "./config/options.ts";

export type LogValue = string | number | boolean | bigint | undefined | Error;
export type LogFields = Readonly<Record<string, LogValue>>;

const severities: Record<LogLevel, number> = { debug: 0, info: 1, warn: 2, error: 3, silent: 4 };

export interface LoggerOptions {
  readonly level: LogLevel;
  readonly clock: Clock;
  /** Takes a whole line, its line feed included. */
  readonly sink: (line: string) => void;
}

export class Logger {
  readonly #severity: number;
  readonly #clock: Clock;
  readonly #sink: (line: string) => void;

  constructor({ level, clock, sink }: LoggerOptions) {
    this.#severity = severities[level];
    this.#clock = clock;
    this.#sink = sink;
  }

  debug(message: string, fields?: LogFields): void {
    this.#write("debug", message, fields);
  }

  info(message: string, fields?: LogFields): void {
    this.#write("info", message, fields);
  }

  warn(message: string, fields?: LogFields): void {
    this.#write("warn", message, fields);
  }

  error(message: string, fields?: LogFields): void {
    this.#write("error", message, fields);
  }

  #write(level: LogLevel, message: string, fields: LogFields = {}): void {
    if (severities[level] < this.#severity) return;
    // Of a given instant a Date is a pure conversion: the clock stays an input.
    let line = `${new Date(this.#clock.now()).toISOString()} ${level} ${escapeControls(message)}`;
    for (const [key, value] of Object.entries(fields)) {
      if (value !== undefined) line += ` ${key}=${formatValue(value)}`;
    }
    this.#sink(`${line}\n`);
  }
}

function formatValue(value: Exclude<LogValue, undefined>): string {
  const text = value instanceof Error ? value.message : String(value);
  return /^[^\s"=\\\p{C}]+$/u.test(text) ? text : escapeControls(JSON.stringify(text));
}

/** Control, format and line-separating characters as \u escapes. */
function escapeControls(text: string): string {
  return text.replaceAll(/[\p{C}\p{Zl}\p{Zp}]/gu, (character) =>
    Array.from(
      { length: character.length },
      (_, index) => `\\u${character.charCodeAt(index).toString(16).padStart(4, "0")}`,
    ).join(""),
  );
}
