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
  /** What the document does not have is deleted, in the categories that the document has; but see `isKept`. */
  readonly prunes?: boolean;
  /** The plan has nothing of other virtual hosts, and deletes nothing that belongs to none. */
  readonly vhost?: string | undefined;
  /** Who carries it out: neither this user nor what it may do is deleted. */
  readonly user?: string | undefined;
}

/** Not deleted, though the document does not have it: without it the broker could not be used, or it is the broker's own. */
function isKept(
  category: DefinitionCategory,
  item: DefinitionItem,
  staying: ReadonlySet<string>,
  { vhost, user }: PlanOptions,
): boolean {
  if (vhost !== undefined && item["vhost"] !== vhost) return true;
  switch (category) {
    case "users":
      return item["name"] === user;
    case "permissions":
    case "topic_permissions":
      return item["user"] === user;
    case "vhosts":
      return item["name"] === "/";
    case "queues":
      // The dead letters of a queue that stays, which the broker has made (docs/retries.md).
      return staying.has(definitionKeyOf("queues", { ...item, name: withoutDead(item["name"]) }));
    default:
      return false;
  }
}

function withoutDead(name: unknown): unknown {
  return typeof name === "string" && name.endsWith(".dead") ? name.slice(0, -".dead".length) : name;
}

/** Of no virtual host, or of that one. */
function isOf(vhost: string | undefined, category: DefinitionCategory, item: DefinitionItem): boolean {
  if (vhost === undefined) return true;
  if (category === "vhosts") return item["name"] === vhost;
  return item["vhost"] === undefined || item["vhost"] === vhost;
}

export function planOf(
  current: Definitions,
  wanted: Definitions,
  options: PlanOptions = {},
): PlannedChange[] {
  const { prunes = false, vhost } = options;
  const changes: PlannedChange[] = [];
  const staying = new Set((wanted.queues ?? []).map((item) => definitionKeyOf("queues", item)));
  for (const category of definitionCategories) {
    const items = wanted[category];
    if (items === undefined) continue;
    const there = byKey(category, current[category] ?? []);
    for (const [key, after] of byKey(category, items)) {
      const before = there.get(key) ?? null;
      there.delete(key);
      const fields = before === null ? [] : differencesOf(category, before, after);
      if (before !== null && fields.length === 0) continue;
      if (!isOf(vhost, category, after)) continue;
      const isFixed = before !== null && categoryRules[category].isFixed === true;
      const action = before === null ? "add" : isFixed ? "conflict" : "change";
      changes.push({ category, action, called: calledOf(category, after), before, after, fields });
    }
    if (!prunes) continue;
    for (const before of there.values()) {
      if (isKept(category, before, staying, options)) continue;
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
