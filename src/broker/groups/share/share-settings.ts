/**
 * How a share group treats its records, from the settings that Kafka has for a group. Pure.
 *
 * Not here: where they are kept (share-groups.ts), their texts and bounds (protocols/kafka/share/group-configs.ts).
 */

/** Where a group begins in a partition that is new to it. */
export type OffsetReset =
  | { readonly from: "latest" | "earliest" }
  | { readonly from: "age"; readonly ms: number };

export interface ShareSettings {
  /** How long a consumer has a record to itself, ms. */
  readonly lockMs: number;
  /** Deliveries of a record, the first among them, where no retry policy says how many. */
  readonly deliveryLimit: number;
  /** Records of one partition that consumers of the group may hold at a time. */
  readonly locksMax: number;
  readonly sessionTimeoutMs: number;
  readonly heartbeatIntervalMs: number;
  readonly reset: OffsetReset;
  /** A consumer may have its locks begin anew. */
  readonly renews: boolean;
}

export const usualShareSettings: ShareSettings = {
  lockMs: 30_000,
  deliveryLimit: 5,
  locksMax: 2000,
  sessionTimeoutMs: 45_000,
  heartbeatIntervalMs: 5000,
  reset: { from: "latest" },
  renews: true,
};
