/**
 * What a row of `npm run test:clients` is: a client library in another language, what it needs on the machine, how it is
 * brought here and how the program that uses it is run.
 *
 * Not here: how that is done for each language (toolchains/), which rows there are (rows/). Invariant: what is missing on a
 * machine is a reason to skip a row, and what a program says of a server is not.
 */
import type { PortName } from "../../src/base/config/listeners.ts";

export interface ProgramCommand {
  readonly program: string;
  readonly args: readonly string[];
  readonly directory: string;
  readonly env?: Readonly<Record<string, string>>;
}

export interface Toolchain {
  /** What the machine lacks, as a line that says what to do. */
  missing(): string | undefined;
  /** Packages of Debian that have what is missing; `--install` has apt-get install them. */
  readonly debianPackages: readonly string[];
  /** Brings what is pinned into the cache, unless it is there. @throws where it cannot be had: the row is skipped */
  fetch(): Promise<void>;
  /** Builds the program. @throws when it does not compile: the row has failed */
  build(): Promise<ProgramCommand>;
}

export interface ClientRow {
  /** The library and its pinned version, as the table shows it. */
  readonly name: string;
  readonly language: string;
  /** Which ports of the server its program is told of, and which `--peer` can take TroikaMQ's place. */
  readonly protocol: Extract<PortName, "redis" | "amqp" | "kafka">;
  /** What the program does, in a few words. */
  readonly does: string;
  readonly toolchain: Toolchain;
  /** The program publishes more than the server may hold in memory, 400 MB at most, to see publishers blocked. */
  readonly fillsMemory?: boolean;
  /** What the program does with the library is TroikaMQ's alone: `--peer` leaves it out. */
  readonly hasNoPeer?: boolean;
}
