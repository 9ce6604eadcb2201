/** Which keys have changes that are not written, while the journal is written in part: against the list of changes itself. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Keyspace } from "../../../src/keyspace/keyspace.ts";
import { UnwrittenKeys } from "../../../src/keyspace/unwritten-keys.ts";

/** A journal of frames, each with one change of one key; `written` is how many of them are on the disk. */
class Journal {
  readonly frames: { readonly key: string; readonly bytes: Buffer }[] = [];
  written = 0;
  readonly #keyspace = new Keyspace(1);

  constructor() {
    this.#keyspace.start({
      clock: { now: () => 1000 },
      timers: { after: () => ({ cancel: () => {} }) },
      ticker: { request: () => {} },
      storage: { journal: {}, pending: 0, flushSource: () => {} },
    } as never);
  }

  change(key: string): void {
    const { changes, databases } = this.#keyspace;
    changes.reset();
    const name = Buffer.from(key);
    databases[0]!.put(name, 0, name.length, name, 0, name.length, 0);
    this.frames.push({ key, bytes: Buffer.from(changes.view()) });
  }

  get kinds(): Keyspace["kinds"] {
    return this.#keyspace.kinds;
  }

  /** As storage/journal/unwritten.ts: what was not visited before, and is not written. */
  get unwritten(): object {
    return {
      eachNewChange: (
        _source: unknown,
        seen: { frames: number },
        visit: (bytes: Buffer, start: number, end: number) => void,
      ) => {
        for (const { bytes } of this.frames.slice(Math.max(seen.frames, this.written)))
          visit(bytes, 0, bytes.length);
        seen.frames = this.frames.length;
      },
    };
  }
}

test("whatever is changed, written and asked for: a key is unwritten while a change of it is", () => {
  const key = fc.constantFrom("a", "b", "c");
  const step = fc.oneof(
    fc.record({ change: key }),
    fc.record({ ask: key }),
    fc.record({ written: fc.integer({ min: 1, max: 3 }) }),
  );
  fc.assert(
    fc.property(fc.array(step, { minLength: 15, maxLength: 40 }), (steps) => {
      const journal = new Journal();
      const keys = new UnwrittenKeys(null as never, journal.kinds);
      for (const each of steps) {
        if ("change" in each) journal.change(each.change);
        else if ("written" in each)
          journal.written = Math.min(journal.written + each.written, journal.frames.length);
        else {
          const left = journal.frames.slice(journal.written);
          assert.equal(
            keys.has(journal as never, 0, each.ask),
            left.some((frame) => frame.key === each.ask),
          );
          assert.equal(keys.hasAny(journal as never), left.length > 0);
        }
      }
    }),
  );
});
