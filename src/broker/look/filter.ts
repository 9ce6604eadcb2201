/**
 * Which messages are meant: conditions that a person or a program writes as one line.
 *
 *     filter    = condition *( " and " condition )
 *     condition = field operator value
 *     field     = "message-id" / "correlation-id" / "key" / "routing-key" / "exchange" / "queue" / "reason" / "body" / "time" /
 *                 "deliveries" / "header." name / "header." quoted
 *     operator  = "=" / "!=" / "~" (contains) / ">" / "<"
 *     value     = quoted / all up to the next " and "
 *                 (which has no word "or", so that nobody takes it for an operator)
 *     quoted    = "..." or '...', in which \ takes the next character as it is
 *
 *     queue = orders and reason != expired and time > 2026-01-31T12:00Z and header.attempt > 3 and body ~ "EUR and USD"
 *
 * `>` and `<` compare numbers where both sides read as numbers, else texts; `=` and `!=` compare numbers where the message has one. What
 * a message does not have fulfils `!=` alone. `key` is the key that all protocols see (docs/interop.md). `queue` and `reason` are those of a dead letter: where it died last, and why. Not here: reading stored messages (content.ts).
 * Pure. Invariants: a filter takes `limits.filterBytesMax` bytes and `limits.filterConditionsMax` conditions; matching takes time in
 * proportion to them and to what is compared, of a body `limits.filterBodyBytesMax` bytes at most.
 */
import { BrokerError } from "../../base/errors.ts";
import { limits } from "../../base/limits.ts";
import { writtenTimeMs } from "../../base/text/written-time.ts";

/** A message as filters see it. */
export interface FilterFacts {
  /** When it was stored, unix ms. */
  readonly time: number;
  /** Null: nobody counts them. */
  readonly deliveryCount: number | null;
  readonly exchange: string;
  readonly routingKey: string;
  /** In the form of properties-json.ts. */
  readonly properties: Readonly<Record<string, unknown>>;
  /** The fields of a Redis entry, which count as headers too. */
  readonly fields: ReadonlyMap<string, string> | null;
  /** Its first `limits.filterBodyBytesMax` bytes at least. */
  readonly body: Buffer;
  readonly bodyBytes: number;
}

export interface MessageFilter {
  matches(facts: FilterFacts): boolean;
}

type Operator = "=" | "!=" | "~" | ">" | "<";
type Value = string | number | null;

interface Condition {
  readonly field: string;
  readonly operator: Operator;
  readonly text: string;
}

const fieldNames: readonly string[] = [
  "message-id",
  "correlation-id",
  "key",
  "routing-key",
  "exchange",
  "queue",
  "reason",
  "body",
  "time",
  "deliveries",
];
const headerPrefix = "header.";
const numberPattern = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d{1,3})?$/i;

function malformed(why: string): BrokerError {
  return new BrokerError("INVALID", `filter: ${why}; write FIELD OPERATOR VALUE, joined by ' and '`);
}

/** Reads conditions from left to right. */
class Scanner {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  get isAtEnd(): boolean {
    this.#skipBlanks();
    return this.#at === this.#text.length;
  }

