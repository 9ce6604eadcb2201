/**
 * Whether those that this process runs for are still there: the launcher, where it stayed, and npm's shell.
 *
 * A launcher that cannot hand its process over (Node before 22.15) gives a pipe and its number. It never writes; the
 * system closes the pipe when the launcher ends, whatever ended it. So waiting costs nothing.
 * Not here: other parents. Started by a supervisor, by a terminal or in the background it goes on without them.
 */
import { npmParents, watchParents } from "../bin/parents.js";

/** Resolves once one of them is gone; without such a one never. */
export function parentGone(environment: Readonly<Record<string, string | undefined>>): Promise<void> {
  return new Promise((resolve) => {
    const parents = npmParents(environment);
    if (parents !== undefined) watchParents(parents, resolve);
    const descriptor = environment["TROIKAMQ_LAUNCHER_FD"];
    if (descriptor !== undefined && /^\d{1,3}$/.test(descriptor)) {
      // A number that is no pipe was not the launcher's.
      pipeEnd(Number(descriptor)).then(resolve, () => {});
    }
  });
}

async function pipeEnd(descriptor: number): Promise<void> {
  if (typeof Bun !== "undefined") {
    const reader = Bun.file(descriptor).stream().getReader();
    while (!(await reader.read()).done);
    return;
  }
  const { Socket } = await import("node:net");
  const pipe = new Socket({ fd: descriptor });
  await new Promise<void>((resolve, reject) => {
    pipe.once("error", reject);
    pipe.once("end", resolve);
    pipe.resume();
  });
}
