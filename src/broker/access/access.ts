/**
 * Logins, and the rights of connections that do not log in. permissions.ts decides what a user may do.
 *
 * The first start makes `guest` with the password `guest`, as RabbitMQ does. This password is public, so its hash is written here;
 * it lets in nobody from other machines (RabbitMQ's `loopback_users`), and nobody at all once the operator has set a password. The
 * operator's own user (`--user`, `--password`) exists while the broker is started with it.
 *
 * A password that was right once is remembered by a cheap keyed hash, so that a thousand connections do not cost a thousand
 * scrypts. A wrong one always costs one, whether the user exists or not and however many passwords it has. An empty one costs nothing
 * and lets in nobody, as in RabbitMQ, but over Redis, where ACL SETUSER may have set it. Invariants: no password is kept, only a hash to
 * compare with; `logIn` answers exactly once.
 */
import crypto from "node:crypto";
import type { Clock, Timers } from "../../base/clock.ts";
import { isLoopbackAddress } from "../../base/addresses.ts";
import type { Logger } from "../../base/logger.ts";
import type { Random } from "../../base/random.ts";
import { SparseLog } from "../../base/sparse-log.ts";
import type { Storage } from "../../storage/index.ts";
import { definitionKey } from "../names.ts";
import { Acls } from "./acls.ts";
import { lockOutFault, type UserList } from "./administrators.ts";
import { HashQueue } from "./hash-queue.ts";
import { LoginGuard } from "./login-guard.ts";
import { guestPassword, guestStored, isImportedPassword } from "./imported-password.ts";
import { hashBytes, type PasswordHash, passwordDigest, scryptHash } from "./password-hash.ts";
import { type Authorization, Permissions } from "./permissions.ts";
import {
  administratorTag,
  defaultUserName,
  everyName,
  everyRedisRule,
  newUser,
  type StoredPassword,
  type User,
  Users,
} from "./users.ts";

/** The operator's options about access. */
export interface Security {
  /** The password of the user `name`, and of the user `default`. Undefined: none is set. */
  readonly password: string | undefined;
  readonly name: string;
  /** `--insecure`: everything is open to everybody. */
  readonly isInsecure: boolean;
}

/** For brokers that no network can reach: tests and simulations. */
const openSecurity: Security = { password: undefined, name: "guest", isInsecure: true };

export interface AccessOptions {
  readonly storage: Storage;
  /** Logs failed logins. */
  readonly logger?: Logger;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random: Random;
  readonly security?: Security;
  readonly passwordHash?: PasswordHash;
}

/** The protocol of a login. */
export type LoginProtocol = "redis" | "amqp" | "kafka" | "http";

export interface LoginAttempts {
  succeeded: number;
  failed: number;
}

export interface Credentials {
  readonly protocol: LoginProtocol;
  readonly name: string;
  readonly password: string;
  readonly remoteHost: string;
  /** Redis: a user with `nopass` logs in with any password. */
  readonly takesNoPassword?: boolean;
}

interface Attempt {
  readonly name: string;
  readonly remoteHost: string;
  readonly digest: string;
  readonly quick: Buffer;
  /** For a hash that was imported from RabbitMQ. */
  readonly password: string;
}

interface Search {
  readonly remoteHost: string;
  readonly digest: string;
  readonly passwords: readonly StoredPassword[];
  /** Salts that were not tried yet. */
  readonly salts: readonly string[];
}

/** Which part of a client's certificate names its user: RabbitMQ's `ssl_cert_login_from`. */
export type CertificateLogin = "distinguished_name" | "common_name" | "subject_alternative_name";

export type LoggedIn = (authorization: Authorization | null) => void;

const guest: User = newUser("guest", {
  tags: [administratorTag],
  permissions: { "/": everyName },
  redis: everyRedisRule,
  passwords: [guestStored],
});
/** The salt for a user that does not exist, so that the login takes as long. */
const nobodysSalt = "TroikaMQ nobody";
const saltBytes = 16;
/** Only this many characters of a name are logged, since strangers choose it. */
const shownNameMax = 100;

