/**
 * What a suite of `npm run conformance:amqp` is: the tests of a client library, where they come from, and how they are run.
 *
 * Not here: the server they are run against (servers.ts), how their reports are read (reports.ts). Invariant: what is missing on
 * a machine is a reason to skip a suite; nothing of a suite is copied into this repository.
 */
import type { ProgramCommand } from "../../clients/base/row.ts";

export interface OpenSuite {
  readonly command: ProgramCommand;
  /** A file that the command writes as JUnit's XML; without one it writes `go test -json` to stdout. */
  readonly report?: string;
}

export interface Suite {
  readonly name: string;
  /** What the machine lacks, as a line that says what to do. */
  missing(): string | undefined;
  /** Brings it here, unless it is here. @throws where it cannot be had: the suite is skipped */
  open(): Promise<OpenSuite>;
  /** What it asks to be there, by the management API at that address. */
  prepare?(api: string): Promise<void>;
}

/** Checkouts that the command line names, by the suite's name: for tests that no package registry has. */
export type Checkouts = Readonly<Record<string, string | undefined>>;
