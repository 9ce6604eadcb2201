/** A command and its caller as those who watch commands see them. Types only: handlers and sessions fit them. */
import type { Clock } from "../../../base/clock.ts";
import type { Connection } from "../../contract.ts";
import type { RequestArguments } from "../wire/request-arguments.ts";

export interface WatchedSpec {
  readonly id: number;
  readonly fullName: string;
  readonly isQuick: boolean;
  readonly isFast: boolean;
  readonly isLeftOutOfSlowlog: boolean;
  /** Which arguments nobody is shown. */
  readonly secrets: ((request: RequestArguments) => readonly number[]) | undefined;
  readonly shownByMonitor: "after" | "before" | "never";
}

export interface WatchedCommand {
  readonly broker: { readonly clock: Clock };
  readonly caller: { readonly place: string; readonly address: string; readonly name: string };
  readonly database: number;
  readonly request: RequestArguments;
  readonly spec: WatchedSpec;
}

/** A connection in MONITOR. */
export interface MonitoringClient {
  readonly connection: Connection;
  isMonitor: boolean;
  /** Bytes for it that have not left. */
  readonly unsentBytes: number;
  /** Sends bytes outside of replies. */
  push(bytes: Buffer, length: number): void;
}
