/**
 * Names as text, and the keys of definitions: `kind/` and a JSON array of names, so that no two lists of names have the same key.
 */
import { BrokerError } from "../base/errors.ts";
import { type AmqpText, utf8OrUndefined } from "../message/amqp/text.ts";

export type DefinitionKind =
  | "vhost"
  | "vhost-deletion"
  | "parameter"
  | "global-parameter"
  | "exchange"
  | "queue"
  | "binding"
  | "topic"
  | "group"
  | "share-group"
  | "offset"
  | "producers"
  | "user"
  | "acl"
  | "access"
  | "function"
  | "reader"
  | "operation";

export function definitionKey(kind: DefinitionKind, ...names: readonly string[]): string {
  return `${kind}/${JSON.stringify(names)}`;
}

export function namesOfKey(key: string): string[] {
  return JSON.parse(key.slice(key.indexOf("/") + 1)) as string[];
}

export const defaultVhostName = "/";

/**
 * Whether a virtual host is the broker's own: Redis's other databases, what enters streams later, what channels remember. No client can
 * name it, whatever its rights.
 */
export function isHiddenVhost(name: string): boolean {
  return name.startsWith("\0");
}

/**
 * Begins the names of virtual hosts, of the broker's own, in which something waits for a virtual host: its records that enter streams
 * later, its messages that wait in a delayed exchange or for a destination (`later`), its dead letters that no queue takes, its exchanges' recent messages. The name of that virtual host follows.
 */
export const companionPrefixes = {
  scheduled: "\0scheduled/",
  delayed: "\0delayed/",
  later: "\0later/",
  undelivered: "\0undelivered/",
  recentHistory: "\0recent-history/",
} as const;

/** Of these, where what a client has sent waits for a queue or stream of the same name, in the order in which it is shown. */
export const laterPrefixes = [companionPrefixes.scheduled, companionPrefixes.later] as const;

/**
 * A name as text for people. Names are latin1 strings of their bytes, since a Redis key may be any bytes: the `length` of a name
 * is its size in bytes. A name in UTF-8 is shown decoded.
 */
export function shownName(name: string): string {
  for (let i = 0; i < name.length; i++) {
    if (name.charCodeAt(i) >= 0x80) return Buffer.from(name, "latin1").toString();
  }
  return name;
}

/** What refuses to make something in a virtual host that is gone. */
export function noVhost(name: string): BrokerError {
  return new BrokerError(
    "NOT_FOUND",
    `there is no virtual host '${shownName(name)}'; it may just have been deleted`,
  );
}

/** The broker's form of a text from an AMQP table, which need not be UTF-8. */
export function nameOfText(text: AmqpText): string {
  if (typeof text !== "string") return text.latin1Slice();
  return Buffer.byteLength(text) === text.length ? text : Buffer.from(text).latin1Slice();
}

/** A name as an AMQP table has it: a text if it is UTF-8, otherwise bytes. */
export function textOfName(name: string): AmqpText {
  const bytes = Buffer.from(name, "latin1");
  return utf8OrUndefined(bytes, 0, bytes.length) ?? bytes;
}
