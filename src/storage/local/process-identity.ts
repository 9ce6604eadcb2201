/**
 * Which process it is, beyond its number: numbers are used again, and are the same in two containers.
 *
 *     identity = boot id ":" pid namespace ":" start time in clock ticks since the boot
 *
 * Not here: whether a process holds anything.
 * Invariant: `isAlive` is true only of the very process that once said this of itself, in a namespace that we share, and
 * never of one that has ended, reaped or not. Where the system does not tell (anything but Linux) it is false.
 */
import fs from "node:fs";

/** Of a process that nothing is known of. Equal to none. */
const unknown = "-";

export function ownIdentity(): string {
  return identityOf(process.pid)?.identity ?? unknown;
}

export function isAlive(pid: number, identity: string): boolean {
  const found = identityOf(pid);
  return found !== null && !found.hasEnded && found.identity === identity;
}

function identityOf(pid: number): { identity: string; hasEnded: boolean } | null {
  try {
    // Where /proc is of another namespace than ours, its numbers are not the ones that we know.
    if (!fs.readFileSync("/proc/self/stat", "latin1").startsWith(`${process.pid} `)) return null;
    const boot = fs.readFileSync("/proc/sys/kernel/random/boot_id", "latin1").trim();
    // Our own: a number that another namespace gave means another process here, which cannot have said the same.
    const namespace = fs.readlinkSync("/proc/self/ns/pid");
    const stat = fs.readFileSync(`/proc/${pid}/stat`, "latin1");
    // The name, in parentheses, may hold anything. proc_pid_stat(5): field 3 is the state, field 22 the start time.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    const [state, startTime] = [fields[0], fields[19]];
    if (state === undefined || startTime === undefined) return null;
    return { identity: `${boot}:${namespace}:${startTime}`, hasEnded: /[ZXx]/.test(state) };
  } catch {
    return null;
  }
}
