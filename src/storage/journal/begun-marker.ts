/**
 * A small file in the data directory, which says that the directory has had a journal. Without it, a directory that has lost its
 * journal would look like a new one.
 *
 * Written once, when the first journal file and its name are on stable storage; nothing is durable before. Never deleted.
 */
import { BrokerError } from "../../base/errors.ts";
import type { Disk } from "../../base/disk.ts";
import { writeDurableFile } from "./durable-file.ts";

export const begunMarkerName = "BEGUN";
const text = Buffer.from(
  "TroikaMQ has begun a journal here. A start without its files is refused while this file is there.\n",
);

export function writeBegunMarker(disk: Disk, dataDirectory: string): Promise<void> {
  return writeDurableFile(disk, dataDirectory, begunMarkerName, text);
}

/** Throws CORRUPT when the marker is damaged. */
export function hasBegun(disk: Disk, dataDirectory: string): boolean {
  if (!disk.list(dataDirectory).includes(begunMarkerName)) return false;
  const path = `${dataDirectory}/${begunMarkerName}`;
  const file = disk.open(path, "read");
  const bytes = Buffer.alloc(text.length + 1);
  const got = file.read(bytes, 0, bytes.length, 0);
  file.close();
  if (!bytes.subarray(0, got).equals(text)) {
    throw new BrokerError("CORRUPT", `${path}: damaged; when troikamq check finds nothing else, delete it`);
  }
  return true;
}