export class Access {
  readonly users: Users;
  readonly acls: Acls;
  readonly permissions: Permissions;
  /** By protocol, since the start or since they were last forgotten. */
  readonly attempts: Readonly<Record<LoginProtocol, LoginAttempts>> = {
    redis: { succeeded: 0, failed: 0 },
    amqp: { succeeded: 0, failed: 0 },
    kafka: { succeeded: 0, failed: 0 },
    http: { succeeded: 0, failed: 0 },
  };
  readonly #storage: Storage;
  readonly #random: Random;
  readonly #guard: LoginGuard;
  readonly #refusalLogs: Readonly<Record<LoginProtocol, SparseLog>> | null;
  readonly #passwordHash: PasswordHash;
  readonly #queue: HashQueue;
  readonly #rememberKey: Uint8Array;
  /** For each user, the keyed hash of a password that was right. */
  readonly #remembered = new Map<string, Buffer>();
  /** Logins that wait for the same check of the same password. */
  readonly #looking = new Map<string, ((isRight: boolean) => void)[]>();
  /** The operator has started with `--insecure`. */
  readonly isInsecure: boolean;
  readonly #operator: { readonly name: string; readonly hash: Buffer } | null = null;

  constructor(options: AccessOptions) {
    const { storage, random, security = openSecurity } = options;
    this.#storage = storage;
    this.users = new Users(storage);
    this.acls = new Acls(storage);
    this.permissions = new Permissions(this.users, this.acls);
    this.#random = random;
    this.#guard = new LoginGuard(options.clock, options.timers);
    this.#refusalLogs = options.logger === undefined ? null : refusalLogs(options.logger, options.timers);
    this.#passwordHash = options.passwordHash ?? scryptHash;
    this.#queue = new HashQueue(options.clock, options.timers, this.#passwordHash.later);
    this.#rememberKey = random.bytes(hashBytes);
    this.isInsecure = security.isInsecure;
    const { name, password } = security;
    if (password !== undefined) this.#operator = { name, hash: this.#quickHash(passwordDigest(password)) };
    this.users.listeners.add((changed) => this.#forget(changed));
  }

  /** The operator has set a password: nothing works without one. */
  get isRequired(): boolean {
    return this.#operator !== null;
  }

  restore(): void {
    this.users.restore();
    this.acls.restore();
    this.#makeGuestOnce();
    if (this.#isGuestsOwn(this.users.get(guest.name))) this.#remember(guest.name, guestPassword);
    if (this.users.get(defaultUserName) === undefined) this.users.setForNow(this.defaultUser());
    if (this.#operator === null) return;
    const { name } = this.#operator;
    const { tags, redis } = guest;
    const permissions = { ...this.users.get(name)?.permissions, ...guest.permissions };
    // Without a stored hash: only the remembered password is right.
    this.users.setForNow(newUser(name, { tags, permissions, redis }));
    this.users.setForNow({ ...this.users.get(defaultUserName)!, needsNoPassword: false });
  }

  /** Forgets the remembered password of a changed user. The operator's password stays valid, for `default` as well. */
  #forget(name: string): void {
    this.#remembered.delete(name);
    const operator = this.#operator;
    const isOperators = name === operator?.name || name === defaultUserName;
    if (operator !== null && isOperators) this.#remembered.set(name, operator.hash);
  }

  /** Redis's CONFIG SET requirepass: the only password of `default` until the broker ends; an empty one opens it. */
  requirePassword(password: string): void {
    const user = this.users.get(defaultUserName)!;
    this.users.setForNow({ ...user, needsNoPassword: password === "", passwords: [] });
    if (password !== "") this.#remember(defaultUserName, password);
  }

  /** The reason why the user may not become `next` (null: be deleted), since then nobody could change users; null: it may. */
  lockOutFault(name: string, next: User | null, users: UserList = this.users): string | null {
    return lockOutFault(users, this.#operator?.name, name, next);
  }

  /** Only the first start makes `guest`: an operator who deleted it must not find it again. */
  #makeGuestOnce(): void {
    const { definitions } = this.#storage;
    const made = definitionKey("access", "guest");
    if (this.users.size === 0 && definitions.get(made) === undefined) this.users.set(guest);
    if (definitions.get(made) === undefined) definitions.put(made, "{}");
  }

  /** The user `default` in its initial state. */
  defaultUser(): User {
    return newUser(defaultUserName, {
      tags: [administratorTag],
      redis: everyRedisRule,
      needsNoPassword: !this.isRequired,
    });
  }

  /** The rights of a connection that has not logged in; null: it may only log in. */
  get anonymous(): Authorization | null {
    const user = this.users.get(defaultUserName);
    return user !== undefined && user.isEnabled && user.needsNoPassword
      ? this.permissions.of(defaultUserName)
      : null;
  }

  /**
   * The stored form of a new password of a user that has `others` already. All passwords of a user have the same salt, so checking
   * a login takes one hash, however many there are. Takes some 50 ms.
   */
  storedPassword(digest: string, others: readonly StoredPassword[] = []): StoredPassword {
    const salt = others[0]?.salt ?? Buffer.from(this.#random.bytes(saltBytes)).toString("base64");
    return { salt, hash: this.#passwordHash.now(digest, salt).toString("base64") };
  }

  /** The same, computed on another thread. */
  storedPasswordLater(digest: string): Promise<StoredPassword> {
    const salt = Buffer.from(this.#random.bytes(saltBytes)).toString("base64");
    return new Promise((resolve) => {
      this.#passwordHash.later(digest, salt, (hash) =>
        resolve({ salt, hash: (hash ?? this.#passwordHash.now(digest, salt)).toString("base64") }),
      );
    });
  }

  /** The stored password that matches. Takes some 50 ms. */
  findStoredPassword(passwords: readonly StoredPassword[], digest: string): StoredPassword | undefined {
    for (const salt of saltsOf(passwords)) {
      const found = findHash(passwords, salt, this.#passwordHash.now(digest, salt));
      if (found !== undefined) return found;
    }
    return undefined;
  }

  /** All attempts, whatever the protocol. */
  attemptsMade(): LoginAttempts {
    const sum = { succeeded: 0, failed: 0 };
    for (const { succeeded, failed } of Object.values(this.attempts)) {
      sum.succeeded += succeeded;
      sum.failed += failed;
    }
    return sum;
  }

  /**
   * Calls `done` with the user's authorization: at once if the password is remembered and there were no failures lately, otherwise
   * later. Null: the password is wrong, the user may not log in from there, or there were too many failures lately.
   */
  logIn(credentials: Credentials, done: LoggedIn): void {
    const { name, password, remoteHost } = credentials;
    this.#storage.unwritten.lookedAtTable((kind) => kind === "user");
    const user = this.users.get(name);
    let reason = "the user or the password is wrong";
    const finish = (isRight: boolean): void => {
      if (isRight) this.attempts[credentials.protocol].succeeded++;
      else this.refused(credentials, this.#refusalOf(user, remoteHost) ?? reason);
      done(isRight ? this.permissions.of(name) : null);
    };
    if (credentials.takesNoPassword === true && user?.needsNoPassword === true && user.isEnabled) {
      return finish(true);
    }
    if (password === "" && credentials.protocol !== "redis") {
      reason = "the password is empty, which opens nothing";
      return finish(false);
    }
    const digest = passwordDigest(password);
    const attempt: Attempt = { name, remoteHost, digest, quick: this.#quickHash(digest), password };
    // Many connections of one program come at the same time with the same password: they count as one attempt.
    const key = `${attempt.quick.toString("base64")} ${remoteHost} ${name}`;
    const waiting = this.#looking.get(key);
    if (waiting !== undefined) return void waiting.push(finish);
    const told = [finish];
    this.#looking.set(key, told);
    const tell = (isRight: boolean): void => {
      this.#looking.delete(key);
      for (const one of told) one(isRight);
    };
    const isAdmitted = this.#guard.admit(remoteHost, name, () =>
      this.#look(attempt, (isRight) => {
        if (isRight) this.#guard.succeeded(remoteHost, name);
        tell(isRight);
      }),
    );
    if (isAdmitted) return;
    reason = "too many failed lately for this user from this address";
    tell(false);
  }

  /** The authorization of a user who has shown who it is by a certificate; null: there is none of that name, or it may not log in. */
  logInByCertificate(from: Omit<Credentials, "password">): Authorization | null {
    const { name, remoteHost } = from;
    this.#storage.unwritten.lookedAtTable((kind) => kind === "user");
    const user = this.users.get(name);
    const reason =
      user === undefined ? "the certificate's user is unknown" : this.#refusalOf(user, remoteHost);
    if (reason !== null) {
      this.refused(from, reason);
      return null;
    }
    this.attempts[from.protocol].succeeded++;
    return this.permissions.of(name);
  }

  /** Counts and logs a failed login, also one whose name could not be read. */
  refused({ protocol, name, remoteHost }: Omit<Credentials, "password">, reason: string): void {
    this.attempts[protocol].failed++;
    const user = name.length > shownNameMax ? `${name.slice(0, shownNameMax)}…` : name;
    this.#refusalLogs?.[protocol].add({ protocol, user, remote: remoteHost, reason });
  }

  #look({ name, remoteHost, digest, quick, password }: Attempt, tell: (isRight: boolean) => void): void {
    const user = this.users.get(name);
    const mayComeIn = user !== undefined && user.isEnabled && this.#mayComeFrom(user, remoteHost);
    const known = this.#remembered.get(name);
    if (mayComeIn && known !== undefined && crypto.timingSafeEqual(known, quick)) return tell(true);
    if (mayComeIn && user.importedPassword !== null && isImportedPassword(user.importedPassword, password)) {
      this.#remembered.set(name, quick);
      return tell(true);
    }
    const passwords = user?.passwords ?? [];
    this.#compare({ remoteHost, digest, passwords, salts: saltsOf(passwords) }, (isRight) => {
      // The user may have been changed or deleted meanwhile.
      const isStill = isRight && mayComeIn && this.users.get(name) === user;
      if (isStill) {
        this.#remembered.set(name, quick);
        this.#queue.succeeded(remoteHost);
      }
      tell(isStill);
    });
  }

  /** Compares the password with the user's, with one hash for each salt. A user without passwords costs as much. */
  #compare(search: Search, done: (isRight: boolean) => void): void {
    const { remoteHost, digest, passwords } = search;
    const [salt, ...salts] = search.salts;
    this.#queue.add(remoteHost, digest, salt ?? nobodysSalt, (hash) => {
      if (salt === undefined || hash === null) return done(false);
      if (findHash(passwords, salt, hash) !== undefined) return done(true);
      if (salts.length === 0) return done(false);
      this.#compare({ remoteHost, digest, passwords, salts }, done);
    });
  }

  #mayComeFrom(user: User, remoteHost: string): boolean {
    if (!this.#isGuestsOwn(user)) return true;
    return this.#operator === null && (this.isInsecure || isLoopbackAddress(remoteHost));
  }

  /** The reason why the user may not log in, whatever the password; null: none. */
  #refusalOf(user: User | undefined, remoteHost: string): string | null {
    if (user === undefined) return null;
    if (!user.isEnabled) return "the user is off";
    return this.#mayComeFrom(user, remoteHost)
      ? null
      : "the user has its first password, which opens this machine only";
  }

