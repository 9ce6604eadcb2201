/**
 * What COMMAND DOCS says beyond the command table, of all families. It is read from disk when somebody first asks, so that it costs
 * neither memory nor time until then.
 *
 * Not here: the descriptions (command-docs.ts of each family), the reply (server/command-replies.ts).
 */
import type { CommandDocs } from "./core/command-docs.ts";

let loaded: CommandDocs | null = null;

/** Null until `loadCommandDocs` was called and has ended. */
export function loadedCommandDocs(): CommandDocs | null {
  return loaded;
}

export async function loadCommandDocs(): Promise<CommandDocs> {
  const families = await Promise.all([
    import("./acl/command-docs.ts"),
    import("./bitmap/command-docs.ts"),
    import("./cluster/command-docs.ts"),
    import("./connection/command-docs.ts"),
    import("./geo/command-docs.ts"),
    import("./hash/command-docs.ts"),
    import("./hyperloglog/command-docs.ts"),
    import("./keys/command-docs.ts"),
    import("./list/command-docs.ts"),
    import("./pubsub/command-docs.ts"),
    import("./script/command-docs.ts"),
    import("./server/command-docs.ts"),
    import("./set/command-docs.ts"),
    import("./stream/command-docs.ts"),
    import("./string/command-docs.ts"),
    import("./transaction/command-docs.ts"),
    import("./troika/command-docs.ts"),
    import("./zset/command-docs.ts"),
  ]);
  loaded ??= Object.assign({}, ...families.map(({ docs }) => docs)) as CommandDocs;
  return loaded;
}