  #skipBlanks(): void {
    while (isBlank(this.#text[this.#at])) this.#at++;
  }

  condition(): Condition {
    const field = this.#field();
    return { field, operator: this.#operator(field), text: this.#value(field) };
  }

  /** Skips the word between two conditions. */
  and(): void {
    this.#skipBlanks();
    const word = this.#text.slice(this.#at, this.#at + 4);
    if (!/^and\s$/i.test(word)) throw malformed(`'and' is missing at character ${this.#at + 1}`);
    this.#at += word.length;
  }

  #field(): string {
    this.#skipBlanks();
    const start = this.#at;
    while (this.#at < this.#text.length && !/[\s=!~<>"']/.test(this.#text[this.#at]!)) this.#at++;
    const word = this.#text.slice(start, this.#at);
    if (word === headerPrefix && this.#isQuote()) return word + this.#quoted();
    if (fieldNames.includes(word) || (word.startsWith(headerPrefix) && word.length > headerPrefix.length))
      return word;
    throw malformed(`'${word}' is no field: there are ${fieldNames.join(", ")} and header.NAME`);
  }

  #operator(field: string): Operator {
    this.#skipBlanks();
    const one = this.#text[this.#at] ?? "";
    const operator = one === "!" ? this.#text.slice(this.#at, this.#at + 2) : one;
    if (operator !== "=" && operator !== "!=" && operator !== "~" && operator !== ">" && operator !== "<")
      throw malformed(`'${field}' has no operator: there are =, !=, ~ (contains), > and <`);
    this.#at += operator.length;
    const next = this.#text[this.#at];
    if (next !== undefined && "=!~<>".includes(next))
      throw malformed(
        `'${operator}${next}' is no operator: there are =, !=, ~ (contains), > and <; a value that begins with ${next} goes in quotation marks`,
      );
    return operator;
  }

  #value(field: string): string {
    this.#skipBlanks();
    if (this.#isQuote()) return this.#quoted();
    const rest = this.#text.slice(this.#at);
    const end = /(?:^|\s)and(?=\s)/i.exec(rest)?.index ?? rest.length;
    const value = rest.slice(0, end).trim();
    const or = /(?:^|\s)or(?=\s)/i.exec(value);
    if (or !== null)
      throw malformed(
        `there is no 'or': ask once for each alternative; if the value of '${field}' has the word in it, write it in quotation marks`,
      );
    if (value === "") throw malformed(`'${field}' is compared with nothing (an empty text is "")`);
    this.#at += end;
    return value;
  }

  #isQuote(): boolean {
    const character = this.#text[this.#at];
    return character === '"' || character === "'";
  }

  #quoted(): string {
    const quote = this.#text[this.#at++]!;
    let value = "";
    for (;;) {
      let character = this.#text[this.#at++];
      if (character === quote) return value;
      if (character === "\\") character = this.#text[this.#at++];
      if (character === undefined) throw malformed(`a quotation mark ${quote} is not closed`);
      value += character;
    }
  }
}

function isBlank(character: string | undefined): boolean {
  return character === " " || character === "\t" || character === "\n" || character === "\r";
}

/** @throws BrokerError INVALID, which says what is wrong with it. */
export function parseFilter(text: string): MessageFilter {
  if (Buffer.byteLength(text) > limits.filterBytesMax)
    throw new BrokerError("LIMIT", `filter of more than ${limits.filterBytesMax} bytes: give a shorter one`);
  const scanner = new Scanner(text);
  const conditions: ((facts: FilterFacts) => boolean)[] = [];
  for (;;) {
    conditions.push(matcherOf(scanner.condition()));
    if (conditions.length > limits.filterConditionsMax)
      throw new BrokerError("LIMIT", `filter of more than ${limits.filterConditionsMax} conditions`);
    if (scanner.isAtEnd) break;
    scanner.and();
  }
  return { matches: (facts) => conditions.every((matches) => matches(facts)) };
}

export interface PartitionName {
  readonly topic: string;
  readonly number: number;
}

/** Messages that died in the queue or stream of that name last, as it is shown; it may be a partition of a topic of another name. */
export function deadLetterOf(name: string, partition: PartitionName | null = null): MessageFilter {
  return {
    matches: (facts) => {
      const found = valueIn(facts, "queue");
      if (found === name) return true;
      if (partition === null || found !== partition.topic) return false;
      const number = textOf(comparable(ofKafkaLetter(facts, "x-troika-partition"))) ?? "0";
      return number === String(partition.number);
    },
  };
}

export function allOf(filter: MessageFilter, other: MessageFilter | null): MessageFilter {
  if (other === null) return filter;
  return { matches: (facts) => filter.matches(facts) && other.matches(facts) };
}

function matcherOf({ field, operator, text }: Condition): (facts: FilterFacts) => boolean {
  if (field === "body") return bodyMatcher(operator, text);
  const wanted = field === "time" ? String(timeIn(text)) : text;
  if (operator === "~") {
    if (field === "time" || field === "deliveries")
      throw malformed(`'${field}' is a number: compare it by =, !=, > or <`);
    return (facts) => textOf(valueIn(facts, field))?.includes(text) ?? false;
  }
  return (facts) => compares(valueIn(facts, field), operator, wanted);
}

