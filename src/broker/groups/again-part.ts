/** What a group's cursor asks of the parts that are made for it when they are needed. Whoever needs the part itself finds it in its module. */
import type { LogReader } from "../../storage/index.ts";

/** Entries that were given up and come again (retries.ts). */
export interface AgainPart {
  /** At the entry that `peek` stopped at. */
  readonly reader: LogReader;
  readonly readyCount: number;
  /** False: none comes again now. */
  peek(): boolean;
  /** What is pending at that offset is about to change. */
  changes(offset: number): void;
  /** The group is gone. */
  close(): void;
}
