/** Finds the real server below the script that started it, through /proc. */
import fs from "node:fs";

/** @throws where neither the process nor any below it has the name */
export function descendantNamed(pid: number, name: string): number {
  const found = search(pid, name);
  if (found === undefined) throw new Error(`no ${name} below process ${pid}`);
  return found;
}

function search(pid: number, name: string): number | undefined {
  if (fs.readFileSync(`/proc/${pid}/comm`, "utf8").trim() === name) return pid;
  const children = fs.readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim();
  for (const child of children === "" ? [] : children.split(" ")) {
    const found = search(Number(child), name);
    if (found !== undefined) return found;
  }
  return undefined;
}
