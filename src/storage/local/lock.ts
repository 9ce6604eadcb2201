/**
 * One process at a time holds a data directory.
 *
 * Node and Bun have no file locks of their own, but both bring SQLite, which has: an exclusive transaction on the empty
 * database `LOCK.db` is a lock that the kernel keeps. It knows files, not process ids, so it holds between containers that
 * share a volume, and the kernel gives it back when the holder dies, reaped or not.
 * The lock is on the file, not on its name: when `LOCK.db` is deleted or replaced by hand, another broker could lock the
 * new one. Two things are against that. `lossOf` tells the holder, who looks now and then. And `LOCK`, which tells people
 * who the holder is, also names the process in a way that is never true of another (process-identity.ts): while that
 * process lives the directory is refused. Without `LOCK` nothing else changes.
 * Not here: what a data directory may hold (data-directory.ts), what a holder does that has lost its lock (embed.ts).
 * Invariant: nothing in this process opens `LOCK.db` but the holder: POSIX takes the lock away when any other descriptor of
 * the file is closed.
 */
import fs from "node:fs";
import os from "node:os";
import { dirname } from "node:path";
import type { DatabaseSync } from "node:sqlite";
import { StartError } from "../../base/errors.ts";
import { assertDirectory } from "./data-directory.ts";
import { isAlive, ownIdentity } from "./process-identity.ts";

const lockTextName = "LOCK";
const lockFileName = "LOCK.db";
const sqliteBusy = 5;

const heldHere = new Set<string>();

export interface DirectoryLock {
  /** Why another process may hold the directory too by now; null while none can. Costs one stat. */
  lossOf(): string | null;
  /** Gives it back. */
  release(): void;
}

/** Takes the lock. Throws StartError(1) naming the holder. */
export function lockDirectory(directory: string): DirectoryLock {
  try {
    assertDirectory(directory);
    fs.mkdirSync(directory, { recursive: true });
  } catch (error) {
    if (error instanceof StartError) throw error;
    const { message } = error as Error;
    throw new StartError(
      1,
      `data directory ${directory} cannot be made: ${message}; make it yourself, for the user that runs the broker, or choose another --data-dir`,
    );
  }
  const real = fs.realpathSync(directory);
  if (heldHere.has(real)) {
    throw new StartError(1, `data directory ${directory} is in use by another broker in this process`);
  }
  const textPath = `${real}/${lockTextName}`;
  const lockPath = `${real}/${lockFileName}`;
  const database = hold(lockPath, directory, textPath);
  const { id } = identityOf(real);
  const held = identityOf(lockPath);
  if (isHolderAlive(textPath, id)) {
    database.close();
    throw new StartError(
      1,
      `data directory ${directory} is in use by ${holderIn(textPath)}, though its ${lockFileName} has been deleted or replaced; stop that process or choose another --data-dir`,
    );
  }
  heldHere.add(real);
  tellHolder(textPath, id);
  return {
    lossOf() {
      const now = identityOf(lockPath);
      if (now.code === "ENOENT") return `${lockPath} has been deleted`;
      // What cannot be looked at now (a disk that fails) says nothing.
      if (now.code !== null || now.id === held.id) return null;
      return `${lockPath} has been replaced by another file`;
    },
    release() {
      heldHere.delete(real);
      try {
        fs.rmSync(textPath, { force: true });
      } finally {
        database.close();
      }
    },
  };
}

/** Device and inode of a path, which opens nothing; or why they are not known. */
function identityOf(path: string): { id: string; code: string | null } {
  try {
    const { dev, ino } = fs.statSync(path, { bigint: true });
    return { id: `${dev}:${ino}`, code: null };
  } catch (error) {
    return { id: "", code: (error as NodeJS.ErrnoException).code ?? "" };
  }
}

/** The open database is the lock. */
function hold(path: string, directory: string, textPath: string): DatabaseSync {
  let database: DatabaseSync | undefined;
  try {
    // SQLite opens for reading what it may not write to, and such a lock is shared.
    fs.accessSync(fs.existsSync(path) ? path : dirname(path), fs.constants.W_OK);
    database = new (sqlite().DatabaseSync)(path);
    // Nothing is ever written: a full disk must not stop a start.
    database.exec("PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE");
    return database;
  } catch (error) {
    database?.close();
    const code = (error as { errcode?: number }).errcode ?? 0;
    // The low byte is the primary code.
    if ((code & 0xff) !== sqliteBusy) throw unlockable(directory, error as Error);
    throw new StartError(
      1,
      `data directory ${directory} is in use by ${holderIn(textPath)}; stop it or choose another --data-dir`,
    );
  }
}

/** Loaded for who locks only. Node versions whose SQLite is still experimental would print a warning of it. */
function sqlite(): typeof import("node:sqlite") {
  const emitWarning = process.emitWarning.bind(process);
  const before = Object.getOwnPropertyDescriptor(process, "emitWarning")!;
  process.emitWarning = (warning: string | Error, ...rest: unknown[]): void => {
    if (String(warning).includes("SQLite is an experimental feature")) return;
    Reflect.apply(emitWarning, undefined, [warning, ...rest]);
  };
  try {
    const module = process.getBuiltinModule("node:sqlite");
    if (module === undefined) {
      throw new Error(
        "this runtime has no node:sqlite; use Node 22.15 or later, or the Bun that troikamq brings",
      );
    }
    return module;
  } finally {
    Object.defineProperty(process, "emitWarning", before);
  }
}

/** In place: a full disk has room for it where a holder before has been. The lock does without, so it may fail. */
function tellHolder(path: string, directoryId: string): void {
  try {
    const descriptor = fs.openSync(path, "w", 0o640);
    try {
      fs.writeSync(descriptor, `${process.pid} ${os.hostname()} `);
      fs.writeSync(descriptor, `${fs.fstatSync(descriptor).mtime.toISOString()} `);
      // Of this directory only: a copy of it holds a copy of this text.
      fs.writeSync(descriptor, `${directoryId} ${ownIdentity()}\n`);
    } finally {
      fs.closeSync(descriptor);
    }
  } catch {
    // The message of whoever finds the lock taken says less.
  }
}

function holderIn(path: string): string {
  try {
    const [pid, host, since] = fs.readFileSync(path, "utf8").trim().split(" ");
    if (pid !== undefined && host !== undefined && since !== undefined)
      return `process ${pid} on host ${host} since ${since}`;
  } catch {
    // The holder is starting, or could not write it.
  }
  return "another process";
}

/** Whether the text names another process that lives, as holder of this very directory. */
function isHolderAlive(path: string, directoryId: string): boolean {
  try {
    const [pid, , , directory, identity] = fs.readFileSync(path, "utf8").trim().split(" ");
    if (pid === undefined || directory !== directoryId || identity === undefined) return false;
    return Number(pid) !== process.pid && isAlive(Number(pid), identity);
  } catch {
    return false;
  }
}

/** Read-only, full, another's, or a file system without locks: the system says which. */
function unlockable(directory: string, { message }: Error): StartError {
  const advice = "let the user that runs the broker write there, or choose another --data-dir";
  return new StartError(1, `data directory ${directory} cannot be locked: ${message}; ${advice}`);
}
