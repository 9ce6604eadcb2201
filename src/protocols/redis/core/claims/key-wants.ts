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
    if (spec.name === "select") at = databaseOf(request, 1) ?? at;
    addWants(wants, spec, request, at);
    if (wants.length > singleKeysMax) wants = wholeOf(wants);
  }
  return wants;
}

function addWants(wants: KeyWant[], spec: CommandSpec, request: RequestArguments, database: number): void {
  if (spec.claims === "database") wants.push(whole(database));
  if (spec.claims === "all") for (let number = 0; number < databaseCount; number++) wants.push(whole(number));
  if (spec.keys.length === 0 || spec.group === "stream") return;
  for (const { index, flags } of findKeys(spec, request) ?? []) {
    const key = request.latin1(index);
    const mode = modeOf(spec, flags);
    const other = otherDatabase(spec, request, index);
    if (other !== "instead") wants.push({ database, key, mode });
    if (other === undefined) continue;
    const target = databaseOf(request, other === "instead" ? copyTarget(request) : 2);
    if (target !== undefined) wants.push({ database: target, key, mode });
  }
}

/** The same for a job that writes what it has made aside, in one step at its end. */
export function madeAside(wants: readonly KeyWant[]): readonly KeyWant[] {
  return wants.map((want) => (want.mode === "written" ? { ...want, mode: "aside" } : want));
}

/** Readers that keep something beside a value (PFCOUNT) are marked so at their keys. */
function modeOf(spec: CommandSpec, flags: readonly KeyFlag[]): KeyMode {
  return !flags.includes("RO") && (spec.write || flags.includes("RW")) ? "written" : "read";
}

/** MOVE needs its key in two databases; COPY its target in that of DB. */
function otherDatabase(
  { name }: CommandSpec,
  request: RequestArguments,
  index: number,
): "too" | "instead" | undefined {
  if (name === "move") return "too";
  return name === "copy" && index === 2 && copyTarget(request) > 0 ? "instead" : undefined;
}

/** The argument behind the last DB of COPY, or 0. */
function copyTarget(request: RequestArguments): number {
  for (let index = request.argumentCount - 2; index >= 3; index--)
    if (request.is(index, "DB")) return index + 1;
  return 0;
}

function databaseOf(request: RequestArguments, index: number): number | undefined {
  if (index >= request.argumentCount) return undefined;
  const number = request.integer(index);
  return number >= 0 && number < databaseCount ? number : undefined;
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
