/**
 * What ACL LOG tells: who was refused what, the newest first; the same refusal within a minute counts as one entry.
 *
 * In memory only, as in Redis. Invariant: at most `entriesMax` entries, each of bounded size: no password is in them,
 * but names as strangers gave them are.
 */
import type { Clock } from "../../../base/clock.ts";
import { limits } from "../../../base/limits.ts";
import type { AclRefusal } from "./refusal.ts";

export interface AclLogEntry extends AclRefusal {
  readonly id: number;
  count: number;
  readonly createdAt: number;
  /** Wall time in ms, as `createdAt`. */
  updatedAt: number;
  /** As in CLIENT LIST. */
  client: string;
}

/** How redis groups. */
const groupedMsMax = 60_000;
const groupedAmong = 10;
/** A key may be megabytes long. */
const namedLengthMax = 1024;

export class AclLog {
  readonly #clock: Clock;
  /** The newest first. */
  #entries: AclLogEntry[] = [];
  #nextId = 0;
  /** `acllog-max-len`. */
  #entriesMax = 128;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  add(refusal: AclRefusal, client: string): void {
    const now = this.#clock.now();
    const object = refusal.object.slice(0, namedLengthMax);
    const username = refusal.username.slice(0, namedLengthMax);
    const at = this.#entries
      .slice(0, groupedAmong)
      .findIndex(
        (entry) =>
          entry.reason === refusal.reason &&
          entry.context === refusal.context &&
          now - entry.updatedAt <= groupedMsMax &&
          entry.object === object &&
          entry.username === username,
      );
    if (at >= 0) {
      const [entry] = this.#entries.splice(at, 1);
      Object.assign(entry!, { count: entry!.count + 1, updatedAt: now, client });
      this.#entries.unshift(entry!);
      return;
    }
    this.#entries.unshift({
      ...refusal,
      object,
      username,
      client,
      id: this.#nextId++,
      count: 1,
      createdAt: now,
      updatedAt: now,
    });
    this.#trim();
  }

  set entriesMax(most: number) {
    this.#entriesMax = Math.min(most, limits.aclLogEntriesMax);
    this.#trim();
  }

  #trim(): void {
    if (this.#entries.length > this.#entriesMax) this.#entries.length = this.#entriesMax;
  }

  newest(count: number): readonly AclLogEntry[] {
    return this.#entries.slice(0, count);
  }

  reset(): void {
    this.#entries = [];
  }
}
