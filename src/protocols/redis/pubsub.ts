/** What a connection is subscribed to. Being written. */
import type { CommandSpec } from "./table-spec.ts";

export interface Subscriptions {
  readonly count: number;
  assertAllowed(spec: CommandSpec): void;
  unsubscribeAll(): void;
}
