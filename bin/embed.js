/** What `import "troikamq"` is under Node: the library, with its TypeScript made runnable. Bun takes src/embed.ts. */
import "./typescript.js";

export const { startBroker } = await import("../src/embed.ts");
