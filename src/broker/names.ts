/** Table keys of definitions: `kind/` and a JSON array of names, so that no name can be mistaken for another. */
export type DefinitionKind =
  | "vhost"
  | "exchange"
  | "queue"
  | "binding"
  | "topic"
  | "group"
  | "offset"
  | "producers"
  | "user"
  | "acl"
  | "access";

export function definitionKey(kind: DefinitionKind, ...names: readonly string[]): string {
  return `${kind}/${JSON.stringify(names)}`;
}

export function namesOfKey(key: string): string[] {
  return JSON.parse(key.slice(key.indexOf("/") + 1)) as string[];
}

export const defaultVhostName = "/";
