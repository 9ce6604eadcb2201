/** INFO [section ...]: the sections and fields that client libraries and tools read. */
import type { CommandContext } from "../core/context.ts";
import { infoSections } from "./info-sections.ts";
import type { CommandRow } from "../core/command-spec.ts";

export const infoCommand: CommandRow = {
  name: "info",
  arity: -1,
  flags: ["loading", "stale"],
  categories: ["dangerous"],
  tips: ["nondeterministic_output", "request_policy:all_shards", "response_policy:special"],
  since: "1.0.0",
  complexity: "O(1)",
  summary: "Describes the server in numbers.",
  run: info,
};

const allNames = new Set(["all", "everything"]);
/** Sections that INFO shows only when they are asked for, by name or by `all`. */
const extraSections = new Set(["Commandstats", "Latencystats"]);

function info(context: CommandContext): void {
  const { request, reply } = context;
  const wanted = new Set<string>();
  for (let at = 1; at < request.argumentCount; at++) wanted.add(request.utf8(at).toLowerCase());
  const isAll = [...wanted].some((name) => allNames.has(name));
  const isDefault = wanted.size === 0 || wanted.has("default");
  const texts: string[] = [];
  for (const [name, fields] of infoSections(context)) {
    const isShown = isAll || (isDefault && !extraSections.has(name)) || wanted.has(name.toLowerCase());
    if (!isShown) continue;
    const lines = fields.map(([field, value]) => `${field}:${value}\r\n`);
    texts.push(`# ${name}\r\n${lines.join("")}`);
  }
  reply.verbatim("txt", texts.join("\r\n"));
}
