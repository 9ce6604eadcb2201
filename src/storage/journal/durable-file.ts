/** Small files that are there whole or not at all, whenever the process is killed or the power fails. */
import type { Disk } from "../../base/disk.ts";

/** Makes or replaces `directory/name`; on stable storage, with its name, when it resolves. */
export async function writeDurableFile(
  disk: Disk,
  directory: string,
  name: string,
  bytes: Uint8Array,
): Promise<void> {
  const temporaryName = `${name}.tmp`;
  const temporary = `${directory}/${temporaryName}`;
  if (disk.list(directory).includes(temporaryName)) disk.remove(temporary);
  const file = disk.open(temporary, "create");
  try {
    file.write(bytes, 0, bytes.length, 0);
    await file.sync();
  } finally {
    file.close();
  }
  disk.rename(temporary, `${directory}/${name}`);
  await disk.syncDirectory(directory);
}
