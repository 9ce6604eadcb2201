/**
 * One process at a time holds a data directory.
 *
 * Node has no file locks, so the holder is named in a file by process id and start time; the start time tells a holder
 * that died from another process that got its number. Taking over a dead holder's lock goes through a rename, which
 * only one of two contenders can win.
 */
import fs from "node:fs";
import { StartError } from "../../base/errors.ts";

const heldHere = new Set<string>();

/** Clock ticks since boot at which the process started; empty where the system does not tell. */
function startTimeOf(pid: number): string {
  try {
    const stat = fs.readFileSync(`/proc/${pid}/stat`, "utf8");
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19] ?? "";
  } catch {
    return "";
  }
}

function isAlive(pid: number, startTime: string): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EPERM") return false;
  }
  return startTime === "" || startTimeOf(pid) === startTime;
}

/** Takes the lock and returns what gives it back. Throws StartError(1) naming the holder. */
export function lockDirectory(directory: string): () => void {
  try {
    fs.mkdirSync(directory, { recursive: true });
  } catch (error) {
    throw unwritable(directory, error as Error);
  }
  const real = fs.realpathSync(directory);
  const path = `${real}/LOCK`;
  if (heldHere.has(real)) {
    throw new StartError(1, `data directory ${directory} is in use by another broker in this process`);
  }
  for (let attempt = 0; attempt < 10; attempt++) {
    try {
      fs.writeFileSync(path, `${process.pid} ${startTimeOf(process.pid)}\n`, { flag: "wx" });
      heldHere.add(real);
      return () => {
        heldHere.delete(real);
        fs.rmSync(path, { force: true });
      };
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw unwritable(directory, error as Error);
    }
    dropDeadLock(path, directory);
  }
  throw new StartError(
    1,
    `data directory ${directory} could not be locked; is another broker starting on it?`,
  );
}

/** Read-only, full, or another's: the system says which. */
function unwritable(directory: string, { message }: Error): StartError {
  return new StartError(1, `data directory ${directory} cannot be locked: ${message}`);
}

function dropDeadLock(path: string, directory: string): void {
  let content: string;
  try {
    content = fs.readFileSync(path, "utf8");
  } catch {
    return;
  }
  const [pid = "", startTime = ""] = content.trim().split(" ");
  if (pid !== "" && Number(pid) !== process.pid && isAlive(Number(pid), startTime)) {
    throw new StartError(
      1,
      `data directory ${directory} is in use by process ${pid}; stop it or choose another --data-dir`,
    );
  }
  const aside = `${path}.${process.pid}`;
  try {
    fs.renameSync(path, aside);
    fs.rmSync(aside, { force: true });
  } catch {
    // Somebody else took it aside first.
  }
}
