/**
 * Settings for each start (`--redis-settings`): what CONFIG SET would take, written as in redis.conf.
 *
 * A semicolon or the end of a line stands between two of them, `#` begins a comment, and quotes around a value are left out. Not here:
 * what a value may be (settings.ts). Invariant: either all of them are taken or none.
 */
import { BrokerError } from "../../../../base/errors.ts";
import { nearest } from "../../../../base/text/nearest.ts";
import type { ServerSettings } from "../settings.ts";

/** Takes all of them. @throws BrokerError INVALID, which names the one that is wrong */
export function takeSettingsText(settings: ServerSettings, text: string): void {
  const given = new Map<string, string>();
  for (const [name, value] of entriesOf(text)) {
    const problem = problemOf(settings, given, name);
    if (problem !== null) throw refusal(name, problem);
    const parsed = settings.parse(name, value);
    if ("problem" in parsed) throw refusal(`${name} ${value}`, parsed.problem);
    given.set(name, parsed.value);
  }
  for (const [name, value] of given) settings.set(name, value);
}

function* entriesOf(text: string): Generator<readonly [name: string, value: string]> {
  for (const line of text.split(/[;\n]/)) {
    const entry = line.trim();
    if (entry === "" || entry.startsWith("#")) continue;
    const [name = "", value = ""] = entry.split(/\s+(.*)/s);
    yield [name.toLowerCase(), /^(["'])(.*)\1$/s.exec(value)?.[2] ?? value];
  }
}

function problemOf(
  settings: ServerSettings,
  given: ReadonlyMap<string, string>,
  name: string,
): string | null {
  if (name === "requirepass") return "give the password by --password, or by ACL SETUSER";
  if (!settings.values.has(name)) {
    const meant = nearest(name, [...settings.values.keys()]);
    return `redis has no such setting${meant === undefined ? "" : `; did you mean ${meant}?`}`;
  }
  if (given.has(name)) return "it is there twice";
  if (settings.fixedProblem(name) === null) return null;
  return "CONFIG SET does not take it either; docs/from-redis.md names the options that stand for redis.conf's";
}

function refusal(entry: string, problem: string): BrokerError {
  return new BrokerError("INVALID", `--redis-settings: ${entry}: ${problem}`);
}
