/**
 * What a start has opened so far, so that a later step that fails, and the end, close it again in reverse order.
 *
 * Invariants: each part is closed once; one that cannot be closed does not keep the others open, and its error is the
 * one that is thrown, after them.
 */
type Close = () => unknown;

export class Opened {
  readonly #parts: Close[] = [];

  add(close: Close): void {
    this.#parts.push(close);
  }

  /** Closes all, the latest first. Throws the first error of a part, once all had their turn. */
  async close(): Promise<void> {
    let failure: { readonly error: unknown } | null = null;
    for (let close = this.#parts.pop(); close !== undefined; close = this.#parts.pop()) {
      try {
        await close();
      } catch (error) {
        failure ??= { error };
      }
    }
    if (failure !== null) throw failure.error;
  }

  /** Runs the start's steps; closes what they opened where one fails, and throws what that one threw. */
  async during<Result>(steps: () => Promise<Result>): Promise<Result> {
    try {
      return await steps();
    } catch (error) {
      // What could not be closed either is less than why the start failed.
      await this.close().catch(() => {});
      throw error;
    }
  }
}
