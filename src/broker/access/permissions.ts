/**
 * The one place that decides whether a user has a right. rights.ts asks the `Authorization` of a connection's user, which
 * holds the rules of all protocols (rule.ts) and stays the same object while they change: what is taken from a user is
 * taken from its open connections too. Not here: which right an operation needs, and of what (rights.ts).
 *
 * A denial counts more than any permission, and what nothing allows is refused. Administrators (the tag) may do to the
 * cluster what they like, and no denial is for them, as for Kafka's super users.
 * Invariants: `allowsAll` is only true where every question would be answered by yes; answers remembered are those of
 * the rules as they stand, never more than `answersMax`, and of short names only.
 */
import { limits } from "../../base/limits.ts";
import { type Acls, everyPrincipal, type KafkaAcl, userOfPrincipal } from "./acls.ts";
import {
  type Question,
  type ResourceKind,
  type Right,
  type Rule,
  ruleOfAcl,
  rulesOfPermissions,
  rulesOfRedis,
} from "./rule.ts";
import { TopicRules } from "./topic-rules.ts";
import { administratorTag, impersonatorTag, type User, type Users } from "./users.ts";

const answersMax = 4096;
/** Rights on queues, exchanges, streams, topics and keys. */
const namedRights = ["read", "settle", "write", "create", "delete", "alter", "alterConfigs"] as const;

/** `nothing`: no rule matches, so it is refused unless another name of the same thing is allowed. */
export type Verdict = "allowed" | "denied" | "nothing";

/** A connection that has logged in. */
export interface Holder {
  userDeleted(): void;
  /** The user's rules have changed: subscriptions and waiting reads must be checked again. */
  rulesChanged?(): void;
}

export class Authorization {
  readonly name: string;
  /** Null: deleted, or never existed. Then nothing is allowed. */
  user: User | null = null;
  isAdministrator = false;
  /** May publish in the name of others: AMQP's user-id is not compared with its own name. */
  isImpersonator = false;
  /** Grows with each change of the rules. */
  version = 0;
  /** Connections of this user; they are told when the user is deleted. */
  readonly holders = new Set<Holder>();
  /**
   * Redis's selectors, each as if it were a user that has nothing else. Only Redis asks them, since a selector allows keys to certain
   * commands, which other protocols have not: these know the user's own rules alone. What Kafka's ACLs deny the user is denied to each.
   */
  selectors: readonly Authorization[] = [];
  /** Connections and channels of AMQP clients, counted for the user's limits. */
  connections = 0;
  channels = 0;
  /** What it may do with the keys of topic exchanges; null: everything. */
  topics: TopicRules | null = null;
  #rules: readonly Rule[] = [];
  readonly #answers = new Map<string, Verdict>();
  /** By virtual host, whether everything is allowed there. */
  readonly #freeVhosts = new Map<string, boolean>();

  constructor(name: string) {
    this.name = name;
  }

  set(user: User | null, acls: Acls): void {
    this.#become(user, user === null ? [] : rulesOf(user, acls));
    this.#setSelectors(user, acls);
    for (const holder of this.holders) {
      if (user === null) holder.userDeleted();
      else holder.rulesChanged?.();
    }
  }

