/**
 * Carries out a plan of changes (src/base/definitions/plan.ts) over the API: what is to be added and changed in one import, deletions one
 * by one after it.
 *
 * A deletion takes more with it: the last binding of an auto-delete exchange or queue, that exchange or queue. So what is to be deleted
 * may have gone already, which is no fault. Invariant: what the plan does not name is not sent, so a user whose password the file does
 * not have keeps its own.
 */
import type { DefinitionItem } from "../../../src/base/definitions/document.ts";
import { definitionKeyOf } from "../../../src/base/definitions/document.ts";
import type { PlannedChange } from "../../../src/base/definitions/plan.ts";
import { type Api, path } from "../broker/api.ts";

export async function carryOut(api: Api, changes: readonly PlannedChange[]): Promise<void> {
  const document: Record<string, DefinitionItem[]> = {};
  for (const { category, action, before, after } of changes) {
    if (action === "add" || action === "change")
      (document[category] ??= []).push(category === "users" ? withPassword(before, after!) : after!);
  }
  if (Object.keys(document).length > 0) await api.send("POST", "/api/definitions", document);
  for (const change of changes) if (change.action === "delete") await remove(api, change);
}

/** Who is not given a password keeps the one that is there. */
function withPassword(before: DefinitionItem | null, after: DefinitionItem): DefinitionItem {
  if (before === null || after["password"] !== undefined || after["password_hash"] !== undefined)
    return after;
  const { password_hash, hashing_algorithm } = before;
  return { ...after, password_hash, hashing_algorithm };
}

async function remove(api: Api, { category, before }: PlannedChange): Promise<void> {
  const item = before!;
  const text = (key: string): string => (item[key] as string | undefined) ?? "";
  const name = text("name");
  const vhost = text("vhost");
  switch (category) {
    case "users":
      return await api.remove(path`/api/users/${name}`);
    case "vhosts":
      return await api.remove(path`/api/vhosts/${name}`);
    case "permissions":
      return await api.remove(path`/api/permissions/${vhost}/${text("user")}`);
    case "topic_permissions":
      return await api.remove(path`/api/topic-permissions/${vhost}/${text("user")}/${text("exchange")}`);
    case "exchanges":
      return await api.remove(path`/api/exchanges/${vhost}/${name}`);
    case "global_parameters":
      return await api.remove(path`/api/global-parameters/${name}`);
    case "policies":
      return await api.remove(path`/api/policies/${vhost}/${name}`);
    case "parameters":
      return await api.remove(path`/api/parameters/${text("component")}/${vhost}/${name}`);
    case "queues":
      return await api.remove(path`/api/queues/${vhost}/${name}`);
    case "bindings":
      return await removeBinding(api, item);
  }
}

async function removeBinding(api: Api, item: DefinitionItem): Promise<void> {
  const { vhost, source, destination, destination_type: type } = item as Record<string, string>;
  const at = path`/api/bindings/${vhost!}/e/${source!}/${type === "exchange" ? "e" : "q"}/${destination!}`;
  const there = (await api.find<readonly DefinitionItem[]>(at)) ?? [];
  const key = definitionKeyOf("bindings", item);
  const found = there.find((each) => definitionKeyOf("bindings", each) === key);
  // Its queue or exchange was deleted before it.
  if (found !== undefined) await api.remove(at + path`/${found["properties_key"] as string}`);
}
