/** Lists of the HTTP API: pages, filters, order and columns, against the simplest way to say the same. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { Answer } from "../../../src/admin/api/endpoint.ts";
import { list } from "../../../src/admin/api/list.ts";
import { Refusal } from "../../../src/admin/answers.ts";
import { finishNow, type Job, type JobOutcome } from "../../../src/base/turn-work.ts";
import { matchingUnits } from "../../../src/base/patterns/regex.ts";
import type { Broker } from "../../../src/broker/broker.ts";

interface Item {
  readonly name: string;
  readonly depth: number;
}

const fields = {
  name: ({ name }: Item) => name,
  stats: ({ depth }: Item) => ({ depth, deeper: { depth: -depth } }),
};

const broker = {
  work: {
    run(job: Job<unknown>, ended: (outcome: JobOutcome<unknown>) => void) {
      try {
        ended({ result: finishNow(job) });
      } catch (error) {
        ended({ error });
      }
    },
  },
} as unknown as Broker;

async function ask(items: readonly Item[], query: string): Promise<unknown> {
  const answer = await list(broker, new URLSearchParams(query), {
    items,
    nameOf: ({ name }) => name,
    fields,
  });
  if ("body" in answer) return JSON.parse(answer.body);
  const chunks = await Array.fromAsync(answer.chunks(new AbortController().signal));
  return JSON.parse(chunks.join(""));
}

const itemOf = fc.record({ name: fc.constantFrom("a", "ab", "B", "c.d", "öl"), depth: fc.nat(9) });
/** Few, or more than one piece of a turn's work shows. */
const itemsOf = fc.oneof(
  fc.array(itemOf, { maxLength: 30 }),
  fc.array(itemOf, { minLength: 31, maxLength: 70 }),
);

test("without pages: an array of all by name, filtered by a part of it", async () => {
  await fc.assert(
    fc.asyncProperty(itemsOf, fc.constantFrom("", "a", "b", "ö", "."), async (items, part) => {
      const named = items.map((item) => ({ ...item, name: Buffer.from(item.name).latin1Slice() }));
      const wanted = items
        .filter(({ name }) => name.toLowerCase().includes(part))
        .toSorted((one, other) => Buffer.compare(Buffer.from(one.name), Buffer.from(other.name)));
      const answered = (await ask(named, `name=${encodeURIComponent(part)}`)) as Item[];
      assert.deepEqual(
        answered.map(({ name }) => Buffer.from(name, "latin1").toString()),
        wanted.map(({ name }) => name),
      );
    }),
  );
});

test("pages: together they are the sorted list, and their counts add up", async () => {
  await fc.assert(
    fc.asyncProperty(
      itemsOf,
      fc.integer({ min: 1, max: 8 }),
      fc.boolean(),
      async (items, size, isReversed) => {
        const sorted = items.map(({ depth }) => depth).toSorted((a, b) => a - b);
        if (isReversed) sorted.reverse();
        const seen: number[] = [];
        for (let page = 1; page === 1 || seen.length < items.length; page++) {
          const query = `page=${page}&page_size=${size}&sort=stats.deeper.depth&sort_reverse=${!isReversed}`;
          const answer = (await ask(items, query)) as Record<string, number> & {
            items: { stats: { depth: number } }[];
          };
          assert.equal(answer["page_count"], Math.ceil(items.length / size));
          assert.equal(answer["total_count"], items.length);
          assert.equal(answer["item_count"], answer.items.length);
          seen.push(...answer.items.map(({ stats }) => stats.depth));
        }
        assert.deepEqual(seen, sorted);
      },
    ),
  );
});

test("pages of what a name filters: counts are of what matches, beside the count of all", async () => {
  const items = ["a", "ab", "c.d", "abc", "B"].map((name, depth) => ({ name, depth }));
  const { items: shown, ...counts } = (await ask(items, "page=2&page_size=2&name=b")) as {
    items: { name: string }[];
  };
  assert.deepEqual(
    shown.map(({ name }) => name),
    ["abc"],
  );
  const { filtered_count, item_count, page_count, total_count } = counts as Record<string, number>;
  assert.deepEqual([filtered_count, item_count, page_count, total_count], [3, 1, 2, 5]);
  await assert.rejects(ask(items, "page=3&page_size=2&name=b"), Refusal);
});

test("columns: only these, also within a field, and none that is not there", async () => {
  const items = [{ name: "q", depth: 3 }];
  assert.deepEqual(await ask(items, "columns=name,stats.deeper.depth,no,stats.no,__proto__,name.length"), [
    { name: "q", stats: { deeper: { depth: -3 } } },
  ]);
});

test("what the query says wrong is refused", async () => {
  for (const query of ["page=0", "page=x", "page=1&page_size=501", "page=3", "use_regex=true&name=("]) {
    await assert.rejects(ask([], query), (error) => error instanceof Refusal && error.answer.status === 400);
  }
});

test("no turn shows more than a piece of a long list, and its text comes in pieces", async () => {
  const items = Array.from({ length: 2000 }, (_, at) => ({ name: String(at), depth: at }));
  const shown: number[] = [];
  const counting = { name: (item: Item) => (shown.push(item.depth), item.name) };
  let mostInTurn = 0;
  const inTurns = {
    work: {
      run(job: Job<Answer>, ended: (outcome: JobOutcome<Answer>) => void) {
        for (;;) {
          const before = shown.length;
          const step = job.next();
          mostInTurn = Math.max(mostInTurn, shown.length - before);
          if (step.done === true) return ended({ result: step.value });
        }
      },
    },
  } as unknown as Broker;
  const all = { items, nameOf: ({ name }: Item) => name, fields: counting };
  const answer = await list(inTurns, new URLSearchParams(), all);
  assert.equal(shown.length, items.length);
  assert.ok(mostInTurn <= 16, `${mostInTurn} items in one turn`);
  assert.ok("chunks" in answer);
  const chunks = await Array.fromAsync(answer.chunks(new AbortController().signal));
  assert.ok(Math.max(...chunks.map(({ length }) => length)) < 16_384 + 16 * 20);
  assert.equal((JSON.parse(chunks.join("")) as unknown[]).length, items.length);
});

test("a name's regular expression is charged with what matching costs", async () => {
  const items = Array.from({ length: 200 }, (_, at) => ({ name: "a".repeat(37) + String(at), depth: at }));
  let units = 0;
  let mostInPiece = 0;
  const counting = {
    work: {
      run(job: Job<Answer>, ended: (outcome: JobOutcome<Answer>) => void) {
        for (let before = matchingUnits(); ; before = matchingUnits()) {
          const step = job.next();
          mostInPiece = Math.max(mostInPiece, matchingUnits() - before);
          if (step.done === true) return ended({ result: step.value });
          units += step.value;
        }
      },
    },
  } as unknown as Broker;
  const before = matchingUnits();
  const query = new URLSearchParams({ use_regex: "true", name: "^(a?){200}a{200}.*z$" });
  await list(counting, query, { items, nameOf: ({ name }) => name, fields });
  const matched = matchingUnits() - before;
  assert.ok(matched > 10_000, `${matched} units of matching`);
  assert.ok(units >= matched, `${units} units charged of ${matched}`);
  assert.ok(mostInPiece < 1000, `${mostInPiece} units in a piece`);
});
