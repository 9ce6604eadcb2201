/**
 * Import circles: modules that import one another, at run time (`import type` left out) or by types too. Pure.
 *
 * A circle at run time makes the order in which modules are evaluated matter; a large circle by types says that no part of it can
 * be understood alone. Not here: what is allowed (rules.ts).
 */
import { posix } from "node:path";
import { importsOf } from "./scan.ts";

export type ImportGraph = ReadonlyMap<string, readonly string[]>;

/** Who imports whom among these sources. `isRunTime` leaves out what is gone once types are stripped, and `import()`. */
export function importGraph(files: ReadonlyMap<string, string>, isRunTime: boolean): ImportGraph {
  const graph = new Map<string, readonly string[]>();
  for (const [path, source] of files) {
    const targets = importsOf(source)
      .filter(({ isType, isDynamic }) => !isRunTime || !(isType || isDynamic))
      .flatMap(({ specifier }) =>
        specifier?.startsWith(".") === true ? [posix.join(posix.dirname(path), specifier)] : [],
      );
    graph.set(
      path,
      [...new Set(targets)].filter((target) => files.has(target)),
    );
  }
  return graph;
}

/** The circles: strongly connected components of more than one module, largest first (Tarjan, without recursion). */
export function circlesIn(graph: ImportGraph): string[][] {
  const indexes = new Map<string, number>();
  const lowest = new Map<string, number>();
  const open: string[] = [];
  const isOpen = new Set<string>();
  const circles: string[][] = [];
  for (const start of graph.keys()) {
    if (indexes.has(start)) continue;
    const path: { module: string; next: number }[] = [];
    const enter = (module: string) => {
      indexes.set(module, indexes.size);
      lowest.set(module, indexes.get(module)!);
      open.push(module);
      isOpen.add(module);
      path.push({ module, next: 0 });
    };
    enter(start);
    while (path.length > 0) {
      const step = path.at(-1)!;
      const { module } = step;
      const target = graph.get(module)?.[step.next++];
      if (target !== undefined) {
        if (!indexes.has(target)) enter(target);
        else if (isOpen.has(target)) lowest.set(module, Math.min(lowest.get(module)!, indexes.get(target)!));
        continue;
      }
      path.pop();
      const above = path.at(-1)?.module;
      if (above !== undefined) lowest.set(above, Math.min(lowest.get(above)!, lowest.get(module)!));
      if (lowest.get(module) !== indexes.get(module)) continue;
      const circle = open.splice(open.indexOf(module));
      for (const member of circle) isOpen.delete(member);
      if (circle.length > 1 || graph.get(module)?.includes(module) === true) circles.push(circle.toSorted());
    }
  }
  return circles.toSorted((one, other) => other.length - one.length);
}
