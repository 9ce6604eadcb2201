/** Ends a generator that no longer moves. Not here: how long a run takes that does. */

const stallMsMax = 20_000;
const checkMs = 500;

/**
 * @param progress counts anything that moves
 * @param missing what to say when nothing did for 20 s
 * @returns stops watching
 */
export function throwWhenStalled(progress: () => number, missing: () => string): () => void {
  let last = progress();
  let movedMs = performance.now();
  const timer = setInterval(() => {
    const now = progress();
    if (now !== last) {
      last = now;
      movedMs = performance.now();
    } else if (performance.now() - movedMs > stallMsMax) {
      throw new Error(`nothing moved for ${stallMsMax / 1000} s: ${missing()}`);
    }
  }, checkMs);
  return () => clearInterval(timer);
}