  /** The user has the public password of `guest`. */
  #isGuestsOwn(user: User | undefined): boolean {
    if (user === undefined) return false;
    const { name, passwords, importedPassword: imported } = user;
    if (passwords.some(({ hash }) => hash === guestStored.hash)) return true;
    // As an export of RabbitMQ has it.
    return name === guest.name && imported !== null && isImportedPassword(imported, guestPassword);
  }

  #remember(name: string, password: string): void {
    this.#remembered.set(name, this.#quickHash(passwordDigest(password)));
  }

  #quickHash(digest: string): Buffer {
    return crypto.createHmac("sha256", this.#rememberKey).update(digest).digest();
  }
}

function saltsOf(passwords: readonly StoredPassword[]): string[] {
  return [...new Set(passwords.map(({ salt }) => salt))];
}

/** Compares with all of them, so that the time does not tell which one matched. */
function findHash(
  passwords: readonly StoredPassword[],
  salt: string,
  hash: Buffer,
): StoredPassword | undefined {
  let found: StoredPassword | undefined;
  for (const stored of passwords) {
    const own = Buffer.from(stored.hash, "base64");
    const isSame = own.length === hash.length && crypto.timingSafeEqual(hash, own);
    if (isSame && stored.salt === salt) found = stored;
  }
  return found;
}

/** One for each protocol, so that guesses over one do not hide those over another. */
function refusalLogs(logger: Logger, timers: Timers): Record<LoginProtocol, SparseLog> {
  const log = (): SparseLog => new SparseLog(timers, (fields) => logger.warn("a login was refused", fields));
  return { redis: log(), amqp: log(), kafka: log(), http: log() };
}
