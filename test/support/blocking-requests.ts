/**
 * Random pipelines of commands that wait, and of commands that change keys, as blocking-model.ts has them. Not here: who sends them.
 */
import fc from "fast-check";

interface PipelineOptions {
  /** In ms, as words; "0" is for ever. */
  readonly timeouts: readonly string[];
  /** Also SET, TPOP and SWAPDB, which redis's lists have not, or in no known order. */
  readonly isForModelAlone: boolean;
}

type Weighted = fc.WeightedArbitrary<string[]>;

const key = fc.constantFrom("a", "b", "c");
const text = fc.constantFrom("x", "xy", "xyz");
const database = fc.constantFrom("0", "0", "1");

function words(name: string, ...parts: fc.Arbitrary<string>[]): fc.Arbitrary<string[]> {
  return fc.tuple(...parts).map((given) => [name].concat(given));
}

const modelAlone: Weighted[] = [
  { weight: 2, arbitrary: words("SET", key, text) },
  { weight: 1, arbitrary: words("TPOP", key) },
];

export function pipelines({ timeouts, isForModelAlone }: PipelineOptions): fc.Arbitrary<string[][]> {
  const timeout = fc.constantFrom(...timeouts);
  const request = fc.oneof(
    { weight: 6, arbitrary: words("APPEND", key, text) },
    { weight: 2, arbitrary: words("DEL", key) },
    { weight: 1, arbitrary: words("HSET", key, fc.constant("f"), fc.constant("v")) },
    { weight: 1, arbitrary: words("RENAME", key, key) },
    { weight: 1, arbitrary: words("COPY", key, key).filter(([, from, to]) => from !== to) },
    { weight: 4, arbitrary: words("BTPOP", key, timeout) },
    { weight: 4, arbitrary: words("BTPOP", key, key, timeout) },
    { weight: 4, arbitrary: words("BTMOVE", key, key, timeout) },
    ...(isForModelAlone ? modelAlone : []),
  );
  // What is in MULTI is meant for the database in which it began.
  const single = fc.oneof(
    { weight: 12, arbitrary: request },
    { weight: 1, arbitrary: words("MOVE", key, database) },
    { weight: 1, arbitrary: words("SELECT", database) },
    ...(isForModelAlone
      ? [{ weight: 1, arbitrary: words("SWAPDB", fc.constant("0"), fc.constant("1")) }]
      : []),
  );
  const transaction = fc
    .array(request, { minLength: 1, maxLength: 5 })
    .map((requests) => [["MULTI"]].concat(requests, [["EXEC"]]));
  const part = fc.oneof({ weight: 4, arbitrary: single.map((one) => [one]) }, transaction);
  return fc.array(part, { minLength: 1, maxLength: 3 }).map((parts) => parts.flat());
}
