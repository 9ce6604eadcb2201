/** Waiting with an end. */
import { setTimeout as sleep } from "node:timers/promises";

const pollMs = 10;

/** @throws naming what did not come in time */
export async function until(
  what: string,
  isSo: () => boolean | Promise<boolean>,
  msMax = 60_000,
): Promise<void> {
  const deadline = performance.now() + msMax;
  while (!(await isSo())) {
    if (performance.now() > deadline) throw new Error(`${what} did not come within ${msMax} ms`);
    await sleep(pollMs);
  }
}

/** @throws naming what hangs */
export async function within<Result>(what: string, work: Promise<Result>, msMax = 60_000): Promise<Result> {
  const timeout = new AbortController();
  const late = sleep(msMax, undefined, { signal: timeout.signal }).then(() => {
    throw new Error(`waited ${msMax} ms for ${what}`);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    timeout.abort();
    late.catch(() => {});
  }
}
