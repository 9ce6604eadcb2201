/** Copies a message into every log of a route. The hot paths of protocols reserve and fill by themselves. */
import { copyBytes } from "../base/bytes.ts";
import type { Envelope } from "../message/envelope.ts";
import type { LogGroup } from "../storage/index.ts";
import type { Route } from "./route.ts";

/** Appends one record, `bytes[start, end)` in the form that `envelopeOfRecord` names, to all logs of the route. */
export function publishRecord(
  route: Route,
  envelopeOfRecord: Envelope,
  bytes: Uint8Array,
  start: number,
  end: number,
): void {
  if (route.durable !== null) appendRecord(route.durable, envelopeOfRecord, bytes, start, end);
  if (route.volatile !== null) appendRecord(route.volatile, envelopeOfRecord, bytes, start, end);
}

/** Appends one record to all logs of a group. */
export function appendRecord(
  group: LogGroup,
  envelopeOfRecord: Envelope,
  bytes: Uint8Array,
  start: number,
  end: number,
): void {
  const store = group.logs[0]!.store;
  const at = store.reserve(group, envelopeOfRecord, end - start);
  copyBytes(store.tail, at, bytes, start, end);
}
