/** What streams have learnt after redis 7.0, beside a redis-server 8.2; without one the test says so and does nothing. */
import { after, before, test } from "node:test";
import fc from "fast-check";
import { BesideRedis } from "../../support/beside-redis.ts";
import { laterProgram, noLaterRedis } from "../../support/real-redis.ts";

const options = { skip: noLaterRedis };
let beside: BesideRedis | null = null;

before(async () => {
  if (noLaterRedis === false) beside = await BesideRedis.start([], laterProgram);
});

after(() => beside?.stop());

const cases = `
  command info xackdel
  command info xdelex
  flushall
  xadd s 1-1 a 1
  xadd s 2-1 a 1
  xadd s 3-1 a 1
  xadd s 4-1 a 1
  xgroup create s g 0
  xgroup create s g2 0
  xreadgroup group g c count 3 streams s >
  xreadgroup group g2 c count 1 streams s >
  xdelex s
  xdelex s ids 1 1-1
  xdelex s IDS 2 1-1
  xdelex s IDS 0 1-1
  xdelex s IDS x 1-1
  xdelex s FOO IDS 1 1-1
  xdelex s KEEPREF DELREF IDS 1 2-1
  xdelex s IDS 1 2-1 FOO
  xdelex s IDS 1 2-1 IDS 1 3-1
  xdelex s KEEPREF ACKED x
  xdelex none IDS 2 1-1 2-2
  xdelex none IDS 1 foo
  xdelex s IDS 1 foo
  xdelex s ACKED IDS 4 2-1 3-1 9-9 0-5
  xdelex s DELREF IDS 1 2-1
  xdelex s DELREF IDS 3 9-9 0-5 1-1
  xpending s g
  xpending s g2
  xackdel s g IDS 1 3-1
  xackdel s g ACKED IDS 2 3-1 4-1
  xackdel s nog IDS 1 3-1
  xackdel s nog IDS 1 foo
  xackdel none g IDS 2 3-1 4-1
  xackdel s g KEEPREF IDS 1 1-1
  xlen s
  xackdel s g
  xackdel s g ids 1 foo
  xackdel s g ids 1 1-1 2-2
  xackdel s g ids 1 1-1 KEEPREF
  xackdel s g FOO ids 1 1-1
  xadd s KEEPREF MAXLEN 1 9-1 a 1
  xadd s DELREF 10-1 a 1
  xadd s MAXLEN 1 DELREF 11-1 a 1
  xadd s DELREF MAXLEN 1 12-1 a 1
  xadd s KEEPREF DELREF MAXLEN 1 13-1 a 1
  xadd nos ACKED NOMKSTREAM 10-1 a 1
  xadd s ACKED *
  xadd s ACKED ACKED 12-1 a 1
  xtrim s MAXLEN 1 DELREF
  xtrim s DELREF MAXLEN 1
  xtrim s MAXLEN 1 ACKED
  xtrim s MAXLEN 0 KEEPREF DELREF
  xtrim s DELREF
  xtrim s DELREF ACKED
  xread streams s +
  xread count 2 streams s +
  xread streams none +
  xread streams none s + +
  xreadgroup group g c streams s +
  xreadgroup group nog c streams s +
  xrange s - +
  xdel s 12-1
  xread streams s +
  flushall
  xgroup create s g 0 mkstream
  xread streams s +
  xadd s 1-1 a 1
  xadd s 2-1 a 1
  xadd s 3-1 a 1
  xadd s 4-1 a 1
  xreadgroup group g c count 3 streams s >
  xack s g 1-1 3-1
  xtrim s MAXLEN 1 ACKED
  xrange s - +
  xtrim s MAXLEN 1 DELREF
  xrange s - +
  xpending s g
  xinfo stream s
  xadd s MAXLEN 1 ACKED 9-1 a 1
  xrange s - +
  xtrim s MINID 100 ACKED
  xrange s - +
  xadd s ACKED MINID 100 18446744073709551615-18446744073709551614 a 1
  xadd s ACKED MINID 100 18446744073709551615-18446744073709551615 a 1
  xadd s * a 1
  xread streams s +
  xdelex s ACKED IDS 1 18446744073709551615-18446744073709551615
  xreadgroup group g c streams s >
  xdelex s ACKED IDS 1 18446744073709551615-18446744073709551615
  xackdel s g DELREF IDS 2 18446744073709551615-18446744073709551615 18446744073709551615-18446744073709551614
  xlen s
  flushall
`;

test("options, errors, and what is deleted", options, () => beside!.sameAll(cases));

/** The words of a command, of which some are lists. */
function wordsOf(...parts: readonly (string | readonly string[])[]): string[] {
  return parts.flat();
}

const id = fc.nat({ max: 9 }).map((n) => `${n + 1}-1`);
const ids = fc
  .array(id, { minLength: 1, maxLength: 3 })
  .map((names) => wordsOf("IDS", String(names.length), names));
const references = fc.constantFrom([], ["KEEPREF"], ["DELREF"], ["ACKED"]);
const group = fc.constantFrom("g", "h");
const trimming = fc.oneof(
  fc.nat({ max: 4 }).map((n) => ["MAXLEN", String(n)]),
  id.map((from) => ["MINID", from]),
);
const step = fc.oneof(
  { weight: 4, arbitrary: fc.constant(["add"]) },
  {
    weight: 2,
    arbitrary: fc.tuple(references, trimming).map(([r, t]) => wordsOf("add", r, t)),
  },
  {
    weight: 3,
    arbitrary: group.map((g) => ["xreadgroup", "GROUP", g, "c", "COUNT", "2", "STREAMS", "s", ">"]),
  },
  { weight: 3, arbitrary: fc.tuple(group, id).map(([g, one]) => ["xack", "s", g, one]) },
  { weight: 2, arbitrary: fc.tuple(references, ids).map(([r, all]) => wordsOf("xdelex", "s", r, all)) },
  {
    weight: 3,
    arbitrary: fc.tuple(group, references, ids).map(([g, r, all]) => wordsOf("xackdel", "s", g, r, all)),
  },
  { weight: 2, arbitrary: fc.tuple(trimming, references).map(([t, r]) => wordsOf("xtrim", "s", t, r)) },
  { weight: 1, arbitrary: fc.constant(["xread", "STREAMS", "s", "+"]) },
  { weight: 1, arbitrary: group.map((g) => ["xpending", "s", g]) },
  { weight: 2, arbitrary: fc.constant(["xrange", "s", "-", "+"]) },
);

test("random commands on what groups refer to are answered as by redis", options, () =>
  fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 15, maxLength: 50, size: "max" }), async (steps) => {
      let added = 0;
      for (const words of [
        ["flushall"],
        ["xgroup", "create", "s", "g", "0", "mkstream"],
        ["xgroup", "create", "s", "h", "0"],
      ])
        await beside!.same(2, words);
      for (const [name, ...rest] of steps) {
        if (name === "add") await beside!.same(2, ["xadd", "s", ...rest, `${++added}-1`, "a", "1"]);
        else await beside!.same(2, [name, ...rest]);
      }
      for (const name of ["g", "h"]) await beside!.same(2, ["xpending", "s", name]);
    }),
    { numRuns: 60, endOnFailure: true },
  ),
);
