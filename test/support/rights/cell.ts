/**
 * The matrix of rights: what an operation needs, written down here by hand, and what a user is given. An operation is
 * allowed where each of its needs is met; this is asked of the broker over the wire.
 *
 * Not here: the operations (redis.ts, amqp.ts, kafka.ts). Nothing is taken from the broker's own table of rights.
 */
export type NameRight =
  | "read"
  | "settle"
  | "write"
  | "create"
  | "delete"
  | "alter"
  | "describe"
  | "alterConfigs"
  | "describeConfigs";

/**
 * A right of a name that begins with `m-`, of a group, channel or the cluster; or of what is elsewhere: another of Redis's
 * databases, another name (`amq.default`), a command that is `@dangerous`. `anyWrite` is a right to write to anything.
 */
export type Right =
  | NameRight
  | `group:${"read" | "describe" | "delete" | "describeConfigs" | "alterConfigs"}`
  | `cluster:${"create" | "describe" | "alter" | "describeConfigs" | "idempotentWrite"}`
  | `channel:${"read" | "write"}`
  | "redis:elsewhere"
  | "amqp:default"
  | "redis:dangerous"
  | "anyWrite"
  | "administrator";

/** All of these are needed; of those with `|` between them, one is enough; `!` only must not be denied. */
export type Needs = readonly string[];

export interface Given {
  readonly name: string;
  readonly rights: ReadonlySet<Right>;
  /** Counts more than what is given. */
  readonly denied: ReadonlySet<Right>;
}

export type Outcome = "allowed" | "refused";

export function expected(needs: Needs, { rights, denied }: Given): Outcome {
  const isMet = (need: string): boolean =>
    need.startsWith("!")
      ? !denied.has(need.slice(1) as Right)
      : need.split("|").some((one) => rights.has(one as Right) && !denied.has(one as Right));
  return needs.every(isMet) ? "allowed" : "refused";
}

/** One operation of a protocol, on things whose names begin with `m-`. */
export interface Operation {
  /** The command, method or request that it is a case of. */
  readonly of: string;
  readonly what: string;
  readonly needs: Needs;
  /** By an administrator: makes the things that it needs, as they were. */
  prepare(): Promise<void>;
  run(): Promise<Outcome>;
}

const configure: Right[] = ["create", "delete", "alter", "alterConfigs", "describeConfigs", "describe"];
const groupRights = ["read", "describe", "delete", "describeConfigs", "alterConfigs"] as const;
const groupsOf = (given: readonly Right[]): Right[] =>
  groupRights.filter((right) => given.includes(right)).map((right) => `group:${right}` as const);

const withGroups = (given: readonly Right[]): Right[] => [...given, ...groupsOf(given)];

/** What RabbitMQ's words give. */
export const ofRabbit: Readonly<Record<"configure" | "write" | "read", readonly Right[]>> = {
  configure: withGroups(configure),
  write: withGroups(["write", "describe", "anyWrite"]),
  read: withGroups(["read", "settle", "describe"]),
};

/** What `.*` for all three gives. */
export const everything: ReadonlySet<Right> = new Set<Right>([
  ...ofRabbit.configure,
  ...ofRabbit.write,
  ...ofRabbit.read,
  "channel:read",
  "channel:write",
  "amqp:default",
]);

const redisOwn: Right[] = ["redis:elsewhere", "redis:dangerous"];
const redisWrite: Right[] = ["write", "anyWrite", "settle", "create", "delete", "alter", "describe"];

/** What Redis's words give, to who may run every command. */
export const ofRedis: Readonly<Record<string, readonly Right[]>> = {
  "": redisOwn,
  "%R~m-*": [...redisOwn, "read", "describe"],
  "%W~m-*": [...redisOwn, ...redisWrite],
  "~m-*": [...redisOwn, ...redisWrite, "read", "alterConfigs", "describeConfigs"],
  "&m-*": [...redisOwn, "channel:read", "channel:write"],
};

/** What Kafka's operations on topics give, and take where they are denied. Numbers are the protocol's. */
export const ofKafka = {
  READ: { number: 3, rights: ["read", "settle", "describe"], denied: ["read", "settle"] },
  WRITE: { number: 4, rights: ["write", "describe", "anyWrite"], denied: ["write"] },
  CREATE: { number: 5, rights: ["create"], denied: ["create"] },
  DELETE: { number: 6, rights: ["delete", "describe"], denied: ["delete"] },
  ALTER: { number: 7, rights: ["alter", "describe"], denied: ["alter"] },
  DESCRIBE: { number: 8, rights: ["describe"], denied: ["describe"] },
  DESCRIBE_CONFIGS: { number: 10, rights: ["describeConfigs"], denied: ["describeConfigs"] },
  ALTER_CONFIGS: { number: 11, rights: ["alterConfigs", "describeConfigs"], denied: ["alterConfigs"] },
} as const satisfies Record<string, { number: number; rights: readonly Right[]; denied: readonly Right[] }>;

export const ofKafkaGroups = {
  READ: { number: 3, rights: ["group:read", "group:describe"], denied: ["group:read"] },
  DELETE: { number: 6, rights: ["group:delete", "group:describe"], denied: ["group:delete"] },
  DESCRIBE: { number: 8, rights: ["group:describe"], denied: ["group:describe"] },
  DESCRIBE_CONFIGS: { number: 10, rights: ["group:describeConfigs"], denied: ["group:describeConfigs"] },
  ALTER_CONFIGS: {
    number: 11,
    rights: ["group:alterConfigs", "group:describeConfigs"],
    denied: ["group:alterConfigs"],
  },
} as const satisfies Record<string, { number: number; rights: readonly Right[]; denied: readonly Right[] }>;

export const ofKafkaCluster = {
  CREATE: { number: 5, rights: ["cluster:create"], denied: ["cluster:create"] },
  ALTER: { number: 7, rights: ["cluster:alter", "cluster:describe"], denied: ["cluster:alter"] },
  DESCRIBE: { number: 8, rights: ["cluster:describe"], denied: ["cluster:describe"] },
  DESCRIBE_CONFIGS: { number: 10, rights: ["cluster:describeConfigs"], denied: ["cluster:describeConfigs"] },
  IDEMPOTENT_WRITE: { number: 12, rights: ["cluster:idempotentWrite"], denied: ["cluster:idempotentWrite"] },
} as const satisfies Record<string, { number: number; rights: readonly Right[]; denied: readonly Right[] }>;
