/**
 * Which keys a command needs to itself, or unchanged, while it goes on over several turns.
 *
 * Streams are not among them: they are logs, which other protocols write too, and readers of logs keep their place by offsets. Neither
 * are the keys that SORT finds by patterns, nor those that a script does not name. Invariant: what two commands want is in each other's way
 * exactly where one may change what the other looks at.
 */
import { databaseCount } from "../../../../keyspace/keyspace.ts";
import type { RequestArguments } from "../../wire/request-arguments.ts";
import { findKeys } from "../command-keys.ts";
import type { CommandSpec, KeyFlag } from "../command-spec.ts";
import type { KeyMode, KeyWant } from "./key-modes.ts";

/** A command with more keys wants the whole database: a want for each of a million keys would be long work itself. */
const singleKeysMax = 256;

export interface WantingCommand {
  readonly spec: CommandSpec;
  readonly request: RequestArguments;
}

/** What commands want that run in one turn, the caller having selected that database. */
export function wantsOf(commands: readonly WantingCommand[], database: number): readonly KeyWant[] {
  let at = database;
  let wants: KeyWant[] = [];
  for (const { spec, request } of commands) {
    at = spec.selects?.(request) ?? at;
    addWants(wants, spec, request, at);
    if (wants.length > singleKeysMax) wants = wholeOf(wants);
  }
  return wants;
}

function addWants(wants: KeyWant[], spec: CommandSpec, request: RequestArguments, database: number): void {
  if (spec.claims === "database") wants.push(whole(database));
  if (spec.claims === "all") for (let number = 0; number < databaseCount; number++) wants.push(whole(number));
  if (spec.keys.length === 0 || spec.group === "stream") return;
  const found = findKeys(spec, request, false, singleKeysMax) ?? [];
  if (found.length > singleKeysMax) {
    wants.push(whole(database, spec.keys.some(({ flags }) => isWritten(spec, flags)) ? "written" : "read"));
    return;
  }
  for (const { index, flags } of found) {
    const key = request.latin1(index);
    const mode = isWritten(spec, flags) ? "written" : "read";
    const databases = spec.keyDatabases?.(request, index, database) ?? [database];
    for (const number of databases) wants.push({ database: number, key, mode });
  }
}

/** The same for a job that writes what it has made aside, in one step at its end. */
export function madeAside(wants: readonly KeyWant[]): readonly KeyWant[] {
  return wants.map((want) => (want.mode === "written" ? { ...want, mode: "aside" } : want));
}

/** Readers that keep something beside a value (PFCOUNT) are marked so at their keys. */
function isWritten(spec: CommandSpec, flags: readonly KeyFlag[]): boolean {
  return !flags.includes("RO") && (spec.write || flags.includes("RW"));
}

function whole(database: number, mode: KeyMode = "written"): KeyWant {
  return { database, key: null, mode };
}

/** The same with whole databases. */
function wholeOf(wants: readonly KeyWant[]): KeyWant[] {
  const written = new Map<number, KeyMode>();
  for (const { database, mode } of wants)
    if (mode !== "read" || !written.has(database)) written.set(database, mode === "read" ? mode : "written");
  return [...written].map(([database, mode]) => whole(database, mode));
}
