/** PLACEHOLDER: replaced by the segment work. */
import type { JournalStore } from "./journal.ts";
import type { Segment } from "./segment.ts";
import type { Storage } from "./storage.ts";

export interface CleanerOptions {
  journalBytesMax: number;
  requestFlush: () => void;
  pause: () => Promise<void>;
}

export class Cleaner {
  constructor(_storage: Storage, _journal: JournalStore, _options: CleanerOptions) {}

  /** Called after each flush. */
  step(): void {}

  async openSegments(): Promise<void> {}

  segmentUnneeded(_segment: Segment): void {}

  async close(): Promise<void> {}
}
