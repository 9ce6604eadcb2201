/**
 * RabbitMQ's topic permissions of one user: which routing keys of a topic exchange it may write and read.
 *
 * `{username}` and `{vhost}` in a pattern stand for the user's name and the virtual host's. Not here: which operation asks (rights.ts).
 * Invariant: an exchange that no rule names has all its keys allowed, as in RabbitMQ.
 */
import { BrokerError } from "../../base/errors.ts";
import type { Regex } from "../../base/patterns/regex.ts";
import { shownName } from "../names.ts";
import { compilePermission } from "./rule.ts";
import type { User } from "./users.ts";

export type TopicRight = "write" | "read";

/** Null: a pattern that cannot be compiled any more allows nothing. */
type KeyRule = Regex | "every key" | null;

export class TopicRules {
  /** By virtual host and exchange. */
  readonly #rules = new Map<string, Map<string, Readonly<Record<TopicRight, KeyRule>>>>();

  private constructor({ name, topicPermissions }: User) {
    for (const [vhost, byExchange] of Object.entries(topicPermissions)) {
      const compile = (pattern: string): KeyRule => compiled(pattern, name, shownName(vhost));
      const rules = Object.entries(byExchange).map(
        ([exchange, { write, read }]) => [exchange, { write: compile(write), read: compile(read) }] as const,
      );
      if (rules.length > 0) this.#rules.set(vhost, new Map(rules));
    }
  }

  /** Null for a user that has none. */
  static of(user: User): TopicRules | null {
    return Object.keys(user.topicPermissions).length === 0 ? null : new TopicRules(user);
  }

  isAbout(vhost: string): boolean {
    return this.#rules.has(vhost);
  }

  /** Whether it may use the key, a latin1 string of its bytes. A pattern of bindings is a key like any other, as in RabbitMQ. */
  allows(right: TopicRight, vhost: string, exchange: string, key: string): boolean {
    const rule = this.#rules.get(vhost)?.get(exchange)?.[right];
    if (rule === undefined || rule === "every key") return true;
    return rule !== null && rule.test(key);
  }

  /** Whether it may use every key. */
  allowsEvery(right: TopicRight, vhost: string, exchange: string): boolean {
    const rule = this.#rules.get(vhost)?.get(exchange)?.[right];
    return rule === undefined || rule === "every key";
  }
}

function compiled(pattern: string, username: string, vhost: string): KeyRule {
  if (pattern === ".*" || pattern === "^.*$") return "every key";
  try {
    return compilePermission(pattern.replaceAll("{username}", username).replaceAll("{vhost}", vhost));
  } catch (error) {
    if (error instanceof BrokerError) return null;
    throw error;
  }
}
