/**
 * A rule: in one virtual host, on one kind of thing whose name matches, these rights are given or denied. What RabbitMQ,
 * Redis and Kafka say of users is turned into rules here, so that one place decides for all of them.
 *
 * The rights are Kafka's operations, and `settle`: to acknowledge, claim, or move the position of a group. RabbitMQ and
 * Kafka give it with read, Redis with write. Names are latin1 strings of their bytes, and so are patterns.
 *
 *     RabbitMQ  configure = create, delete, alter, alterConfigs, describeConfigs;  write;  read = read, settle
 *     Redis     %W~ = write, settle, create, delete, alter;  %R~ = read;  ~ = both, alterConfigs;  & = all, of a channel
 *     Kafka     as they are, READ = read, settle;  `all` is all of them
 *
 * Whoever may do anything else with a thing may see it: read, write, delete and alter imply describe, as in Kafka.
 * Not here: which right an operation needs (rights.ts).
 */
import { BrokerError } from "../../base/errors.ts";
import { compileGlob } from "../../base/patterns/glob.ts";
import { limits } from "../../base/limits.ts";
import { Regex } from "../../base/patterns/regex.ts";
import type { KafkaAcl } from "./acls.ts";
import { defaultVhostName } from "../names.ts";
import type { RedisSelector, User, VhostPermissions } from "./users.ts";

export const operations = [
  "read",
  "write",
  "create",
  "delete",
  "alter",
  "describe",
  "clusterAction",
  "describeConfigs",
  "alterConfigs",
  "idempotentWrite",
] as const;
export type Operation = (typeof operations)[number];
export type Right = Operation | "settle";

/** `name`: queues, exchanges, streams, topics, keys, which share their names. */
export type ResourceKind = "name" | "channel" | "group" | "transactionalId" | "cluster";

export interface Question {
  readonly vhost: string;
  readonly kind: ResourceKind;
  readonly right: Right;
  /** For the cluster: any text. */
  readonly name: string;
}

export interface Rule {
  readonly isDenied: boolean;
  readonly isOfVhost: (vhost: string) => boolean;
  readonly kinds: ReadonlySet<ResourceKind>;
  readonly rights: ReadonlySet<Right>;
  readonly matches: (name: string) => boolean;
  /** It matches every name. */
  readonly isForAll: boolean;
  /** It matches only the empty name, which nothing has. */
  readonly isForNothing: boolean;
  /** The text of a glob: a channel pattern is allowed if a rule has exactly this text. */
  readonly glob: string | null;
  /** For a glob that is plain text followed by `*`: the text. */
  readonly globPrefix: string | null;
  /** The host that it applies to; null: any. */
  readonly host: string | null;
}

const describedBy: ReadonlySet<Right> = new Set(["read", "write", "delete", "alter"]);

function withImplied(given: readonly Right[]): ReadonlySet<Right> {
  const all = new Set(given);
  if (given.some((right) => describedBy.has(right))) all.add("describe");
  if (all.has("alterConfigs")) all.add("describeConfigs");
  return all;
}

const everything = (): boolean => true;
const configureRights = ["create", "delete", "alter", "alterConfigs", "describeConfigs"] as const;
const redisWriteRights = ["write", "settle", "create", "delete", "alter"] as const;
const names: ReadonlySet<ResourceKind> = new Set(["name", "group", "transactionalId"]);
const keys: ReadonlySet<ResourceKind> = new Set(["name"]);
const channels: ReadonlySet<ResourceKind> = new Set(["channel"]);

/**
 * Compiles the pattern of a permission as RabbitMQ uses it: it may match anywhere in the name; an empty one matches the empty name
 * only. Throws INVALID for an unsupported one.
 */
export function compilePermission(pattern: string): Regex {
  const bytes = Buffer.from(pattern).toString("latin1");
  if (bytes.length > limits.regexBytesMax) {
    throw new BrokerError("INVALID", `the pattern is longer than ${limits.regexBytesMax} bytes`);
  }
  return new Regex(bytes === "" ? "^$" : bytes);
}

/** A pattern that was stored before there was a bound must not stop the start: it matches nothing. */
export function orNothing<Matcher>(compile: () => Matcher): Matcher | null {
  try {
    return compile();
  } catch (error) {
    if (error instanceof BrokerError) return null;
    throw error;
  }
}

