/**
 * Calls `step` over and over until it says that it is over. It never sleeps: the generator has a core to itself, and
 * a timer's millisecond would be in every latency.
 */
export function spin(step: () => boolean): void {
  if (step()) setImmediate(spin, step);
}
