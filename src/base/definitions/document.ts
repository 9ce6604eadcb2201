/**
 * RabbitMQ's document of definitions (`definitions.json`): which categories it has, what tells two items of one apart, and which of their
 * fields count.
 *
 *     {"rabbit_version": "3.10.8", "users": [...], "vhosts": [...], "permissions": [...], "topic_permissions": [...],
 *      "exchanges": [...], "global_parameters": [...], "policies": [...], "parameters": [...], "queues": [...], "bindings": [...]}
 *
 * The document of one virtual host has the last ones only, without `vhost` in its items. Pure: what a broker makes of it is in
 * admin/definitions. Invariant: the categories stand in the order of import, in which nothing is needed before it is there.
 */

export type DefinitionItem = Readonly<Record<string, unknown>>;

export const definitionCategories = [
  "users",
  "vhosts",
  "permissions",
  "topic_permissions",
  "exchanges",
  "global_parameters",
  "policies",
  "parameters",
  "queues",
  "bindings",
] as const;
export type DefinitionCategory = (typeof definitionCategories)[number];

export type Definitions = Readonly<Partial<Record<DefinitionCategory, readonly DefinitionItem[]>>>;

export interface CategoryRule {
  /** One of it, for people. */
  readonly called: string;
  /** The fields that name an item. */
  readonly keys: readonly string[];
  /** The other fields, and what they are where they are left out. */
  readonly fields: Readonly<Record<string, unknown>>;
  /** An item that is there cannot be changed, only deleted and made again. */
  readonly isFixed?: true;
}

export const categoryRules: Readonly<Record<DefinitionCategory, CategoryRule>> = {
  users: { called: "user", keys: ["name"], fields: { tags: [], limits: {}, password_hash: "" } },
  vhosts: { called: "virtual host", keys: ["name"], fields: { metadata: {} } },
  permissions: {
    called: "permission",
    keys: ["vhost", "user"],
    fields: { configure: "", write: "", read: "" },
  },
  topic_permissions: {
    called: "topic permission",
    keys: ["vhost", "user", "exchange"],
    fields: { write: "", read: "" },
  },
  exchanges: {
    called: "exchange",
    keys: ["vhost", "name"],
    fields: { type: "direct", durable: true, auto_delete: false, internal: false, arguments: {} },
    isFixed: true,
  },
  global_parameters: { called: "global parameter", keys: ["name"], fields: { value: {} } },
  policies: {
    called: "policy",
    keys: ["vhost", "name"],
    fields: { pattern: "", definition: {}, priority: 0, "apply-to": "all" },
  },
  parameters: { called: "parameter", keys: ["vhost", "component", "name"], fields: { value: {} } },
  queues: {
    called: "queue",
    keys: ["vhost", "name"],
    fields: { durable: true, auto_delete: false, arguments: {} },
    isFixed: true,
  },
  bindings: {
    called: "binding",
    keys: ["vhost", "source", "destination_type", "destination", "routing_key", "arguments"],
    fields: {},
  },
};

/** An item for people: `queue 'orders' in virtual host '/'`. */
export function calledOf(category: DefinitionCategory, item: DefinitionItem): string {
  const { called } = categoryRules[category];
  const text = (key: string): string => {
    const value = item[key] ?? "";
    return typeof value === "string" ? value : JSON.stringify(value);
  };
  const where = item["vhost"] === undefined ? "" : ` in virtual host '${text("vhost")}'`;
  if (category === "bindings")
    return `${called} '${text("source")}' -> '${text("destination")}' by '${text("routing_key")}'${where}`;
  if (category === "permissions" || category === "topic_permissions") {
    const exchange = category === "permissions" ? "" : ` on exchange '${text("exchange")}'`;
    return `${called} of user '${text("user")}'${exchange}${where}`;
  }
  if (item["name"] === undefined) return `${called} without a name${where}`;
  if (category !== "parameters") return `${called} '${text("name")}'${where}`;
  const component = text("component");
  if (component === "operator_policy") return `operator policy '${text("name")}'${where}`;
  if (component === "vhost-limits") return `limits${where.replace(" in ", " of ")}`;
  return `${called} '${component}/${text("name")}'${where}`;
}

/** The categories of a document of one virtual host. */
export const vhostCategories: readonly DefinitionCategory[] = [
  "exchanges",
  "policies",
  "parameters",
  "queues",
  "bindings",
];

/** A global parameter of the cluster that the document comes from, which means nothing to another: left alone, as in RabbitMQ. */
export function isOfCluster(name: unknown): boolean {
  return typeof name === "string" && name.startsWith("internal");
}

function isObject(value: unknown): value is DefinitionItem {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A document as JSON has it; a text says what it is instead. What is no item of a category is left out, as in RabbitMQ. */
export function definitionsIn(value: unknown): Definitions | string {
  if (!isObject(value)) return "the document is no JSON object";
  const found: Partial<Record<DefinitionCategory, readonly DefinitionItem[]>> = {};
  for (const category of definitionCategories) {
    const items = value[category];
    if (items === undefined || items === null) continue;
    if (!Array.isArray(items)) return `${category} is no list`;
    found[category] = items.filter(isObject);
  }
  return found;
}

/** A value as it is compared: keys sorted, RabbitMQ's empty lists for empty objects, tags as a list. */
function canonical(value: unknown, whenAbsent: unknown): unknown {
  const given = value === undefined || value === null ? whenAbsent : value;
  if (Array.isArray(whenAbsent) && typeof given === "string")
    return given.split(",").flatMap((text) => (text.trim() === "" ? [] : [text.trim()]));
  if (isObject(whenAbsent) && Array.isArray(given) && given.length === 0) return {};
  return sorted(given);
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (!isObject(value)) return value;
  return Object.fromEntries(
    Object.keys(value)
      .toSorted()
      .map((key) => [key, sorted(value[key])]),
  );
}

/** The same for two items that are about the same thing. */
export function definitionKeyOf(category: DefinitionCategory, item: DefinitionItem): string {
  const { keys } = categoryRules[category];
  return JSON.stringify(keys.map((key) => canonical(item[key], key === "arguments" ? {} : "")));
}

/** The names of the fields in which two items differ. */
export function differencesOf(
  category: DefinitionCategory,
  before: DefinitionItem,
  after: DefinitionItem,
): string[] {
  return Object.entries(categoryRules[category].fields).flatMap(([field, whenAbsent]) => {
    // A password cannot be compared with a hash, and who says none keeps the one that is there.
    if (field === "password_hash" && after[field] === undefined) return [];
    if (field === "metadata" && after[field] === undefined) return [];
    if (field === "limits" && after[field] === undefined) return [];
    const texts = [before, after].map((item) => JSON.stringify(canonical(item[field], whenAbsent)));
    return texts[0] === texts[1] ? [] : [field];
  });
}
