/** Filters against a model: any conditions, written in any way, match what each of them says; what is no filter says why. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { limits } from "../../../src/base/limits.ts";
import { finishNow } from "../../../src/base/turn-work.ts";
import { filterFactsOf } from "../../../src/broker/look/content.ts";
import { type FilterFacts, parseFilter } from "../../../src/broker/look/filter.ts";
import { type LookedPage, looking } from "../../../src/broker/look/look.ts";
import { ByteWriter } from "../../../src/base/bytes.ts";
import { envelope } from "../../../src/message/envelope.ts";
import { writeEntryHeader, writeEntryPart } from "../../../src/message/redis/entry.ts";
import { openBareBroker, publishTo } from "../../support/bare-broker.ts";

function facts(given: Partial<FilterFacts> & { readonly text?: string }): FilterFacts {
  const body = Buffer.from(given.text ?? "");
  return {
    time: 0,
    deliveryCount: null,
    exchange: "",
    routingKey: "",
    properties: {},
    fields: null,
    body,
    bodyBytes: body.length,
    ...given,
  };
}

const matches = (filter: string, given: Parameters<typeof facts>[0]): boolean =>
  parseFilter(filter).matches(facts(given));

const dead = { headers: { "x-death": [{ reason: "rejected", queue: "orders" }, { reason: "expired" }] } };

const vectors: readonly (readonly [filter: string, Parameters<typeof facts>[0], boolean])[] = [
  ["key = a", { routingKey: "a" }, true],
  ["key=a", { routingKey: "a" }, true],
  ["key = b", { routingKey: "a", properties: { headers: { "x-key": "b" } } }, true],
  ["routing-key = b", { routingKey: "a", properties: { headers: { "x-key": "b" } } }, false],
  ["key != a", { routingKey: "a" }, false],
  ["exchange ~ ord", { exchange: "orders" }, true],
  ["exchange ~ ''", { exchange: "" }, true],
  ['key = "a and b"', { routingKey: "a and b" }, true],
  ["key = a AND body = b c", { routingKey: "a", text: "b c" }, true],
  ["key = a and body = b and time > 5", { routingKey: "a", text: "b", time: 5 }, false],
  ["key = sand band", { routingKey: "sand band" }, true],
  ["time > 1970-01-01T00:00:01Z", { time: 1001 }, true],
  ["time > 1970-01-01T00:00:01", { time: 1001 }, true],
  ["time < 1970-01-01T00:00:01", { time: 999 }, true],
  ["key = '= a or b'", { routingKey: "= a or b" }, true],
  ["key = border", { routingKey: "border" }, true],
  ["time < 1001", { time: 1000 }, true],
  ["time = 1000", { time: 1000 }, true],
  ["deliveries > 9", { deliveryCount: 10 }, true],
  ["deliveries > 9", { deliveryCount: null }, false],
  ["deliveries != 9", { deliveryCount: null }, true],
  ["message-id = 007", { properties: { message_id: "7" } }, false],
  ["message-id = 12345678901234567891", { properties: { message_id: "12345678901234567890" } }, false],
  ["message-id > 6", { properties: { message_id: "007" } }, true],
  ["message-id > 6", { properties: { message_id: "10" } }, true],
  ["message-id > abc", { properties: { message_id: "abd" } }, true],
  ["correlation-id = c", { properties: { correlation_id: "c" } }, true],
  ["header.n = 5.0", { properties: { headers: { n: 5 } } }, true],
  ["header.n = 5.0", { properties: { headers: { n: "5" } } }, false],
  ["header.n > 4", { properties: { headers: { n: "5" } } }, true],
  ["header.on = true", { properties: { headers: { on: true } } }, true],
  ["header.list ~ b", { properties: { headers: { list: ["a", "b"] } } }, true],
  ["header.'a b' = 1", { properties: { headers: { "a b": 1 } } }, true],
  ["header.none = 1", {}, false],
  ["header.none != 1", {}, true],
  ["header.constructor ~ a", { properties: { headers: {} } }, false],
  ["header.user = alice", { fields: new Map([["user", "alice"]]) }, true],
  ["reason = rejected and queue = orders", { properties: dead }, true],
  ["reason = expired", { properties: dead }, false],
  ["reason = maxdeliver", { fields: new Map([["troika.reason", "maxdeliver"]]) }, true],
  ["queue = s", { properties: { headers: { "troika.key": "s" } } }, true],
  ["queue = t", { properties: { headers: { "x-troika-topic": "t", "x-troika-group": "g" } } }, true],
  // One that waits in a retry topic, or can be read there.
  ["queue = t", { properties: { headers: { "x-troika-topic": "t" } } }, false],
  ["reason = x", { properties: { headers: { "x-death": "x" } } }, false],
  ["body = ''", {}, true],
  ['body ~ "b\'c"', { text: "ab'cd" }, true],
  ["body = 'it\\'s'", { text: "it's" }, true],
  ["body > 9", { text: "10" }, true],
  ["body != x", { text: "xy" }, true],
  ["body ~ ü", { text: "grün" }, true],
];

for (const [filter, given, expected] of vectors)
  test(`${filter} of ${JSON.stringify(given)}`, () => assert.equal(matches(filter, given), expected));

for (const [text, why] of [
  ["", /'' is no field/],
  ["colour = red", /'colour' is no field: there are message-id, .* and header\.NAME/],
  ["header. = red", /'header\.' is no field/],
  ["key", /'key' has no operator/],
  ["key ! a", /'key' has no operator/],
  ["header.tries == 1", /'==' is no operator: .*quotation marks/],
  ["deliveries >= 1", /'>=' is no operator/],
  ["key = a or body = b", /there is no 'or': .*quotation marks/],
  ["body ~ this or that and key = a", /there is no 'or'/],
  ["key =", /compared with nothing/],
  ["key = and body = b", /compared with nothing/],
  ["key = sand and b", /'b' is no field/],
  ["key = 'a", /' is not closed/],
  ["key = 'a' body = b", /'and' is missing at character 11/],
  ["key = a and ", /'' is no field/],
  ["time > soon", /'soon' is no time/],
  ["time ~ 5", /'time' is a number/],
  ["key =~ a", /'=~' is no operator/],
  [`key = ${"a".repeat(limits.filterBytesMax)}`, /more than 1024 bytes/],
  [
    Array.from({ length: limits.filterConditionsMax + 1 }, () => "key = a").join(" and "),
    /more than 16 conditions/,
  ],
] as const)
  test(`no filter: ${text.slice(0, 40)}`, () => assert.throws(() => parseFilter(text), why));

const word = fc.string({
  unit: fc.constantFrom("a", "b", "1", " ", "'", '"', "\\", "ü", "and "),
  maxLength: 6,
});
const operator = fc.constantFrom("=", "!=", "~", ">", "<");
const condition = fc.record({ name: word, operator, value: word });

function quoted(text: string, quote: string): string {
  return `${quote}${text.replaceAll("\\", "\\\\").replaceAll(quote, `\\${quote}`)}${quote}`;
}

function fulfils(found: string | undefined, by: string, value: string): boolean {
  if (found === undefined) return by === "!=";
  const isNumber = (text: string): boolean => /^\d+$/.test(text);
  const [left, right] = isNumber(found) && isNumber(value) ? [Number(found), Number(value)] : [found, value];
  const answers: Readonly<Record<string, boolean>> = {
    "=": found === value,
    "!=": found !== value,
    "~": found.includes(value),
    ">": left > right,
    "<": left < right,
  };
  return answers[by]!;
}

test("any conditions on headers match as each of them says", () => {
  fc.assert(
    fc.property(
      fc.array(condition, { minLength: 1, maxLength: 4 }),
      fc.dictionary(word, word),
      fc.constantFrom("'", '"'),
      fc.constantFrom(" and ", "  AND\t"),
      (conditions, headers, quote, and) => {
        const filter = conditions
          .map((each) => `header.${quoted(each.name, quote)}${each.operator} ${quoted(each.value, quote)}`)
          .join(and);
        const own = new Map(Object.entries(headers));
        assert.equal(
          matches(filter, { properties: { headers } }),
          conditions.every((each) => fulfils(own.get(each.name), each.operator, each.value)),
          filter,
        );
      },
    ),
    { numRuns: 500 },
  );
});

test("any text is a filter, or says why it is none", () => {
  const piece = fc.constantFrom(
    "key",
    "header.",
    "body",
    " ",
    "=",
    "~",
    "!",
    "'",
    '"',
    "\\",
    " and ",
    "x",
    "9",
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
      try {
        parseFilter(pieces.join("")).matches(facts({ text: "x" }));
      } catch (error) {
        assert.match((error as Error).message, /^filter: .*; write FIELD OPERATOR VALUE/);
      }
    }),
    { numRuns: 2000 },
  );
});

test("the first 2 MiB of a body are looked through; all of it is compared", () => {
  const body = Buffer.alloc(limits.filterBodyBytesMax + 10, "x");
  body.write("needle", body.length - 8);
  const large = { body, bodyBytes: body.length };
  assert.equal(matches("body ~ needle", large), false);
  assert.equal(matches("body ~ xx", large), true);
  assert.equal(matches(`body = ${"x".repeat(100)}`, large), false);
  assert.equal(matches(`body > ${"x".repeat(900)}`, large), true);
});

test("the fields of a Redis entry are headers, whether they are its body or not", async () => {
  const bare = await openBareBroker();
  const queue = bare.declare("entries");
  const writer = new ByteWriter(64);
  const pairs = { user: "alice", "troika.reason": "maxdeliver", user2: "ü" };
  writeEntryHeader(writer, 3);
  for (const text of Object.entries(pairs).flat()) writeEntryPart(writer, Buffer.from(text));
  const { log } = queue;
  const at = log.store.reserve(log.group, envelope.redis, writer.length);
  writer.buffer.copy(log.store.tail, at, 0, writer.length);
  log.store.seal();
  const reader = queue.reader(0);
  assert.ok(reader.next());
  const seen = filterFactsOf(reader, { time: 0, deliveryCount: 0 });
  for (const filter of ["header.user = alice", "reason = maxdeliver", "header.user2 = ü", "body ~ alice"])
    assert.ok(parseFilter(filter).matches(seen), filter);
  await bare.close();
});

test("a page ends after so many messages that a filter has looked into, and goes on from there", async () => {
  const bare = await openBareBroker();
  const queue = bare.declare("many");
  const size = 1 << 20;
  for (let at = 0; at < 100; at++)
    publishTo(queue, at % 50 === 49 ? `needle${at}` : Buffer.alloc(size, "x").toString());
  const filter = parseFilter("body ~ needle");
  const found: number[] = [];
  let pages = 0;
  for (let from: number | null = 0; from !== null; pages++) {
    const { messages, next }: LookedPage = finishNow(
      looking(queue, { state: null, from, messagesMax: 10, payloadBytesMax: 10, filter }),
    );
    found.push(...messages.map(({ offset }) => offset));
    from = next;
  }
  assert.deepEqual([pages, found], [2, [49, 99]]);
  await bare.close();
});
