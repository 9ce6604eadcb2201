/**
 * Whether a path may be a data directory: the broker makes and deletes files in it, so it must not be anybody else's.
 *
 * Not here: what is in its files (check.ts, recovery.ts), who holds it (lock.ts).
 */
import fs from "node:fs";
import { StartError } from "../../base/errors.ts";
import { begunMarkerName } from "../journal/begun-marker.ts";
import { isJournalFileName } from "../journal/journal-file.ts";

/** What a broker makes at the top of its directory. */
const ownNames = /^(LOCK|LOCK\.db(-journal)?|BEGUN|BEGUN\.tmp|RESERVE|journal|segments|set-aside|trace)$/;
/** What an empty volume may hold. */
const neutralNames = new Set(["lost+found", ".snapshot", ".zfs", ".DS_Store", ".gitignore", ".gitkeep"]);
const namesShownMax = 3;

/** Throws StartError(1) where the path is something other than a directory. */
export function assertDirectory(path: string): void {
  const stat = fs.statSync(path, { throwIfNoEntry: false });
  if (stat !== undefined && !stat.isDirectory())
    throw new StartError(1, `data directory ${path} is not a directory; choose another --data-dir`);
}

export function assertPresentDirectory(path: string): void {
  assertDirectory(path);
  if (!fs.existsSync(path))
    throw new StartError(1, `data directory ${path} does not exist; give the --data-dir of a broker`);
}

/** Throws StartError(1) where the directory holds things and no journal: then it is not the broker's. */
export function assertOwnDirectory(path: string): void {
  assertDirectory(path);
  if (!fs.existsSync(path)) return;
  let names: string[];
  try {
    names = fs.readdirSync(path);
  } catch (error) {
    throw new StartError(1, `data directory ${path} cannot be read: ${(error as Error).message}`);
  }
  const foreign = names.filter((name) => !ownNames.test(name) && !neutralNames.has(name)).toSorted();
  if (foreign.length === 0 || names.includes(begunMarkerName)) return;
  if (names.includes("journal") && isJournalDirectory(`${path}/journal`)) return;
  const shown = foreign.slice(0, namesShownMax).join(", ") + (foreign.length > namesShownMax ? ", …" : "");
  throw new StartError(
    1,
    `data directory ${path} holds other things (${shown}) and no journal of TroikaMQ; give --data-dir an empty directory or a new one`,
  );
}

function isJournalDirectory(path: string): boolean {
  try {
    return fs.readdirSync(path).some(isJournalFileName);
  } catch {
    return false;
  }
}
