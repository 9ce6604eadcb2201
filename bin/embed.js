/**
 * What `import "troikamq"` is under Node: the library, with its TypeScript made runnable. Bun takes src/embed.ts.
 * Plain JavaScript that Node 18 reads, and no top-level await, so that `require()` of it works where Node can.
 */
import { problem } from "./typescript.js";

/** Loads the broker with the first call. Its types and what it takes: embed.d.ts, docs/embedding.md. */
export async function startBroker(options) {
  if (problem !== undefined) throw new Error(problem);
  const library = await import("../src/embed.ts");
  return library.startBroker(options);
}
