/**
 * Answers with a list: found, filtered, sorted, cut into a page, and shown field by field, as RabbitMQ's API does it.
 *
 *     ?page=1&page_size=100    a page, with counts around it; without them the list is an array of all
 *     &name=TEXT               items whose name has the text in it; with &use_regex=true: whose name matches it
 *     &sort=FIELD&sort_reverse=true      by a field, which may be a path such as message_stats.publish_details.rate
 *     &columns=a,b.c           only these fields
 *
 * The shape of an item is a table of fields, each made by a function. Only the fields of items on the page are made, and for the
 * others the one that sorts. Invariant: however long the list, no turn makes more than a piece of it, its JSON included.
 */
import { matchingUnits, Regex } from "../../base/patterns/regex.ts";
import { type Job, resultOf } from "../../base/turn-work.ts";
import type { Broker } from "../../broker/broker.ts";
import { sortedInSlices } from "../../base/sliced-sort.ts";
import { json, Refusal } from "../answers.ts";
import { badRequest } from "./body.ts";
import type { Answer } from "./endpoint.ts";
import { itemsText, TextPieces } from "./text-pieces.ts";

/** By a field's name, how it is made; undefined leaves it out. */
export type Fields<Item> = Readonly<Record<string, (item: Item) => unknown>>;

export interface ListOf<Item> {
  /** Null: one that was looked at and is not in the list, which counts as work too. */
  readonly items: Iterable<Item | null>;
  /** What it costs to come to the next of them; `unitsOfLook` if absent. */
  readonly unitsOfNext?: number;
  /** The broker's name: a latin1 string of its bytes. */
  readonly nameOf: (item: Item) => string;
  /** Before the name in the usual order, such as the virtual host's name. */
  readonly groupOf?: (item: Item) => string;
  /** The field that comes before both, where the query names none. */
  readonly usualSort?: string;
  readonly fields: Fields<Item>;
}

/** What the query of a list may say, for the endpoint's row. */
export const listQuery = {
  page: "number of a page, from 1",
  page_size: "items of a page, 1 to 500; 100 if it is not given",
  name: "only items whose name contains this",
  use_regex: "true: name is a regular expression",
  sort: "the field to sort by; it may be a path with dots",
  sort_reverse: "true: the largest first",
  columns: "only these fields, with commas between; they may be paths with dots",
} as const;

/** The same of a list that has no pages. */
export const plainListQuery = {
  sort: listQuery.sort,
  sort_reverse: listQuery.sort_reverse,
  columns: listQuery.columns,
} as const;

const pageSizeMax = 500;
const pageSizeUsual = 100;
/** Looking at an item, making the field that sorts it, making it whole. */
const unitsOfLook = 1;
const unitsOfField = 1;
const unitsOfShow = 12;
const unitsOfPiece = 200;
const itemsOfPiece = 16;

/** Answers with the list, in slices. */
export function list<Item>(broker: Broker, query: URLSearchParams, all: ListOf<Item>): Promise<Answer> {
  const wanted = read(query);
  return resultOf(broker.work, answered(all, wanted));
}

/** A list that RabbitMQ neither filters by name nor cuts into pages. */
export function plainList<Item>(broker: Broker, query: URLSearchParams, all: ListOf<Item>): Promise<Answer> {
  const known = [...query].filter(([name]) => Object.hasOwn(plainListQuery, name));
  return list(broker, new URLSearchParams(known), all);
}

/** One item whole, or the columns of it that the query asks for. */
export function shown<Item>(item: Item, fields: Fields<Item>, query: URLSearchParams): object {
  return itemOf(item, fields, read(query).columns);
}

interface Wanted {
  /** Null: no pages. */
  readonly page: number | null;
  readonly pageSize: number;
  readonly matches: ((name: string) => boolean) | null;
  readonly sort: readonly string[] | null;
  readonly isReversed: boolean;
  readonly columns: readonly (readonly string[])[] | null;
}

function read(query: URLSearchParams): Wanted {
  const given = (name: string): string | null => query.get(name) || null;
  const page = given("page");
  return {
    ...pageOf(page, given("page_size")),
    matches: nameFilter(given("name"), query.get("use_regex") === "true"),
    sort: given("sort")?.split(".") ?? null,
    isReversed: query.get("sort_reverse") === "true",
    columns:
      given("columns")
        ?.split(",")
        .map((path) => path.split(".")) ?? null,
  };
}

/** With RabbitMQ's words: without a page, its size means nothing. */
function pageOf(page: string | null, size: string | null): Pick<Wanted, "page" | "pageSize"> {
  if (page === null) return { page: null, pageSize: pageSizeUsual };
  if (![page, size ?? "0"].every((text) => /^-?\d+$/.test(text))) throw invalidPages();
  const [pageNumber, pageSize] = [Number(page), size === null ? pageSizeUsual : Number(size)];
  if (pageNumber >= 1 && pageSize >= 1 && pageSize <= pageSizeMax) return { page: pageNumber, pageSize };
  const reason = `Invalid pagination parameters: page number ${page}, page size ${size ?? "undefined"}`;
  throw new Refusal(400, "invalid_pagination_parameters", reason);
}

function invalidPages(): Refusal {
  return badRequest("Pagination parameters are invalid");
}