/** The faults of the user's stored patterns, one text for each that allows nothing. */
export function faultsOfPatterns({ permissions, redis }: User): string[] {
  const faults: string[] = [];
  const look = (pattern: string, compile: () => unknown): void => {
    try {
      compile();
    } catch (error) {
      if (!(error instanceof BrokerError)) throw error;
      faults.push(`${pattern.slice(0, 100)}: ${error.message}`);
    }
  };
  for (const { configure, write, read } of Object.values(permissions)) {
    for (const pattern of [configure, write, read]) look(pattern, () => compilePermission(pattern));
  }
  const selectors = redis === null ? [] : [redis, ...(redis.selectors ?? [])];
  const globs: string[] = [];
  for (const { keys: keyRules, channels: channelRules } of selectors) {
    globs.push(...keyRules.map((rule) => parseKeyRule(rule).pattern));
    globs.push(...channelRules.map(channelPattern));
  }
  for (const glob of globs) look(glob, () => compileGlob(Buffer.from(glob, "latin1")));
  return faults;
}

export function rulesOfPermissions(vhost: string, permissions: VhostPermissions): Rule[] {
  const rule = (pattern: string, given: readonly Right[]): Rule => {
    const isForAll = pattern === ".*" || pattern === "^.*$";
    const expression = isForAll ? null : orNothing(() => compilePermission(pattern));
    return {
      isDenied: false,
      isOfVhost: (asked) => asked === vhost,
      kinds: isForAll ? new Set<ResourceKind>([...names, ...channels]) : names,
      rights: withImplied(given),
      matches: isForAll ? everything : (name) => expression?.test(name) ?? false,
      isForAll,
      isForNothing: pattern === "" || (!isForAll && expression === null),
      glob: null,
      globPrefix: null,
      host: null,
    };
  };
  return [
    rule(permissions.configure, configureRights),
    rule(permissions.write, ["write"]),
    rule(permissions.read, ["read", "settle"]),
  ];
}

/** Whether the virtual host is a Redis database. */
function isOfRedis(vhost: string): boolean {
  return vhost === defaultVhostName || vhost.startsWith("\0redis/");
}

export function rulesOfRedis({ keys: keyRules, channels: channelRules }: RedisSelector): Rule[] {
  const rule = (pattern: string, kinds: ReadonlySet<ResourceKind>, given: readonly Right[]): Rule => {
    const glob = orNothing(() => compileGlob(Buffer.from(pattern, "latin1")));
    const isForAll = pattern === "*";
    return {
      isDenied: false,
      isOfVhost: isOfRedis,
      kinds: isForAll && kinds === keys ? names : kinds,
      rights: withImplied(given),
      matches: isForAll ? everything : (name) => glob?.matches(Buffer.from(name, "latin1")) ?? false,
      isForAll,
      isForNothing: glob === null,
      glob: pattern,
      globPrefix: glob !== null && /^[^*?[\]\\]*\*$/.test(pattern) ? pattern.slice(0, -1) : null,
      host: null,
    };
  };
  return [
    ...keyRules.map((text) => {
      const { pattern, isRead, isWrite } = parseKeyRule(text);
      return rule(pattern, keys, [
        ...(isRead ? (["read"] as const) : []),
        ...(isWrite ? redisWriteRights : []),
        // Redis has no right for settings: a user who may read and write a key may see and change its settings.
        ...(isRead && isWrite ? (["alterConfigs"] as const) : []),
      ]);
    }),
    ...channelRules.map((text) => rule(channelPattern(text), channels, ["read", "write"])),
  ];
}

function channelPattern(rule: string): string {
  return rule.slice(1);
}

/** `~pattern` is for reading and writing, `%R~pattern`, `%W~pattern` and `%RW~pattern` say which. */
function parseKeyRule(text: string): { pattern: string; isRead: boolean; isWrite: boolean } {
  const tilde = text.indexOf("~");
  const flags = text.slice(1, Math.max(tilde, 1)).toUpperCase();
  const isPlain = text.startsWith("~");
  return {
    pattern: text.slice(tilde + 1),
    isRead: isPlain || flags.includes("R"),
    isWrite: isPlain || flags.includes("W"),
  };
}

function rightsOf({ operation }: KafkaAcl): readonly Right[] {
  if (operation === "all") return [...operations, "settle"];
  return operation === "read" ? ["read", "settle"] : [operation];
}

export function ruleOfAcl(acl: KafkaAcl): Rule {
  const { name, patternType } = acl;
  const isForAll = name === "*" && patternType === "literal";
  return {
    isDenied: acl.permission === "deny",
    isOfVhost: (asked) => asked === defaultVhostName,
    kinds: new Set<ResourceKind>([acl.kind]),
    // A denial covers what it names, and nothing that this would imply.
    rights: acl.permission === "deny" ? new Set(rightsOf(acl)) : withImplied(rightsOf(acl)),
    matches: isForAll
      ? everything
      : patternType === "prefixed"
        ? (asked) => asked.startsWith(name)
        : (asked) => asked === name,
    isForAll,
    isForNothing: false,
    glob: null,
    globPrefix: null,
    host: acl.host === "*" ? null : acl.host,
  };
}
