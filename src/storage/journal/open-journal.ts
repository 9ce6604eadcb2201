/**
 * Opens the journal of a directory at a start, from the first look to the new owner's file: missing or damaged files are refused,
 * a torn tail is cut off, and from then on the directory belongs to this owner.
 *
 * Not here: what frames mean (`visit`); reading them a second time (storage.ts). Invariant: when it resolves, everything that it
 * found and the new file are on stable storage, and no client has been answered yet.
 */
import { dirname } from "node:path";
import { BrokerError } from "../../base/errors.ts";
import { type Disk, isDiskFull } from "../../base/disk.ts";
import { isSegmentFileName } from "../segment/segment-format.ts";
import { hasBegun, writeBegunMarker } from "./begun-marker.ts";
import { checkStopMarker, removeStopMarker } from "./stop-marker.ts";
import { highestEpoch } from "./journal-file.ts";
import {
  beginEpoch,
  type FoundFile,
  type FrameVisitor,
  makeDurable,
  openJournalFiles,
  scanJournal,
} from "./recovery.ts";

export interface OpeningOptions {
  disk: Disk;
  dataDirectory: string;
  /** The epoch of this owner, higher than those of all owners before; absent: the next one. */
  epoch: number | undefined;
  /** Runs a write, with space from the disk's reserve if needed, and again if need be. */
  retried: (write: () => Promise<void>) => Promise<void>;
}

export interface OpenedJournal {
  /** In order; the last one is this owner's, and empty. */
  files: FoundFile[];
  end: number;
  epoch: number;
  /** Bytes of an unfinished write that were cut off. */
  tornBytes: number;
}

/** Throws CORRUPT where files are damaged or missing, INVALID for an epoch that is not above all that there were, UNAVAILABLE where the disk is full. */
export async function openJournal(options: OpeningOptions, visit: FrameVisitor): Promise<OpenedJournal> {
  const { disk, dataDirectory } = options;
  const directory = `${dataDirectory}/journal`;
  disk.makeDirectory(directory);
  disk.makeDirectory(`${dataDirectory}/segments`);
  // If the name of a directory is lost, its files are lost too.
  for (const parent of [dataDirectory, dirname(dataDirectory)]) await disk.syncDirectory(parent);
  const isBegun = hasBegun(disk, dataDirectory);
  const epoch = takeEpoch(options, highestEpoch(disk.list(directory)));
  const journal = openJournalFiles(disk, directory, "existing");
  const { files } = journal;
  const hasSegments = disk.list(`${dataDirectory}/segments`).some(isSegmentFileName);
  if (files.length === 0 && (isBegun || hasSegments)) {
    throw new BrokerError(
      "CORRUPT",
      `${directory}: holds no file, but there has been a journal: it is missing; restore the whole directory from a backup`,
    );
  }
  const scan = scanJournal(files, visit);
  const { end, tornBytes } = scan;
  if (isBegun && scan.files === 0) {
    throw new BrokerError(
      "CORRUPT",
      `${files[0]!.path}: has lost its header, although the header had been durable`,
    );
  }
  if (checkStopMarker(disk, directory, files[0]?.base ?? 0, end)) await removeStopMarker(disk, directory);
  try {
    await makeDurable(disk, directory, journal, scan, options.retried);
    await beginEpoch(disk, directory, files, { base: end, epoch }, options.retried);
    if (!isBegun) await writeBegunMarker(disk, dataDirectory);
  } catch (error) {
    if (!isDiskFull(error)) throw error;
    throw new BrokerError(
      "UNAVAILABLE",
      "the disk has no room for the new journal file of this start, and the reserve is used up; free some space, then start again",
    );
  }
  return { files, end, epoch, tornBytes };
}

function takeEpoch({ dataDirectory, epoch: wanted }: OpeningOptions, highest: number): number {
  const epoch = wanted ?? highest + 1;
  if (epoch > highest) return epoch;
  throw new BrokerError(
    "INVALID",
    `${dataDirectory}: cannot be opened with epoch ${epoch}, since it was opened with epoch ${highest} before; give a higher epoch, or none`,
  );
}
