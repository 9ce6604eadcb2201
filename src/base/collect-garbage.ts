/**
 * Frees what nothing refers to any more, now: for those who have dropped hundreds of megabytes outside of the JavaScript heap,
 * which Bun frees only when its heap has grown.
 *
 * Does nothing on Node, whose V8 counts such memory as pressure and collects by itself. Takes some milliseconds.
 */
export function collectGarbage(): void {
  if (typeof Bun !== "undefined") Bun.gc(true);
}
