/**
 * How the broker's runtime is set up: variables for Bun's engine, JavaScriptCore, which takes its options from the environment
 * alone. Plain JavaScript for Node >= 18. Node ignores them. A variable that the user has set stays.
 *
 * Not here: options of the broker. Bun refuses to start with an option that it does not know: these are those of the version that
 * package.json names.
 */
import { totalmem } from "node:os";

/**
 * Bun's collector lets garbage grow to what is alive, until that is a quarter of the machine's memory: with messages of
 * 100 MB on a large machine to gigabytes. It is told of no more than this; loads of less than a quarter of it notice nothing.
 */
const collectorMemoryBytesMax = 4 * 2 ** 30;

/**
 * A request passes many small functions in many modules: session, dispatch, command, table, arena. By default the compiler takes in five
 * levels of calls, each a small function, and leaves the others calls. These bounds make a pipelined command up to 14 % cheaper, and what is
 * compiled a quarter more. With twice these bounds it is three times as much, of which mixed loads such as BullMQ's notice nothing but the
 * time that it takes (docs/benchmarks.md).
 */
const inlining = {
  BUN_JSC_maximumInliningDepth: "9",
  BUN_JSC_maximumFunctionForCallInlineCandidateBytecodeCostForDFG: "120",
  BUN_JSC_maximumFunctionForCallInlineCandidateBytecodeCostForFTL: "200",
};

/** The environment of the broker's process, whose own is `own`. */
export function runtimeEnvironment(own = process.env) {
  const available = Math.min(totalmem(), process.constrainedMemory?.() || Infinity, collectorMemoryBytesMax);
  return { BUN_JSC_forceRAMSize: String(available), ...inlining, ...own };
}
