/** Chance as an input; the simulator seeds it. */
export interface Random {
  /** A uniform integer in `[0, bound)`; `bound` is at most 2^32. */
  below(bound: number): number;
  /** `size` unpredictable bytes. */
  bytes(size: number): Uint8Array;
}
