/**
 * `troikamq check`: verifies a data directory that no broker uses, and says what is wrong where.
 *
 * It reads every journal and segment file frame by frame, then runs the start-up itself over a disk that only seems to
 * change, and reads every record of every log that a definition names. It changes nothing (`repair.ts` does).
 * A definition names its log by a number `log`, its cursor's state by `cursor` and another state by `state`: no more is
 * known of definitions here.
 */
import type { Disk } from "../../base/disk.ts";
import { BrokerError, StartError } from "../../base/errors.ts";
import { begunMarkerName } from "../journal/begun-marker.ts";
import { checkStopMarker } from "../journal/stop-marker.ts";
import { checkSegment, findDamage, readWhole } from "./check-files.ts";
import { isJournalFileName, journalHeaderBytes } from "../journal/journal-file.ts";
import { assertPresentDirectory } from "../local/data-directory.ts";
import { localDisk } from "../local/disk.ts";
import { type DirectoryLock, lockDirectory } from "../local/lock.ts";
import type { Log } from "../log/log.ts";
import { LogReader } from "../log/log-reader.ts";
import { readOnly } from "./read-only-disk.ts";
import { openJournalFiles, scanJournal } from "../journal/recovery.ts";
import { isSegmentFileName, parseSegmentFileName } from "../segment/segment-format.ts";
import type { DurableState } from "../state/state.ts";
import { Storage, type StorageOptions } from "../storage.ts";

export interface CheckResult {
  ok: boolean;
  /** What was found, one sentence each; the last one sums up. */
  lines: string[];
}

export interface Findings {
  problems: string[];
  notes: string[];
  files: number;
  frames: number;
  logs: number;
  records: number;
}

const restore = "restore the file from a backup";

/** Verifies the data directory `path`. Refuses one that a broker has open. */
export function checkDataDirectory(path: string, disk: Disk = localDisk): Promise<CheckResult> {
  return checkedAlone(path, disk, async () => verdictOf(path, await findProblems(path, disk)));
}

/** Does `work` on a data directory while nobody else can; says so when it is none, or is in use. */
export async function checkedAlone(
  path: string,
  disk: Disk,
  work: () => Promise<CheckResult>,
): Promise<CheckResult> {
  if (disk === localDisk) {
    const refusal = refusalOf(() => assertPresentDirectory(path));
    if (refusal !== null) return refusal;
  }
  if (!disk.list(`${path}/journal`).some(isJournalFileName)) {
    const isBereft =
      disk.list(path).includes(begunMarkerName) || disk.list(`${path}/segments`).some(isSegmentFileName);
    const what = isBereft
      ? "has lost its journal, which says what is where: nothing can be kept without it; restore the whole directory from a backup"
      : "holds no journal; is it a data directory of TroikaMQ?";
    return { ok: false, lines: [`${path}: ${what}`] };
  }
  let lock: DirectoryLock | null = null;
  const refusal = refusalOf(() => {
    if (disk === localDisk) lock = lockDirectory(path);
  });
  if (refusal !== null) return refusal;
  try {
    return await work();
  } finally {
    (lock as DirectoryLock | null)?.release();
  }
}

/** What to say where the step throws a StartError. */
function refusalOf(step: () => void): CheckResult | null {
  try {
    step();
    return null;
  } catch (error) {
    if (!(error instanceof StartError)) throw error;
    return { ok: false, lines: [`${error.message}; nothing was checked`] };
  }
}

export function verdictOf(path: string, found: Findings): CheckResult {
  const ok = found.problems.length === 0;
  const summary = `${found.files} files, ${found.frames} frames, ${found.logs} logs, ${found.records} records`;
  const verdict = ok ? "ok" : `${found.problems.length} problems`;
  return { ok, lines: [...found.problems, ...found.notes, `${path}: ${verdict}: ${summary}`] };
}

export async function findProblems(path: string, disk: Disk): Promise<Findings> {
  const found: Findings = { problems: [], notes: [], files: 0, frames: 0, logs: 0, records: 0 };
  if (!disk.list(path).includes(begunMarkerName))
    found.notes.push(`${path}/${begunMarkerName}: is missing; the next start makes it again`);
  checkJournal(path, disk, found);
  const storage = await startUp(path, disk, found);
  const used = new Set<string>();
  for (const log of storage?.logs.values() ?? []) {
    found.logs++;
    readLog(log, found);
    for (const { baseOffset, endOffset } of log.segments) used.add(`${log.id}-${baseOffset}-${endOffset}`);
  }
  checkSegments(path, disk, found, storage === null ? null : used);
  for (const { file } of storage?.journal?.files ?? []) file.close();
  await storage?.cleaner?.closeFiles();
  return found;
}

/** Runs `look`, and makes a problem of what it throws. */
function attempt<T>(found: Findings, look: () => T): T | null {
  try {
    return look();
  } catch (error) {
    found.problems.push(error instanceof BrokerError ? error.message : String(error));
    return null;
  }
}