function bodyMatcher(operator: Operator, text: string): (facts: FilterFacts) => boolean {
  const bytes = Buffer.from(text);
  const isEqual = ({ body, bodyBytes }: FilterFacts): boolean =>
    bodyBytes === bytes.length && body.subarray(0, bodyBytes).equals(bytes);
  const head = ({ body, bodyBytes }: FilterFacts): Buffer =>
    body.subarray(0, Math.min(bodyBytes, limits.filterBodyBytesMax));
  switch (operator) {
    case "=":
      return isEqual;
    case "!=":
      return (facts) => !isEqual(facts);
    case "~":
      return (facts) => head(facts).includes(bytes);
    default:
      // What decides is at the beginning: where a value and a body have that in common, the body is longer.
      return (facts) => compares(head(facts).toString("utf8", 0, limits.filterBytesMax + 1), operator, text);
  }
}

function timeIn(text: string): number {
  const at = /^\d{1,15}$/.test(text) ? Number(text) : writtenTimeMs(text);
  if (Number.isNaN(at))
    throw malformed(`time '${text}' is no time: give unix ms, or a time such as 2026-01-31T12:00Z`);
  return at;
}

/** NaN: it is none. */
function numberOf(value: string | number): number {
  if (typeof value === "number") return value;
  return numberPattern.test(value) ? Number(value) : NaN;
}

function compares(found: Value, operator: "=" | "!=" | ">" | "<", text: string): boolean {
  if (found === null) return operator === "!=";
  if (operator === "=" || operator === "!=") {
    const isEqual = typeof found === "number" ? found === numberOf(text) : found === text;
    return isEqual === (operator === "=");
  }
  const [left, right] = [numberOf(found), numberOf(text)];
  if (!Number.isNaN(left) && !Number.isNaN(right)) return operator === ">" ? left > right : left < right;
  return operator === ">" ? textOf(found)! > text : textOf(found)! < text;
}

function textOf(value: Value): string | null {
  return value === null ? null : String(value);
}

function valueIn(facts: FilterFacts, field: string): Value {
  const { properties } = facts;
  switch (field) {
    case "time":
      return facts.time;
    case "deliveries":
      return facts.deliveryCount;
    case "exchange":
      return facts.exchange;
    case "key":
      return comparable(headerIn(facts, "x-key") ?? facts.routingKey);
    case "routing-key":
      return facts.routingKey;
    case "message-id":
      return comparable(properties["message_id"]);
    case "correlation-id":
      return comparable(properties["correlation_id"]);
    case "queue":
      return comparable(
        lastDeath(facts)?.["queue"] ??
          headerIn(facts, "troika.key") ??
          ofKafkaLetter(facts, "x-troika-topic"),
      );
    case "reason":
      return comparable(
        lastDeath(facts)?.["reason"] ??
          headerIn(facts, "troika.reason") ??
          ofKafkaLetter(facts, "x-troika-reason"),
      );
    default:
      return comparable(headerIn(facts, field.slice(headerPrefix.length)));
  }
}

function headerIn({ properties, fields }: FilterFacts, name: string): unknown {
  const headers = properties["headers"] as Readonly<Record<string, unknown>> | undefined;
  const value = headers !== undefined && Object.hasOwn(headers, name) ? headers[name] : undefined;
  return value ?? fields?.get(name);
}

/** A record that waits in a retry topic says where it comes from too; only a dead letter has the group. */
function ofKafkaLetter(facts: FilterFacts, name: string): unknown {
  return headerIn(facts, "x-troika-group") === undefined ? undefined : headerIn(facts, name);
}

/** The newest entry of `x-death`, which in a client's own header may be anything. */
function lastDeath(facts: FilterFacts): Readonly<Record<string, unknown>> | null {
  const deaths = headerIn(facts, "x-death");
  const last: unknown = Array.isArray(deaths) ? deaths[0] : null;
  return typeof last === "object" && last !== null ? (last as Readonly<Record<string, unknown>>) : null;
}

/** Lists and tables are their JSON. */
function comparable(value: unknown): Value {
  if (value === undefined || value === null) return null;
  return typeof value === "number" || typeof value === "string" ? value : JSON.stringify(value);
}
