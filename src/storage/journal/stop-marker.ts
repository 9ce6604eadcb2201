/**
 * A small file beside the journal that says where it begins and ends, there only between a clean shutdown and the next
 * start: a journal that was cut at the end of a group, or lost its first file, would look whole without it.
 *
 *     clean = "TroikaMQ clean\n", decimal start, "\n", decimal end, "\n", decimal crc32 of what is before, "\n"
 */
import { crc32 } from "../../base/checksum/crc32.ts";
import { BrokerError } from "../../base/errors.ts";
import type { Disk } from "../../base/disk.ts";
import { writeDurableFile } from "./durable-file.ts";

const stopMarkerName = "CLEAN";
const title = "TroikaMQ clean";

/** Written durably as the last act of a shutdown, when the journal is durable up to `end`. */
export async function writeStopMarker(
  disk: Disk,
  directory: string,
  start: number,
  end: number,
): Promise<void> {
  const text = `${title}\n${start}\n${end}\n`;
  const body = Buffer.from(text);
  const bytes = Buffer.from(`${text}${crc32(body, 0, body.length)}\n`);
  await writeDurableFile(disk, directory, stopMarkerName, bytes);
}

/** What the last clean shutdown left word of; null when it left none. Throws CORRUPT when the word is damaged. */
export function readStopMarker(disk: Disk, directory: string): { start: number; end: number } | null {
  if (!disk.list(directory).includes(stopMarkerName)) return null;
  const path = `${directory}/${stopMarkerName}`;
  const file = disk.open(path, "read");
  const bytes = Buffer.alloc(256);
  const text = bytes.latin1Slice(0, file.read(bytes, 0, bytes.length, 0));
  file.close();
  const [name, start, end, sum] = text.split("\n");
  const body = Buffer.from(`${name}\n${start}\n${end}\n`, "latin1");
  if (name !== title || sum !== String(crc32(body, 0, body.length))) {
    throw new BrokerError("CORRUPT", `${path}: damaged; when troikamq check finds nothing else, delete it`);
  }
  return { start: Number(start), end: Number(end) };
}

/** Throws CORRUPT when the journal is not what the last clean shutdown left. Says whether there is a marker. */
export function checkStopMarker(disk: Disk, directory: string, start: number, end: number): boolean {
  const marker = readStopMarker(disk, directory);
  if (marker === null) return false;
  if (marker.end !== end || marker.start !== start) {
    throw new BrokerError(
      "CORRUPT",
      `${directory}: holds positions ${start} to ${end}, but at the last shutdown it held ${marker.start} to ${marker.end}: a journal file is cut, missing, or of another time`,
    );
  }
  return true;
}

/** Before the first write. */
export async function removeStopMarker(disk: Disk, directory: string): Promise<void> {
  disk.remove(`${directory}/${stopMarkerName}`);
  await disk.syncDirectory(directory);
}
