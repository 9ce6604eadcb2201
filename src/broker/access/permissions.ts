/**
 * The one place that decides what a user may do. A protocol asks the `Authorization` of its connection's user, which
 * holds the rules of all protocols (rule.ts) and stays the same object while they change: what is taken from a user is
 * taken from its open connections too.
 *
 * A denial counts more than any permission, and what nothing allows is refused. Administrators (the tag) may do to the
 * cluster what they like, and no denial is for them, as for Kafka's super users.
 * Invariants: `allowsAll` is only true where every question would be answered by yes; answers remembered are those of
 * the rules as they stand, never more than `answersMax`, and of short names only.
 */
import { limits } from "../../base/limits.ts";
import { type Acls, everyPrincipal, userOfPrincipal } from "./acls.ts";
import {
  type Operation,
  type Question,
  type ResourceKind,
  type Rule,
  ruleOfAcl,
  rulesOfPermissions,
  rulesOfRedis,
} from "./rule.ts";
import { administratorTag, type User, type Users } from "./users.ts";

const answersMax = 4096;
/** What can be done with queues, exchanges, streams, topics, keys. */
const namedOperations = ["read", "write", "create", "delete", "alter", "alterConfigs"] as const;

/** A connection that has logged in. */
export interface Holder {
  userDeleted(): void;
  /** The user's rules are others now: what goes on without asking again (subscriptions, reads that wait) is looked at. */
  rulesChanged?(): void;
}

export class Authorization {
  readonly name: string;
  /** Null: deleted, or never there. Then nothing is allowed. */
  user: User | null = null;
  isAdministrator = false;
  /** Grows with each change of the rules. */
  version = 0;
  /** Connections that act as this user: told when it is deleted. */
  readonly holders = new Set<Holder>();
  #rules: readonly Rule[] = [];
  readonly #answers = new Map<string, boolean>();
  /** Whether it is free there, by virtual host: there are few of those. */
  readonly #freeVhosts = new Map<string, boolean>();

  constructor(name: string) {
    this.name = name;
  }

  set(user: User | null, acls: Acls): void {
    this.user = user;
    this.isAdministrator = user !== null && user.tags.includes(administratorTag);
    this.#rules = user === null ? [] : rulesOf(user, acls);
    this.#answers.clear();
    this.#freeVhosts.clear();
    this.version++;
    for (const holder of this.holders) {
      if (user === null) holder.userDeleted();
      else holder.rulesChanged?.();
    }
  }

  /** Whatever is asked about names and channels there is allowed, from everywhere. */
  allowsAll(vhost: string): boolean {
    let answer = this.#freeVhosts.get(vhost);
    if (answer === undefined) {
      answer = this.#allowsEveryName(vhost);
      this.#freeVhosts.set(vhost, answer);
    }
    return answer;
  }

  #allowsEveryName(vhost: string): boolean {
    const rules = this.#rules;
    if (rules.some(({ isDenied }) => isDenied)) return false;
    const isFree = (kind: ResourceKind, operation: Operation) =>
      rules.some(
        (rule) =>
          rule.isForAll &&
          rule.host === null &&
          rule.isOfVhost(vhost) &&
          rule.kinds.has(kind) &&
          rule.operations.has(operation),
      );
    return (
      namedOperations.every((operation) => isFree("name", operation) && isFree("group", operation)) &&
      isFree("channel", "write") &&
      isFree("channel", "read")
    );
  }

  /** `host`: where the connection comes from, which Kafka's ACLs may ask for. */
  allows(question: Question, host: string): boolean {
    const { vhost, kind, operation, name } = question;
    // A Redis key may be megabytes long: what is remembered is bounded in bytes too.
    if (name.length > limits.nameBytesMax) return this.#decide(question, host);
    const key = `${kind}\n${operation}\n${host}\n${vhost}\n${name}`;
    let answer = this.#answers.get(key);
    if (answer === undefined) {
      answer = this.#decide(question, host);
      if (this.#answers.size >= answersMax) this.#answers.clear();
      this.#answers.set(key, answer);
    }
    return answer;
  }

  #decide({ vhost, kind, operation, name }: Question, host: string): boolean {
    let isAllowed = kind === "cluster" && this.isAdministrator;
    for (const rule of this.#rules) {
      if (!rule.kinds.has(kind) || !rule.operations.has(operation) || !rule.isOfVhost(vhost)) continue;
      if ((rule.host !== null && rule.host !== host) || !(kind === "cluster" || rule.matches(name))) continue;
      if (rule.isDenied) return false;
      isAllowed = true;
    }
    return isAllowed;
  }

  /** Of a pattern (PSUBSCRIBE): the rules must say just that one, or all. */
  allowsPattern({ vhost, kind, operation, name }: Question, host: string): boolean {
    return this.#rules.some(
      (rule) =>
        rule.kinds.has(kind) &&
        rule.operations.has(operation) &&
        rule.isOfVhost(vhost) &&
        (rule.host === null || rule.host === host) &&
        (rule.isForAll || rule.glob === name),
    );
  }

  /** Whether there is any name at all that it may do this with (Kafka's InitProducerId asks so). */
  allowsSome({ vhost, kind, operation }: Omit<Question, "name">, host: string): boolean {
    return this.#rules.some(
      (rule) =>
        !rule.isDenied &&
        rule.kinds.has(kind) &&
        rule.operations.has(operation) &&
        rule.isOfVhost(vhost) &&
        (rule.host === null || rule.host === host),
    );
  }

  /** Whether it has any business in the virtual host. */
  hasVhost(vhost: string): boolean {
    return this.#rules.some((rule) => !rule.isDenied && rule.isOfVhost(vhost));
  }
}

function rulesOf(user: User, acls: Acls): Rule[] {
  const rules = Object.entries(user.permissions).flatMap(([vhost, given]) =>
    rulesOfPermissions(vhost, given),
  );
  if (user.redis !== null) rules.push(...rulesOfRedis(user.redis));
  for (const acl of acls.all()) {
    if (acl.principal === everyPrincipal || userOfPrincipal(acl.principal) === user.name) {
      // Nobody can take from super users what is theirs, as in Kafka.
      if (acl.permission === "allow" || !user.tags.includes(administratorTag)) rules.push(ruleOfAcl(acl));
    }
  }
  return rules;
}

export class Permissions {
  readonly #users: Users;
  readonly #acls: Acls;
  readonly #byName = new Map<string, Authorization>();
  /** Told the authorizations that changed: what was remembered of them no longer counts. */
  readonly listeners = new Set<(changed: Authorization) => void>();

  constructor(users: Users, acls: Acls) {
    this.#users = users;
    this.#acls = acls;
    users.listeners.add((name) => {
      const known = this.#byName.get(name);
      if (known !== undefined) this.#renew(known);
    });
    acls.listeners.add(() => {
      for (const known of this.#byName.values()) this.#renew(known);
    });
  }

  of(name: string): Authorization {
    let found = this.#byName.get(name);
    if (found === undefined) {
      found = new Authorization(name);
      found.set(this.#users.get(name) ?? null, this.#acls);
      this.#byName.set(name, found);
    }
    return found;
  }

  #renew(authorization: Authorization): void {
    authorization.set(this.#users.get(authorization.name) ?? null, this.#acls);
    for (const listener of this.listeners) listener(authorization);
  }
}