function nameFilter(text: string | null, isRegex: boolean): Wanted["matches"] {
  if (text === null) return null;
  const bytes = Buffer.from(text).latin1Slice();
  if (!isRegex) {
    const lower = bytes.toLowerCase();
    return (name) => name.toLowerCase().includes(lower);
  }
  try {
    const regex = new Regex(bytes);
    return (name) => regex.test(name);
  } catch {
    throw invalidPages();
  }
}

interface Found<Item> {
  readonly item: Item;
  /** What it is sorted by; among equals, by group and name. */
  readonly key: unknown;
  readonly group: string;
  readonly name: string;
}

function inOrder<Item>(one: Found<Item>, other: Found<Item>): number {
  if (one.key !== other.key) {
    const order = compare(one.key, other.key);
    if (order !== 0) return order;
  }
  if (one.group !== other.group) return one.group < other.group ? -1 : 1;
  if (one.name === other.name) return 0;
  return one.name < other.name ? -1 : 1;
}

function* answered<Item>(all: ListOf<Item>, wanted: Wanted): Job<Answer> {
  const { fields } = all;
  const { page, pageSize, columns } = wanted;
  const { found, total } = yield* chosen(all, wanted);
  if (page === null) return yield* wholeList(found, fields, columns);
  const from = (page - 1) * pageSize;
  if (from >= found.length && page !== 1)
    throw new Refusal(
      400,
      "page_out_of_range",
      `Page out of range, page: ${page} page size: ${pageSize}, len: ${found.length}`,
    );
  const onPage: object[] = [];
  for (const items of itemsOf(found.slice(from, from + pageSize), fields, columns)) {
    onPage.push(...items);
    yield unitsOfShow * items.length;
  }
  return json(200, {
    filtered_count: found.length,
    item_count: onPage.length,
    items: onPage,
    page,
    page_count: Math.ceil(found.length / pageSize),
    page_size: pageSize,
    total_count: total,
  });
}

/** All items as one array, whose text is made piece by piece. */
function* wholeList<Item>(
  found: readonly Found<Item>[],
  fields: Fields<Item>,
  columns: Wanted["columns"],
): Job<Answer> {
  const text = new TextPieces();
  text.write("[");
  let isFirst = true;
  for (const items of itemsOf(found, fields, columns)) {
    text.write(itemsText(items, isFirst));
    isFirst = false;
    yield unitsOfShow * items.length;
  }
  text.write("]\n");
  return text.answer();
}

/** The items that match, in order. */
function* chosen<Item>(
  { items, unitsOfNext = unitsOfLook, nameOf, groupOf, usualSort, fields }: ListOf<Item>,
  { matches, sort: given, isReversed }: Wanted,
): Job<{ readonly found: Found<Item>[]; readonly total: number }> {
  const sort = given ?? (usualSort === undefined ? null : [usualSort]);
  let found: Found<Item>[] = [];
  let total = 0;
  let units = 0;
  for (const item of items) {
    if (item !== null) total++;
    const unitsBefore = matchingUnits();
    const isWanted = item !== null && (matches === null || matches(nameOf(item)));
    units += matchingUnits() - unitsBefore;
    if (isWanted) {
      const key = sort === null ? null : valueAt(item, fields, sort);
      found.push({ item, key, group: groupOf?.(item) ?? "", name: nameOf(item) });
    }
    units += unitsOfNext + (sort === null ? 0 : unitsOfField);
    if (units < unitsOfPiece) continue;
    yield units;
    units = 0;
  }
  found = yield* sortedInSlices(found, inOrder);
  if (isReversed) found.reverse();
  return { found, total };
}

/** The items as they are shown, in pieces of a turn's work. */
function* itemsOf<Item>(
  found: readonly Found<Item>[],
  fields: Fields<Item>,
  columns: Wanted["columns"],
): Generator<object[], void> {
  for (let at = 0; at < found.length; at += itemsOfPiece)
    yield found.slice(at, at + itemsOfPiece).map(({ item }) => itemOf(item, fields, columns));
}

function itemOf<Item>(item: Item, fields: Fields<Item>, columns: Wanted["columns"]): object {
  const made: Record<string, unknown> = {};
  if (columns === null) {
    for (const [name, field] of Object.entries(fields)) {
      const value = field(item);
      if (value !== undefined) made[name] = value;
    }
    return made;
  }
  for (const path of columns) {
    const value = valueAt(item, fields, path);
    if (value !== undefined) put(made, path, value);
  }
  return made;
}

function put(into: Record<string, unknown>, path: readonly string[], value: unknown): void {
  let object = into;
  for (const name of path.slice(0, -1)) {
    const next = Object.hasOwn(object, name) ? object[name] : undefined;
    if (typeof next !== "object" || next === null) object[name] = {};
    object = object[name] as Record<string, unknown>;
  }
  Object.defineProperty(object, path.at(-1)!, {
    value,
    enumerable: true,
    writable: true,
    configurable: true,
  });
}

function valueAt<Item>(item: Item, fields: Fields<Item>, [first, ...rest]: readonly string[]): unknown {
  let value: unknown = Object.hasOwn(fields, first!) ? fields[first!]!(item) : undefined;
  for (const name of rest) {
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, name)) return undefined;
    value = (value as Record<string, unknown>)[name];
  }
  return value;
}

/** Numbers before texts, and what is not there is 0, as Erlang's terms compare closely enough. */
function compare(given: unknown, than: unknown): number {
  const [one, other] = [given ?? 0, than ?? 0];
  if (one === other) return 0;
  if (typeof one === typeof other) return (one as number) < (other as number) ? -1 : 1;
  return typeof one === "number" ? -1 : 1;
}
