/**
 * What has to be done to a broker so that it has what a document of definitions says: a plan, to be shown and carried out.
 *
 * Pure, over the broker's own export and the document that is wanted. Not here: the carrying out. Invariant: the plan for a document
 * that the broker has already is empty, so carrying one out twice does nothing the second time.
 */
import {
  calledOf,
  categoryRules,
  type DefinitionCategory,
  definitionCategories,
  type DefinitionItem,
  definitionKeyOf,
  type Definitions,
  differencesOf,
  isOfCluster,
} from "./document.ts";

/** `conflict`: it is there otherwise, and can only be deleted and made again. */
export type PlanAction = "add" | "change" | "delete" | "conflict";

export interface PlannedChange {
  readonly category: DefinitionCategory;
  readonly action: PlanAction;
  /** For people: `queue 'orders' in virtual host '/'`. */
  readonly called: string;
  readonly before: DefinitionItem | null;
  readonly after: DefinitionItem | null;
  /** In which fields the two differ. */
  readonly fields: readonly string[];
}

export interface PlanOptions {
  /** What the document does not have is deleted, in the categories that the document has. */
  readonly prunes?: boolean;
}

export function planOf(
  current: Definitions,
  wanted: Definitions,
  { prunes = false }: PlanOptions = {},
): PlannedChange[] {
  const changes: PlannedChange[] = [];
  for (const category of definitionCategories) {
    const items = wanted[category];
    if (items === undefined) continue;
    const there = byKey(category, current[category] ?? []);
    for (const [key, after] of byKey(category, items)) {
      const before = there.get(key) ?? null;
      there.delete(key);
      const fields = before === null ? [] : differencesOf(category, before, after);
      if (before !== null && fields.length === 0) continue;
      const isFixed = before !== null && categoryRules[category].isFixed === true;
      const action = before === null ? "add" : isFixed ? "conflict" : "change";
      changes.push({ category, action, called: calledOf(category, after), before, after, fields });
    }
    if (!prunes) continue;
    for (const before of there.values()) {
      changes.push({
        category,
        action: "delete",
        called: calledOf(category, before),
        before,
        after: null,
        fields: [],
      });
    }
  }
  return prunes ? inOrder(changes) : changes;
}

/** Deletions come last, and in the order opposite to that of additions. */
function inOrder(changes: readonly PlannedChange[]): PlannedChange[] {
  const isDeletion = ({ action }: PlannedChange): boolean => action === "delete";
  return [...changes.filter((each) => !isDeletion(each)), ...changes.filter(isDeletion).toReversed()];
}

/** Of items about the same thing the last counts. */
function byKey(category: DefinitionCategory, items: readonly DefinitionItem[]): Map<string, DefinitionItem> {
  const planned = category === "global_parameters" ? items.filter(({ name }) => !isOfCluster(name)) : items;
  return new Map(planned.map((item) => [definitionKeyOf(category, item), item]));
}
