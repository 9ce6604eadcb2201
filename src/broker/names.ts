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

/**
 * The text of a name for people. Names are latin1 strings of their bytes, since a Redis key may be any bytes: a name's
 * `length` is its size in bytes, and what is UTF-8 must be shown as such.
 */
export function shownName(name: string): string {
  for (let i = 0; i < name.length; i++) {
    if (name.charCodeAt(i) >= 0x80) return Buffer.from(name, "latin1").toString();
  }
  return name;
}
