/** What a case of `npm run faults` tells: one line each, and whether it ended as it must. */
export interface Outcome {
  /** What was done to the program or its files. */
  done: string;
  /** What the broker said or did. */
  broker: string;
  /** What `troikamq check` said; empty where it was not needed. */
  check?: string;
  /** What repair kept. */
  repair?: string;
  /** What contradicts what the clients were told: none, or the case failed. */
  wrong: readonly string[];
}

export interface Case {
  name: string;
  /** Why it cannot run here; undefined when it can. */
  skip?: string | undefined;
  run: () => Promise<Outcome>;
}

export function lineOf(name: string, { done, broker, check, repair, wrong }: Outcome): string {
  const parts = [`${wrong.length === 0 ? "ok  " : "FAIL"} ${name}: ${done}`, `broker: ${broker}`];
  if (check !== undefined) parts.push(`check: ${check}`);
  if (repair !== undefined) parts.push(`repair: ${repair}`);
  if (wrong.length > 0) parts.push(`WRONG: ${wrong.slice(0, 5).join("; ")}`);
  return parts.join(" | ");
}

/** The same numbers for the same seed. */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}
