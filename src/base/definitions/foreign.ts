/**
 * What RabbitMQ's plugins for several brokers leave in a document of definitions, and this broker cannot do: shovels and federation. A
 * user's export has them, so they are left out of an import and named, where any other unknown entry is refused.
 *
 * Pure. Not here: the endpoints for a single parameter or policy, which refuse these as RabbitMQ without the plugins does. Invariant: what
 * is left out has a line that names it.
 */
import {
  calledOf,
  type DefinitionCategory,
  definitionCategories,
  type DefinitionItem,
  type Definitions,
} from "./document.ts";

const noShovels = "there are no shovels here";
const noFederation = "there is no federation here";

/** The components of parameters. */
const components: ReadonlyMap<unknown, string> = new Map([
  ["shovel", noShovels],
  ["federation-upstream", noFederation],
  ["federation-upstream-set", noFederation],
]);

/** The exchange that an upstream has for who federates it. */
const federationType = "x-federation-upstream";

export interface Kept {
  readonly kept: Definitions;
  /** For people: a line for each entry that is not, or not wholly, in `kept`. */
  readonly leftOut: readonly string[];
}

export function withoutForeign(document: Definitions): Kept {
  const kept: Partial<Record<DefinitionCategory, readonly DefinitionItem[]>> = {};
  const leftOut: string[] = [];
  for (const category of definitionCategories) {
    const items = document[category];
    if (items === undefined) continue;
    kept[category] = items.flatMap((item) => {
      const { rest, why } = keptOf(category, item);
      if (why !== null) leftOut.push(`${calledOf(category, item)}: ${why}`);
      return rest === null ? [] : [rest];
    });
  }
  return { kept, leftOut };
}

interface KeptItem {
  readonly rest: DefinitionItem | null;
  /** Null: all of it is kept. */
  readonly why: string | null;
}

function keptOf(category: DefinitionCategory, item: DefinitionItem): KeptItem {
  const why = category === "parameters" ? (components.get(item["component"]) ?? null) : null;
  if (why !== null) return { rest: null, why };
  if (category === "exchanges" && item["type"] === federationType) return { rest: null, why: noFederation };
  const { definition } = item;
  const isPolicy = category === "policies" && typeof definition === "object" && definition !== null;
  if (!isPolicy) return { rest: item, why: null };
  const settings = Object.entries(definition);
  const own = settings.filter(([name]) => !name.startsWith("federation-"));
  if (own.length === settings.length) return { rest: item, why: null };
  if (own.length === 0) return { rest: null, why: noFederation };
  const names = settings.map(([name]) => name).filter((name) => name.startsWith("federation-"));
  return {
    rest: { ...item, definition: Object.fromEntries(own) },
    why: `without ${names.join(", ")}, since ${noFederation}`,
  };
}
