/**
 * Contexts: names for the brokers that somebody works with, in one file of the user's config folder.
 *
 *     {"current": "local", "contexts": {"local": {"url": "http://127.0.0.1:15672", "user": "guest", "password": "…", "vhost": "/"}}}
 *
 * Invariants: the file may hold passwords, so only its user can read it; it is replaced whole, so a reader never sees half of it.
 */
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { CliFault } from "../fault.ts";

export interface Context {
  readonly url: string;
  readonly user?: string;
  readonly password?: string;
  readonly vhost?: string;
}

export interface Contexts {
  /** Null: none is used unless it is named. */
  readonly current: string | null;
  readonly contexts: Readonly<Record<string, Context>>;
}

type Environment = Readonly<Record<string, string | undefined>>;

export function contextsFile(environment: Environment): string {
  const folder =
    environment["XDG_CONFIG_HOME"] ||
    (process.platform === "win32" ? environment["APPDATA"] : undefined) ||
    path.join(environment["HOME"] || os.homedir(), ".config");
  return path.join(folder, "troikamq", "contexts.json");
}

function isContext(value: unknown): value is Context {
  if (typeof value !== "object" || value === null) return false;
  const { url, user, password, vhost } = value as Record<string, unknown>;
  const isTextOrAbsent = (text: unknown): boolean => text === undefined || typeof text === "string";
  return typeof url === "string" && [user, password, vhost].every(isTextOrAbsent);
}

/** No file is no contexts. @throws CliFault */
export function readContexts(environment: Environment): Contexts {
  const file = contextsFile(environment);
  let text: string;
  try {
    text = fs.readFileSync(file, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return { current: null, contexts: {} };
    throw new CliFault("usage", `the contexts cannot be read: ${(error as Error).message}`);
  }
  const bad = new CliFault("usage", `${file} is no file of contexts; mend it, or remove it`);
  let value: { current?: unknown; contexts?: unknown } | null;
  try {
    value = JSON.parse(text) as typeof value;
  } catch {
    throw bad;
  }
  const { current = null, contexts = {} } = value ?? {};
  if (current !== null && typeof current !== "string") throw bad;
  if (typeof contexts !== "object" || contexts === null) throw bad;
  if (!Object.values(contexts).every(isContext)) throw bad;
  return { current, contexts: contexts as Contexts["contexts"] };
}

/** @throws CliFault */
export function writeContexts(environment: Environment, contexts: Contexts): void {
  const file = contextsFile(environment);
  const next = `${file}.${process.pid}`;
  try {
    fs.mkdirSync(path.dirname(file), { recursive: true, mode: 0o700 });
    fs.writeFileSync(next, `${JSON.stringify(contexts, null, 2)}\n`, { mode: 0o600 });
    fs.renameSync(next, file);
  } catch (error) {
    throw new CliFault("usage", `the contexts cannot be written: ${(error as Error).message}`);
  }
}

/** @throws CliFault */
export function contextNamed({ contexts }: Contexts, name: string): Context {
  if (Object.hasOwn(contexts, name)) return contexts[name]!;
  const names = Object.keys(contexts);
  const advice =
    names.length === 0
      ? "there are none yet: troikamq context add NAME URL"
      : `there are ${names.join(", ")}`;
  throw new CliFault("notFound", `no context is called ${JSON.stringify(name)}; ${advice}`);
}
