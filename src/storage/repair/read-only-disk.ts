/**
 * A disk that can be read but only seems to change: lets `check` run the start-up itself over a data directory and
 * leave it as it is. What is written is forgotten at once; only bytes that were there are ever read.
 */
import type { Disk, DiskFile } from "../../base/disk.ts";

const nothing: DiskFile = {
  write() {},
  async writeLater() {},
  read: () => 0,
  async sync() {},
  size: () => 0,
  truncate() {},
  close() {},
};

export function readOnly(disk: Disk): Disk {
  return {
    makeDirectory() {},
    list: (path) => disk.list(path),
    open(path, mode) {
      if (mode === "create") return nothing;
      const file = disk.open(path, "read");
      return {
        ...nothing,
        read: (target, targetAt, size, at) => file.read(target, targetAt, size, at),
        size: () => file.size(),
        close: () => file.close(),
      };
    },
    rename() {},
    remove() {},
    async removeLater() {},
    async syncDirectory() {},
    space: () => null,
  };
}
