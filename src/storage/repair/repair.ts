/**
 * `troikamq check --repair`: makes a damaged data directory one that a broker opens, keeps all that is whole, and sets
 * aside everything it changes or takes out.
 *
 *   1. the journal is made readable (`repair-journal.ts`);
 *   2. the start-up runs over it; each log gets the segments that hold what it needs (`repair-segments.ts`), and what is
 *      nowhere is noted as gone, so that no reader stumbles over it;
 *   3. states that are nowhere begin anew; counters are raised above all that was ever seen;
 *   4. what no log needs is set aside too: the start would delete it.
 *
 * It invents no record and serves no byte that fails its checksum. A record may come again that was consumed, or a key be
 * as it was before. Invariant: killed at any point, what is left is the old file or the new one, and another run goes on.
 */
import { basename } from "node:path";
import { BrokerError } from "../../base/errors.ts";
import type { Disk } from "../../base/disk.ts";
import { begunMarkerName, hasBegun } from "../journal/begun-marker.ts";
import {
  type CheckResult,
  checkedAlone,
  findProblems,
  restoreNamed,
  startOptions,
  verdictOf,
} from "./check.ts";
import { appendTargetAt, appendTargetCountAt, frameKind, frameKindAt, readUint32 } from "../journal/frame.ts";
import { localDisk } from "../local/disk.ts";
import type { Log } from "../log/log.ts";
import { openJournalFiles, scanJournal } from "../journal/recovery.ts";
import { repairJournal } from "./repair-journal.ts";
import { findSegments, type FoundSegment, lastEntryId, leftOut, SegmentSaver } from "./repair-segments.ts";
import { SetAside } from "./set-aside.ts";
import { Storage } from "../storage.ts";

/** Counters in the table, and how far each is raised: a lost pair may have raised it, and no number may be given twice. */
const counters: readonly [key: string, by: number][] = [
  ["storage/next-id", 1 << 20],
  ["kafka/next-producer-id", 1 << 20],
];

/** Repairs the data directory `path`; `time` names the directory of what is set aside. Refuses one that is in use. */
export function repairDataDirectory(
  path: string,
  time: string,
  disk: Disk = localDisk,
): Promise<CheckResult> {
  return checkedAlone(path, disk, async () => {
    const before = await findProblems(path, disk);
    if (before.problems.length === 0) {
      const { lines } = verdictOf(path, before);
      return { ok: true, lines: [...lines, `${path}: nothing to repair; nothing was changed`] };
    }
    const aside = new SetAside(disk, path, time);
    const told: string[] = [];
    try {
      await repair(path, disk, aside, told);
    } catch (error) {
      if (!(error instanceof BrokerError)) throw error;
      return {
        ok: false,
        lines: [...before.problems, ...told, `${path}: cannot be repaired: ${error.message}`],
      };
    } finally {
      aside.close();
    }
    const where = aside.isEmpty ? "nothing was set aside" : `set aside in ${aside.directory}`;
    const after = verdictOf(path, await findProblems(path, disk));
    const lines = [
      ...before.problems,
      ...told.map((line) => `repair: ${line}`),
      `${path}: ${where}`,
      ...after.lines,
    ];
    return { ok: after.ok, lines };
  });
}

async function repair(path: string, disk: Disk, aside: SetAside, told: string[]): Promise<void> {
  const segmentsDirectory = `${path}/segments`;
  await takeDamagedMarker(path, disk, aside, told);
  told.push(...(await repairJournal(disk, `${path}/journal`, aside)));
  const highestId = highestLogId(path, disk);
  const storage = await Storage.open({ ...startOptions(path), disk });
  const names = new Map<number, string>();
  for (const [key, value] of storage.definitions.entries("")) restoreNamed(storage, key, value, [], names);
  const lost = new Set(storage.replayJournal());
  const saver = new SegmentSaver(disk, segmentsDirectory, aside);
  const found = await saver.nameRightly(findSegments(disk, segmentsDirectory), told);
  const used: FoundSegment[] = [];
  for (const log of storage.logs.values()) {
    const handle = storage.states.get(log.id)!;
    const name = names.get(log.id) ?? `log ${log.id}`;
    const { segments, isChanged } = await placeSegments({ log, name, found, saver, disk, told });
    used.push(...segments);
    if (isChanged) lost.add(handle);
  }
  const usedPaths = new Set(used.map((each) => each.path));
  const present = disk.list(segmentsDirectory);
  for (const each of found) {
    if (usedPaths.has(each.path) || !present.includes(basename(each.path))) continue;
    const what = `it holds log ${each.logId}, offsets ${each.baseOffset} to ${each.endOffset - 1}`;
    told.push(`${each.path}: set aside: no log needs it`);
    await aside.move(each.path, `no log needs it; ${what}`);
  }
  await storage.cleaner!.openSegments();
  for (const handle of lost) {
    if (!storage.logs.has(handle.id) && handle.position < 0)
      told.push(
        `${names.get(handle.id) ?? "a definition"}: its state ${handle.id} is nowhere; it begins anew`,
      );
    if (storage.logs.has(handle.id) || handle.position < 0) storage.rewriteState(handle);
  }
  for (const [key, by] of counters) {
    const value = Number(storage.definitions.get(key)?.toString() ?? 0);
    const seen = key === "storage/next-id" ? Math.max(highestId, ...found.map(({ logId }) => logId)) : 0;
    if (value > 0 || seen > 0) storage.definitions.put(key, String(Math.max(value, seen) + by));
  }
  await storage.close();
}

