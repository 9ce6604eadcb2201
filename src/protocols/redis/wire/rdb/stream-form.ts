/** What the forms of serialized streams have: of redis 5 and 6, of 7.0, and of 7.2 and later. */
import { rdbType } from "./types.ts";

export interface StreamForm {
  /** First id, max deleted id and entries added of the stream; entries read of a group. */
  readonly hasCounts: boolean;
  /** When a consumer was active, behind when it was seen. */
  readonly hasActiveAt: boolean;
}

const streamForms: Readonly<Partial<Record<number, StreamForm>>> = {
  [rdbType.streamListpacks]: { hasCounts: false, hasActiveAt: false },
  [rdbType.streamListpacks2]: { hasCounts: true, hasActiveAt: false },
  [rdbType.streamListpacks3]: { hasCounts: true, hasActiveAt: true },
};

/** The form of streams of that type; undefined for other types. */
export function streamFormOf(type: number): StreamForm | undefined {
  return streamForms[type];
}
