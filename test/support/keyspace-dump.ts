/** What is in a database, for tests that compare it with a model or with another keyspace. */
import assert from "node:assert/strict";
import type { Database } from "../../src/keyspace/database.ts";
import type { KeyTable } from "../../src/keyspace/key-table.ts";
import type { Keyspace } from "../../src/keyspace/keyspace.ts";
import { valueType } from "../../src/keyspace/value-type.ts";
import type { ElementTable } from "../../src/keyspace/values/element-table.ts";
import type { HashValues } from "../../src/keyspace/values/hash.ts";
import type { SortedSetValues } from "../../src/keyspace/values/sorted/sorted-set.ts";
import { orderedRefs, type SetValues } from "../../src/keyspace/values/set.ts";

export interface DumpedValue {
  /** Of a hash: see `textOfHash`; of a set: `textOfSet`; of a sorted set: `textOfScores`. */
  value: string;
  expiry: number;
}

const hashMark = "hash ";

/** A hash as the model keeps it: two that are equal have one text. */
export function textOfHash(fields: ReadonlyMap<string, string>): string {
  return hashMark + JSON.stringify([...fields].toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

export function hashOfText(text: string): Map<string, string> | null {
  return text.startsWith(hashMark) ? new Map(JSON.parse(text.slice(hashMark.length))) : null;
}

/** A field's value as the model keeps it, which expires at that time; 0 for never. */
export function withExpiry(value: string, at: number): string {
  return at === 0 ? value : `${value} until ${at}`;
}

/** When a value of the model expires, and what it is. */
export function expiryOfText(text: string): { value: string; at: number } {
  const found = / until (\d+)$/.exec(text);
  return found === null
    ? { value: text, at: 0 }
    : { value: text.slice(0, found.index), at: Number(found[1]) };
}

const setMark = "set ";

export function textOfSet(members: ReadonlySet<string>): string {
  return setMark + JSON.stringify([...members].toSorted());
}

export function setOfText(text: string): Set<string> | null {
  return text.startsWith(setMark) ? new Set(JSON.parse(text.slice(setMark.length))) : null;
}

const scoresMark = "zset ";

/** In their order. */
export function textOfScores(scores: ReadonlyMap<string, number>): string {
  const sorted = [...scores].toSorted(([a, x], [b, y]) => x - y || (a < b ? -1 : 1));
  return scoresMark + JSON.stringify(sorted);
}

export function scoresOfText(text: string): Map<string, number> | null {
  return text.startsWith(scoresMark) ? new Map(JSON.parse(text.slice(scoresMark.length))) : null;
}

function stringOf(table: KeyTable, entry: number): string {
  table.locate(entry);
  return table.bytes.latin1Slice(table.start, table.end);
}

/** By a walk, and each field is looked up as well. */
function fieldsOf(hashes: HashValues, { content }: Database, entry: number): Map<string, string> {
  const fields = new Map<string, string>();
  const large = hashes.tableOf(content, entry);
  if (large === null) {
    hashes.begin(content, entry);
    while (hashes.next()) {
      const { bytes } = hashes;
      fields.set(
        bytes.latin1Slice(hashes.fieldStart, hashes.fieldEnd),
        withExpiry(bytes.latin1Slice(hashes.start, hashes.end), hashes.expiry),
      );
    }
  } else {
    const refs: number[] = [];
    assert.equal(large.scan(0, Infinity, refs), 0);
    assert.equal(content.values.entryOf(content.idOf(entry)), entry);
    for (const ref of refs) {
      large.locateKey(ref);
      const name = large.bytes.latin1Slice(large.start, large.end);
      const at = large.expiries?.of(large.bytes, large.start, large.end) ?? 0;
      large.locate(ref);
      fields.set(name, withExpiry(large.bytes.latin1Slice(large.start, large.end), at));
    }
    assertExpiries(large, fields);
  }
  assert.ok(fields.size > 0);
  assert.equal(hashes.count(content, entry), fields.size);
  for (const [name, text] of fields) {
    const bytes = Buffer.from(name, "latin1");
    assert.ok(hashes.get(content, entry, bytes, 0, bytes.length), name);
    const found = hashes.bytes.latin1Slice(hashes.start, hashes.end);
    assert.equal(withExpiry(found, hashes.expiryOf(content, entry, bytes, 0, bytes.length)), text);
  }
  return fields;
}

/** As many times as fields have one, and the least is known. */
function assertExpiries({ expiries }: ElementTable, fields: ReadonlyMap<string, string>): void {
  const times = [...fields.values()].map((text) => expiryOfText(text).at).filter((at) => at > 0);
  assert.equal(expiries?.count ?? 0, times.length);
  assert.equal(expiries?.earliest ?? Infinity, Math.min(Infinity, ...times));
}

/** By a walk, and each member is looked up as well. An intset has integers alone, in their order. */
function membersOf(sets: SetValues, { content }: Database, entry: number): Set<string> {
  const members: string[] = [];
  const large = sets.tableOf(content, entry);
  const isIntset = sets.isIntset(content, entry);
  if (large === null) {
    sets.begin(content, entry);
    while (sets.next()) members.push(sets.bytes.latin1Slice(sets.start, sets.end));
  } else {
    const refs: number[] = [];
    assert.equal(large.scan(0, Infinity, refs), 0);
    assert.equal(content.values.entryOf(content.idOf(entry)), entry);
    for (const ref of isIntset ? orderedRefs(large) : refs) {
      large.locateKey(ref);
      members.push(large.bytes.latin1Slice(large.start, large.end));
    }
  }
  assert.ok(members.length > 0);
  assert.equal(sets.count(content, entry), members.length);
  if (isIntset) {
    assert.ok(members.length <= 512);
    for (const [i, member] of members.entries()) {
      assert.equal(String(BigInt(member)), member);
      if (i > 0) assert.ok(BigInt(members[i - 1]!) < BigInt(member), `${members[i - 1]}, then ${member}`);
    }
  }
  for (const member of members) {
    const bytes = Buffer.from(member, "latin1");
    assert.ok(sets.has(content, entry, bytes, 0, bytes.length), member);
  }
  return new Set(members);
}

/** By a walk, and each member is looked up as well, by its name and by its rank. */
function scoresOf(sets: SortedSetValues, { content }: Database, entry: number): Map<string, number> {
  const scores = new Map<string, number>();
  sets.largeOf(content, entry)?.tree.assertSound();
  sets.seek(content, entry, 0);
  while (sets.next()) scores.set(sets.bytes.latin1Slice(sets.start, sets.end), sets.score);
  assert.ok(scores.size > 0);
  assert.equal(sets.count(content, entry), scores.size);
  let rank = 0;
  for (const [member, score] of scores) {
    const bytes = Buffer.from(member, "latin1");
    assert.equal(sets.rankOf(content, entry, bytes, 0, bytes.length), rank++, member);
    assert.equal(sets.score, score);
  }
  return scores;
}

/** By a scan, and each key is looked up as well. */
export function dumpDatabase(
  { hashes, sets, sortedSets }: Keyspace,
  database: Database,
): Map<string, DumpedValue> {
  const { table } = database;
  const entries: number[] = [];
  let cursor = 0;
  do cursor = table.scan(cursor, entries);
  while (cursor !== 0);
  assert.equal(entries.length, table.count);
  const dump = new Map<string, DumpedValue>();
  for (const found of entries) {
    if (database.isDue(found)) continue;
    const entry = database.freshHash(found);
    if (entry === 0) continue;
    table.locateKey(entry);
    const key = Buffer.from(table.bytes.subarray(table.start, table.end));
    assert.equal(database.find(key, 0, key.length), entry);
    const type = table.type(entry);
    let value = "";
    if (type === valueType.hash) value = textOfHash(fieldsOf(hashes, database, entry));
    else if (type === valueType.set) value = textOfSet(membersOf(sets, database, entry));
    else if (type === valueType.sortedSet) value = textOfScores(scoresOf(sortedSets, database, entry));
    else value = stringOf(table, entry);
    dump.set(key.latin1Slice(), { value, expiry: table.expiry(entry) });
  }
  return dump;
}