  /** Selectors stay the same objects while their rules change, as the user's own do. Those that are gone allow nothing. */
  #setSelectors(user: User | null, acls: Acls): void {
    const given = user?.redis?.selectors ?? [];
    const known = this.selectors;
    this.selectors = given.map((selector, i) => {
      const authorization = known[i] ?? new Authorization(`${this.name}\0${i}`);
      const asUser = { ...user!, tags: [], permissions: {}, redis: selector };
      authorization.#become(asUser, [...rulesOfRedis(selector), ...denialsOf(user!, acls)]);
      return authorization;
    });
    for (const gone of known.slice(given.length)) gone.#become(null, []);
  }

  #become(user: User | null, rules: readonly Rule[]): void {
    this.user = user;
    this.isAdministrator = user !== null && user.tags.includes(administratorTag);
    this.isImpersonator = user !== null && user.tags.includes(impersonatorTag);
    this.#rules = rules;
    this.topics = user === null ? null : TopicRules.of(user);
    this.#answers.clear();
    this.#freeVhosts.clear();
    this.version++;
  }

  /** Whether everything about names and channels there is allowed, from every host. */
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
    if (rules.some(({ isDenied }) => isDenied) || this.topics?.isAbout(vhost) === true) return false;
    const isFree = (kind: ResourceKind, right: Right) =>
      rules.some(
        (rule) =>
          rule.isForAll &&
          rule.host === null &&
          rule.isOfVhost(vhost) &&
          rule.kinds.has(kind) &&
          rule.rights.has(right),
      );
    return (
      namedRights.every((right) => isFree("name", right) && isFree("group", right)) &&
      isFree("channel", "write") &&
      isFree("channel", "read")
    );
  }

  /** Whether anything is denied to it. Only then the other names of a thing must be checked. */
  get hasDenials(): boolean {
    return this.#rules.some(({ isDenied }) => isDenied);
  }

  /** Whether it has Redis rules, among them rules for channels. */
  get hasRedisRules(): boolean {
    return this.user !== null && this.user.redis !== null;
  }

  allows(question: Question, host: string): boolean {
    return this.verdict(question, host) === "allowed";
  }

  /** `host`: the connection's host, which Kafka ACLs may name. */
  verdict(question: Question, host: string): Verdict {
    const { vhost, kind, right, name } = question;
    // A Redis key may be megabytes long: the cache is bounded in bytes too.
    if (name.length > limits.nameBytesMax) return this.#decide(question, host);
    const key = `${kind}\n${right}\n${host}\n${vhost}\n${name}`;
    let answer = this.#answers.get(key);
    if (answer === undefined) {
      answer = this.#decide(question, host);
      if (this.#answers.size >= answersMax) this.#answers.clear();
      this.#answers.set(key, answer);
    }
    return answer;
  }

  #decide({ vhost, kind, right, name }: Question, host: string): Verdict {
    let verdict: Verdict = kind === "cluster" && this.isAdministrator ? "allowed" : "nothing";
    for (const rule of this.#rules) {
      if (!isAbout(rule, vhost, kind, right, host)) continue;
      if (kind !== "cluster" && !rule.matches(name)) continue;
      if (rule.isDenied) return "denied";
      verdict = "allowed";
    }
    return verdict;
  }

  /** For a pattern (PSUBSCRIBE): a rule must be exactly this pattern, or cover all. */
  allowsPattern({ vhost, kind, right, name }: Question, host: string): boolean {
    return this.#rules.some(
      (rule) => isAbout(rule, vhost, kind, right, host) && (rule.isForAll || rule.glob === name),
    );
  }

  /** For every name that begins with `name`. A glob covers them if it is such a beginning followed by `*`. */
  allowsPrefix({ vhost, kind, right, name }: Question, host: string): boolean {
    return this.#rules.some(
      (rule) =>
        isAbout(rule, vhost, kind, right, host) &&
        (rule.isForAll || (rule.globPrefix !== null && name.startsWith(rule.globPrefix))),
    );
  }

  /** Whether there is any name for which it has the right (needed for Kafka's InitProducerId). */
  allowsSome({ vhost, kind, right }: Omit<Question, "name">, host: string): boolean {
    return this.#rules.some(
      (rule) => !rule.isDenied && !rule.isForNothing && isAbout(rule, vhost, kind, right, host),
    );
  }

  /** Whether there is any name for which the right is denied. */
  deniesSome({ vhost, kind, right }: Omit<Question, "name">, host: string): boolean {
    return this.#rules.some(
      (rule) => rule.isDenied && !rule.isForNothing && isAbout(rule, vhost, kind, right, host),
    );
  }

  /** Whether it has any right in the virtual host. */
  hasVhost(vhost: string): boolean {
    return this.#rules.some((rule) => !rule.isDenied && rule.isOfVhost(vhost));
  }
}

function isAbout(rule: Rule, vhost: string, kind: ResourceKind, right: Right, host: string): boolean {
  return (
    rule.kinds.has(kind) &&
    rule.rights.has(right) &&
    rule.isOfVhost(vhost) &&
    (rule.host === null || rule.host === host)
  );
}

function rulesOf(user: User, acls: Acls): Rule[] {
  const rules = Object.entries(user.permissions).flatMap(([vhost, given]) =>
    rulesOfPermissions(vhost, given),
  );
  if (user.redis !== null) rules.push(...rulesOfRedis(user.redis));
  rules.push(...aclsOf(user, acls, "allow").map(ruleOfAcl), ...denialsOf(user, acls));
  return rules;
}

/** No denial applies to super users, as in Kafka. */
function denialsOf(user: User, acls: Acls): Rule[] {
  return user.tags.includes(administratorTag) ? [] : aclsOf(user, acls, "deny").map(ruleOfAcl);
}

function aclsOf({ name }: User, acls: Acls, permission: KafkaAcl["permission"]): KafkaAcl[] {
  return acls
    .all()
    .filter(
      (acl) =>
        acl.permission === permission &&
        (acl.principal === everyPrincipal || userOfPrincipal(acl.principal) === name),
    );
}

export class Permissions {
  readonly #users: Users;
  readonly #acls: Acls;
  readonly #byName = new Map<string, Authorization>();
  /** Called with each authorization that changed: answers cached from it are no longer valid. */
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