function checkJournal(path: string, disk: Disk, found: Findings): void {
  const directory = `${path}/journal`;
  for (const name of disk.list(directory)) {
    if (!isJournalFileName(name)) continue;
    found.files++;
    const file = disk.open(`${directory}/${name}`, "read");
    const bytes = readWhole(file);
    file.close();
    found.frames += findDamage(bytes, Math.min(journalHeaderBytes, bytes.length), bytes.length).frames;
  }
  const journal = attempt(found, () => openJournalFiles(disk, directory, "read"));
  if (journal === null) return;
  const { files, outlived } = journal;
  for (const { path: name, epoch } of outlived) {
    found.notes.push(
      `${name}: was written by a broker of epoch ${epoch} after another one had taken the directory over; the next start deletes it`,
    );
  }
  const scan = attempt(found, () => scanJournal(files, () => {}));
  if (scan === null) {
    for (const { path: name, file, size } of files) {
      const { damaged } = findDamage(readWhole(file), journalHeaderBytes, size);
      for (const { from, to, affected } of damaged) {
        const what = affected === "" ? "unknown" : affected;
        found.problems.push(`${name}: bytes ${from} to ${to} are damaged; affected: ${what}; ${restore}`);
      }
    }
  } else {
    if (scan.tornBytes > 0) {
      found.notes.push(
        `${directory}: ${scan.tornBytes} bytes at the end are of a write that never finished; the next start cuts them off`,
      );
    }
    attempt(found, () => checkStopMarker(disk, directory, files[0]?.base ?? 0, scan.end));
  }
  for (const { file } of [...files, ...outlived]) file.close();
}

/** A state of which only its being there matters. */
const anyState: DurableState = { encodeFull() {}, restoreFull() {}, encodeChange() {}, applyChange() {} };

/** For a start-up without a broker: nothing runs in the background, no journal file is too long. */
export function startOptions(directory: string): Omit<StorageOptions, "disk"> {
  return {
    directory,
    now: () => 0,
    journalBytesMax: Number.MAX_SAFE_INTEGER,
    requestFlush() {},
    pause: async () => {},
    onDurable() {},
    onFatal(error) {
      throw error;
    },
  };
}

/** Starts the storage over the directory without changing it; null when it would not start. */
async function startUp(path: string, disk: Disk, found: Findings): Promise<Storage | null> {
  try {
    const storage = await Storage.open({ ...startOptions(path), disk: readOnly(disk) });
    for (const [key, value] of storage.definitions.entries(""))
      restoreNamed(storage, key, value, found.problems, new Map());
    await storage.replay();
    return storage;
  } catch (error) {
    if (!(error instanceof BrokerError)) throw error;
    if (!found.problems.includes(error.message)) found.problems.push(error.message);
    return null;
  }
}

/** Restores what a definition names, for which `names` gets its key. */
export function restoreNamed(
  storage: Storage,
  key: string,
  value: Buffer,
  problems: string[],
  names: Map<number, string>,
): void {
  let definition: { log?: unknown; cursor?: unknown; state?: unknown };
  try {
    definition = JSON.parse(value.toString()) ?? {};
  } catch {
    return;
  }
  const { log, cursor, state } = definition;
  if (typeof log === "number" && log > 0) {
    names.set(log, key);
    if (storage.logs.has(log)) problems.push(`definition ${key}: names log ${log}, which another one has`);
    else storage.restoreLog(log);
  }
  for (const id of [cursor, state]) {
    if (typeof id !== "number" || id <= 0 || storage.states.has(id)) continue;
    names.set(id, key);
    storage.restoreState(id, anyState);
  }
}

/** Reads every record; passes over what is damaged. */
function readLog(log: Log, found: Findings): void {
  const reader = new LogReader(log, log.firstOffset);
  for (;;) {
    try {
      while (reader.next()) found.records++;
      return;
    } catch (error) {
      if (!(error instanceof BrokerError)) throw error;
      const at = log.removed.nextPresent(reader.position);
      const next = log.nextPlaceAfter(at);
      found.problems.push(
        `${error.message}; affected: log ${log.id} offsets ${at} to ${next - 1}; ${restore}`,
      );
      reader.seek(next);
    }
  }
}

/** `used` holds what the logs name; null when that is not known. */
function checkSegments(path: string, disk: Disk, found: Findings, used: Set<string> | null): void {
  const directory = `${path}/segments`;
  for (const name of disk.list(directory)) {
    const parsed = parseSegmentFileName(name);
    if (parsed === null) {
      found.notes.push(
        `${directory}/${name}: is no segment; the next start deletes what it left unfinished itself`,
      );
      continue;
    }
    if (used !== null && !used.has(parsed.join("-"))) {
      found.notes.push(`${directory}/${name}: no log needs it; the next start deletes it`);
      continue;
    }
    found.files++;
    const file = disk.open(`${directory}/${name}`, "read");
    found.frames += attempt(found, () => checkSegment(file, `${directory}/${name}`, ...parsed)) ?? 0;
    file.close();
  }
}
