/** How many connections this process may hold. */
import { readFileSync } from "node:fs";
import type { Config } from "../base/config/config.ts";
import { limits } from "../base/limits.ts";

/** Assumed if the system does not report its limit on file descriptors. */
const connectionsAssumed = 10_000;
const connectionsLeast = 16;

/** The number for `--connections-max`. */
export function settleConnectionsMax(setting: Config["connectionsMax"]): number {
  if (setting !== "auto") return setting;
  const descriptors = descriptorsMax();
  if (descriptors === undefined) return connectionsAssumed;
  const rest = Math.min(descriptors - limits.descriptorsReserved, limits.connectionsAutoMax);
  return Math.max(rest, connectionsLeast);
}

/** The soft limit on file descriptors. Both runtimes raise it to the hard limit when they start. Only known on Linux. */
function descriptorsMax(): number | undefined {
  try {
    const line = /^Max open files\s+(\d+|unlimited)/m.exec(readFileSync("/proc/self/limits", "latin1"));
    if (line === null) return undefined;
    return line[1] === "unlimited" ? Infinity : Number(line[1]);
  } catch {
    return undefined;
  }
}