/** The start makes it again. */
async function takeDamagedMarker(path: string, disk: Disk, aside: SetAside, told: string[]): Promise<void> {
  try {
    hasBegun(disk, path);
  } catch (error) {
    if (!(error instanceof BrokerError)) throw error;
    const marker = `${path}/${begunMarkerName}`;
    told.push(`${marker}: set aside: damaged; it was made again`);
    await aside.move(marker, "damaged");
  }
}

/** The highest id of a log that an append names, known or not: a new log must not inherit the records of a lost one. */
function highestLogId(path: string, disk: Disk): number {
  let highest = 0;
  const { files, outlived } = openJournalFiles(disk, `${path}/journal`, "read");
  scanJournal(files, (buffer, at) => {
    if (frameKindAt(buffer, at) !== frameKind.append) return;
    for (let i = appendTargetCountAt(buffer, at) - 1; i >= 0; i--)
      highest = Math.max(highest, readUint32(buffer, appendTargetAt(at, i)));
  });
  for (const { file } of [...files, ...outlived]) file.close();
  return highest;
}

interface Placing {
  log: Log;
  /** The definition that names the log. */
  name: string;
  found: readonly FoundSegment[];
  saver: SegmentSaver;
  disk: Disk;
  told: string[];
}

/** Finds the log's segments and notes as gone what is in none of them and not in the journal. */
async function placeSegments({ log, name, found, saver, disk, told }: Placing): Promise<{
  segments: FoundSegment[];
  isChanged: boolean;
}> {
  const named = log.restoredSegments.filter(({ endOffset }) => endOffset > log.firstOffset);
  const own = found.filter(({ logId, endOffset }) => logId === log.id && endOffset > log.firstOffset);
  const whole = named.map(({ baseOffset, endOffset }) =>
    own.find((each) => each.isWhole && each.baseOffset === baseOffset && each.endOffset === endOffset),
  );
  const isInPlace =
    !whole.includes(undefined) && log.uncovered(named).length === 0 && log.removed.end <= log.nextOffset;
  if (isInPlace && whole.every((each) => isRemoved(log, leftOut(disk, each!))))
    return { segments: whole as FoundSegment[], isChanged: false };
  const indexedFrom = log.index.length > 0 ? log.index.firstOffset : Infinity;
  const segments: FoundSegment[] = [];
  const missing: number[] = [];
  const candidates = own
    .filter(({ baseOffset }) => baseOffset < indexedFrom)
    .toSorted(
      (a, b) =>
        a.baseOffset - b.baseOffset || Number(b.isWhole) - Number(a.isWhole) || b.endOffset - a.endOffset,
    );
  for (const each of candidates) {
    const covered = segments.at(-1)?.endOffset ?? 0;
    if (each.endOffset <= covered) continue;
    if (each.isWhole && each.baseOffset >= covered) {
      segments.push(each);
      missing.push(...leftOut(disk, each));
      continue;
    }
    let at = Math.max(each.baseOffset, covered);
    const why = each.isWhole ? "overlaps another segment" : "damaged; its whole records were copied out";
    const saved = await saver.save(each, at, why, (from, to) => {
      if (from > at) missing.push(at, from);
      at = to;
    });
    if (at < each.endOffset) missing.push(at, each.endOffset);
    told.push(`${each.path}: ${why}`);
    if (saved !== null) segments.push(saved);
  }
  takeOver(log, segments, disk);
  missing.push(...log.uncovered(segments));
  for (let i = 0; i < missing.length; i += 2) {
    const from = Math.max(missing[i]!, log.firstOffset);
    const to = missing[i + 1]!;
    if (from >= to || log.removed.hasAll(from, to)) continue;
    told.push(`${name}: offsets ${from} to ${to - 1} are lost, as far as they were not consumed`);
    log.lose(from, to);
  }
  return { segments, isChanged: true };
}

/** Whether the log knows that all in these ranges is gone. */
function isRemoved(log: Log, ranges: readonly number[]): boolean {
  return ranges.every((from, i) => i % 2 === 1 || log.removed.hasAll(from, ranges[i + 1]!));
}

/** The log has these segments from now on, and ends where they, the journal and what was noted as gone end. */
function takeOver(log: Log, segments: readonly FoundSegment[], disk: Disk): void {
  log.restoredSegments = segments.map(({ baseOffset, endOffset }) => ({ baseOffset, endOffset }));
  const last = segments.at(-1);
  if (last !== undefined) {
    if (last.endOffset > log.nextOffset) {
      log.nextOffset = last.endOffset;
      const id = lastEntryId(disk, last);
      if (id.compare(log.lastId) > 0) log.lastId.copyFrom(id);
    }
    log.dropIndexBelow(last.endOffset);
  }
  log.lose(0, 0);
}
