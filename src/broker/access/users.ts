/**
 * Users: who there is, what each one's passwords hash to, and what each may do, kept in the table of definitions.
 *
 * A user has what every protocol says of users, side by side: RabbitMQ's tags and permissions, Redis's rules, and
 * beside them the Kafka ACLs that name it (acls.ts). Not here: whether a password is right (access.ts), what the rules
 * come to (permissions.ts).
 *
 * Invariants: no password is kept, only its hash; a user is replaced, never changed in place.
 */
import type { Storage } from "../../storage/index.ts";
import { definitionKey, namesOfKey } from "../names.ts";

/** See password-hash.ts; both in base64. */
export interface StoredPassword {
  readonly salt: string;
  readonly hash: string;
}

/** RabbitMQ's permissions: regular expressions over names. */
export interface VhostPermissions {
  readonly configure: string;
  readonly write: string;
  readonly read: string;
}

/** RabbitMQ's permissions on the routing keys of one topic exchange: regular expressions. */
export interface TopicPermission {
  readonly write: string;
  readonly read: string;
}

/**
 * A hash that RabbitMQ made of a password: of its first four bytes, the salt, and the password. The algorithm is RabbitMQ's name of it;
 * one that is not known here matches no password.
 */
export interface ImportedPassword {
  readonly algorithm: string;
  /** In base64. */
  readonly hash: string;
}

/** What one of Redis's selectors allows: these commands, on these keys and channels. Each as it was given, in their order. */
export interface RedisSelector {
  /** `+get`, `-@dangerous`, `+config|get`. */
  readonly commands: readonly string[];
  /** `~pattern`, `%R~pattern`, `%W~pattern`. */
  readonly keys: readonly string[];
  /** `&pattern`. */
  readonly channels: readonly string[];
}

/** Redis's rules: the user's own, and further selectors. What is stored of users that have none lacks them. */
export interface RedisRules extends RedisSelector {
  readonly selectors?: readonly RedisSelector[];
}

export interface User {
  readonly name: string;
  readonly tags: readonly string[];
  /** False: it cannot log in. */
  readonly isEnabled: boolean;
  /** Redis clients can log in with any password, or none. */
  readonly needsNoPassword: boolean;
  readonly passwords: readonly StoredPassword[];
  /** By virtual host. */
  readonly permissions: Readonly<Record<string, VhostPermissions>>;
  /** By virtual host and exchange; where there is none, any key is allowed. */
  readonly topicPermissions: Readonly<Record<string, Readonly<Record<string, TopicPermission>>>>;
  /** `max-connections` and `max-channels` of AMQP clients (parameters/vhost-limits.ts). */
  readonly limits: Readonly<Record<string, number>>;
  /** Null: none. */
  readonly importedPassword: ImportedPassword | null;
  /** Null: it may run commands that are not for administrators, on keys that its permissions allow. */
  readonly redis: RedisRules | null;
}

export const administratorTag = "administrator";
/** A user with it may publish over AMQP with another user's name as user-id. */
export const impersonatorTag = "impersonator";
/** The user of Redis and Kafka connections that have not logged in. */
export const defaultUserName = "default";

export const everyName: VhostPermissions = { configure: ".*", write: ".*", read: ".*" };
export const everyRedisRule: RedisRules = { commands: ["+@all"], keys: ["~*"], channels: ["&*"] };

const nobody: Omit<User, "name"> = {
  tags: [],
  isEnabled: true,
  needsNoPassword: false,
  passwords: [],
  permissions: {},
  topicPermissions: {},
  limits: {},
  importedPassword: null,
  redis: null,
};

export function newUser(name: string, values: Partial<User> = {}): User {
  return { ...nobody, ...values, name };
}

/** A user's topic permissions in a virtual host, which may be called as what every object has. */
export function topicPermissionsIn(
  { topicPermissions }: User,
  vhost: string,
): Readonly<Record<string, TopicPermission>> {
  return Object.hasOwn(topicPermissions, vhost) ? topicPermissions[vhost]! : {};
}

export class Users {
  readonly #storage: Storage;
  readonly #byName = new Map<string, User>();
  /** Called with the name of each user that was set or deleted. */
  readonly listeners = new Set<(name: string) => void>();

  constructor(storage: Storage) {
    this.#storage = storage;
  }

  restore(): void {
    for (const [key, value] of this.#storage.definitions.entries("user/")) {
      const [name] = namesOfKey(key);
      this.#byName.set(name!, newUser(name!, JSON.parse(value.toString()) as Partial<User>));
    }
  }

  get size(): number {
    return this.#byName.size;
  }

  get(name: string): User | undefined {
    return this.#byName.get(name);
  }

  all(): User[] {
    return [...this.#byName.values()];
  }

  /** Stored like every definition: durable with the next sync. */
  set(user: User): void {
    const { name, ...kept } = user;
    this.#storage.definitions.put(definitionKey("user", name), JSON.stringify(kept));
    this.setForNow(user);
  }

  /** Until the broker ends; a stored user of that name stays as it is. */
  setForNow(user: User): void {
    this.#byName.set(user.name, user);
    this.#tell(user.name);
  }

  /** False: there is no such user. */
  delete(name: string): boolean {
    if (!this.#byName.delete(name)) return false;
    this.#storage.definitions.delete(definitionKey("user", name));
    this.#tell(name);
    return true;
  }

  #tell(name: string): void {
    for (const listener of this.listeners) listener(name);
  }
}
