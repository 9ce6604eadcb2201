/**
 * What a scenario of `npm run load` is given, and what it says in return: figures for the table, and what was not as it
 * must be.
 *
 * Not here: processes' memory (usage.ts). Invariant: every broker that a scenario started is stopped when it ends, and
 * its directory passed `troikamq check`.
 */
import { startTestBroker, type TestBroker, type TestBrokerOptions } from "../../test/support/broker.ts";

export interface Scenario {
  readonly name: string;
  /** One line for the reader of the table. */
  readonly what: string;
  /** Throws, or tells `load.expect`, what is wrong. */
  run(load: Load): Promise<void>;
}

export interface Figure {
  readonly name: string;
  readonly value: string;
  /** What it must keep to; empty where it is only told. */
  readonly bound: string;
}

export class Load {
  readonly figures: Figure[] = [];
  readonly wrong: string[] = [];
  readonly #brokers: TestBroker[] = [];

  async startBroker(options: TestBrokerOptions = {}): Promise<TestBroker> {
    const broker = await startTestBroker({
      ...options,
      args: ["--log-level", "error", ...(options.args ?? [])],
    });
    this.#brokers.push(broker);
    return broker;
  }

  figure(name: string, value: string): void {
    this.figures.push({ name, value, bound: "" });
  }

  /** A figure that has a bound, in the unit that `show` writes. */
  atMost(name: string, value: number, bound: number, show: (value: number) => string): void {
    this.figures.push({ name, value: show(value), bound: `<= ${show(bound)}` });
    if (!(value <= bound)) this.wrong.push(`${name} is ${show(value)}, more than ${show(bound)}`);
  }

  /** A count that must be just this. */
  exactly(name: string, value: number, expected: number): void {
    this.figures.push({ name, value: String(value), bound: `= ${expected}` });
    if (value !== expected) this.wrong.push(`${name}: ${value} instead of ${expected}`);
  }

  expect(isSo: boolean, otherwise: string): void {
    if (!isSo) this.wrong.push(otherwise);
  }

  /** @throws what the last broker said, when it did not end well */
  async stopBrokers(): Promise<void> {
    for (const broker of this.#brokers.splice(0)) await broker.stop();
  }
}

export function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}

export function kilobytes(bytes: number): string {
  return `${(bytes / 1e3).toFixed(1)} KB`;
}

export function milliseconds(ms: number): string {
  return ms < 10 ? `${ms.toFixed(1)} ms` : `${Math.round(ms)} ms`;
}
