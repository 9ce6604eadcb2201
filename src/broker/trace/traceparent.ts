/**
 * W3C Trace Context: the header `traceparent` of a message, by which its trace goes on over the broker.
 *
 *     traceparent = version "-" trace-id "-" parent-id "-" flags        00-<32 hex>-<16 hex>-<2 hex>
 *
 * A later version may have more behind that, which is not looked at. Pure.
 */
export const traceparentHeader = "traceparent";
export const traceparentName = Buffer.from(traceparentHeader);

export interface TraceParent {
  readonly traceId: string;
  readonly parentId: string;
  readonly isSampled: boolean;
}

const form = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;
const noTrace = "0".repeat(32);
const noParent = "0".repeat(16);

/** Null where the value is none. */
export function parseTraceparent(value: unknown): TraceParent | null {
  if (typeof value !== "string") return null;
  const match = form.exec(value.trim());
  if (match === null) return null;
  const [, version, traceId, parentId, flags, more] = match;
  if (version === "ff" || (version === "00" && more !== undefined)) return null;
  if (traceId === noTrace || parentId === noParent) return null;
  return { traceId: traceId!, parentId: parentId!, isSampled: (parseInt(flags!, 16) & 1) === 1 };
}

/** Whether there is such a header among the names and values in `bytes[start, end)`; true also where only some text is alike. */
export function mayHaveTraceparent(bytes: Buffer, start: number, end: number): boolean {
  return bytes.subarray(start, end).includes(traceparentName);
}
