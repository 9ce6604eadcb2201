/** What keeps records for queues or streams until a later time, for those who look at what is scheduled or cancel it: a `Timetable` is one. */
import type { EntryId } from "../../message/entry-id.ts";
import type { Log, LogReader } from "../../storage/index.ts";

/** A log of records that wait, each in the form of scheduled-log.ts. */
export interface LaterLog {
  /** Of the queue or stream that they are to enter. */
  readonly name: string;
  readonly log: Log;
  readonly isDeleted: boolean;
  reader(offset?: number): LogReader;
}

export interface LaterTable {
  /** Of what waits for the queue or stream of that name; undefined: nothing does. */
  findIn(vhostName: string, name: string): LaterLog | undefined;
  /** Says whether the record of that handle was waiting: then it never comes. */
  cancelIn(vhostName: string, name: string, handle: EntryId): boolean;
}
