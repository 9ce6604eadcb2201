/**
 * Makes the disk slow for one process, by a control group of its own (Linux, root, blkio of the first version). Where
 * that cannot be had, the disk is as it is and `slowDown` says why.
 *
 * Invariant: `end` removes the group; the process is back where it was before, or gone.
 */
import fs from "node:fs";
import path from "node:path";

const root = "/sys/fs/cgroup/blkio";

export class SlowDisk {
  readonly #group: string;
  /** Empty when the disk was slowed. */
  readonly why: string;

  private constructor(group: string, why: string) {
    this.#group = group;
    this.why = why;
  }

  static slowDown(pid: number, directory: string, bytesPerSecond: number): SlowDisk {
    const group = path.join(root, `troikamq-load-${process.pid}`);
    try {
      const { dev } = fs.statSync(directory);
      fs.mkdirSync(group);
      const device = `${(dev >> 8) & 0xfff}:${dev & 0xff}`;
      fs.writeFileSync(path.join(group, "blkio.throttle.write_bps_device"), `${device} ${bytesPerSecond}`);
      fs.writeFileSync(path.join(group, "cgroup.procs"), String(pid));
      return new SlowDisk(group, "");
    } catch (error) {
      const slow = new SlowDisk(group, (error as Error).message);
      slow.end(pid);
      return slow;
    }
  }

  end(pid: number): void {
    try {
      fs.writeFileSync(path.join(root, "cgroup.procs"), String(pid));
    } catch {
      // It is gone, or never was in a group.
    }
    try {
      fs.rmdirSync(this.#group);
    } catch {
      // There is none.
    }
  }
}
