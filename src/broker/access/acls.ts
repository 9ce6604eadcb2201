/**
 * Kafka's ACLs: bindings of a principal, a resource pattern, an operation and a permission, kept in the table of
 * definitions. What they come to is decided in permissions.ts, with what other protocols say of the same user.
 *
 * Invariant: a binding is there once; its key is all that it says.
 */
import type { Storage } from "../../storage/index.ts";
import { definitionKey, namesOfKey } from "../names.ts";
import type { Operation, ResourceKind } from "./rule.ts";

export interface KafkaAcl {
  readonly kind: Exclude<ResourceKind, "channel">;
  /** A literal `*` means every name. */
  readonly name: string;
  readonly patternType: "literal" | "prefixed";
  /** `User:name`, or `User:*` for everybody. */
  readonly principal: string;
  /** An address, or `*`. */
  readonly host: string;
  readonly operation: Operation | "all";
  readonly permission: "allow" | "deny";
}

const principalPrefix = "User:";
export const everyPrincipal = "User:*";

/** The user that a principal names; null: it names no user. */
export function userOfPrincipal(principal: string): string | null {
  return principal.startsWith(principalPrefix) ? principal.slice(principalPrefix.length) : null;
}

export class Acls {
  readonly #storage: Storage;
  readonly #byKey = new Map<string, KafkaAcl>();
  /** Called when bindings were made or deleted. */
  readonly listeners = new Set<() => void>();

  constructor(storage: Storage) {
    this.#storage = storage;
  }

  restore(): void {
    for (const [key] of this.#storage.definitions.entries("acl/")) {
      const [kind, name, patternType, principal, host, operation, permission] = namesOfKey(key);
      this.#byKey.set(key, {
        kind,
        name,
        patternType,
        principal,
        host,
        operation,
        permission,
      } as KafkaAcl);
    }
  }

  get size(): number {
    return this.#byKey.size;
  }

  all(): KafkaAcl[] {
    return [...this.#byKey.values()];
  }

  /** Stored like every definition. A binding that exists already stays. */
  add(acls: readonly KafkaAcl[]): void {
    for (const acl of acls) {
      const key = keyOf(acl);
      this.#storage.definitions.put(key, "");
      this.#byKey.set(key, acl);
    }
    this.#tell();
  }

  delete(acls: readonly KafkaAcl[]): void {
    for (const acl of acls) {
      this.#storage.definitions.delete(keyOf(acl));
      this.#byKey.delete(keyOf(acl));
    }
    this.#tell();
  }

  #tell(): void {
    for (const listener of this.listeners) listener();
  }
}

function keyOf(acl: KafkaAcl): string {
  const { kind, name, patternType, principal, host, operation, permission } = acl;
  return definitionKey("acl", kind, name, patternType, principal, host, operation, permission);
}
