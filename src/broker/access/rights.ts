/**
 * The one table of operations and the rights that they need. Redis, AMQP and Kafka call it, each for its own commands, and always
 * for the thing that is touched in the end: for a partition and its topic, for the queue behind the default exchange, for the
 * channel behind `amq.topic`, in the right virtual host.
 *
 * A thing with two names, such as partition `t-0` of topic `t`, is allowed by a rule for either name and denied by one for either.
 * An operation on a whole topic is denied if any of its partitions is denied. Not here: what gives a right (rule.ts), whether a
 * user has it (permissions.ts), which command does what (the protocols). Invariant: for a user who may do everything, a question
 * costs a look into a map of few entries.
 */
import type { Exchange } from "../exchange/exchange.ts";
import { liveExchangeName } from "../live/channels.ts";
import { defaultVhostName } from "../names.ts";
import type { Queue } from "../queue/queue.ts";
import type { Vhost } from "../vhost.ts";
import type { Authorization } from "./permissions.ts";
import type { ResourceKind, Right } from "./rule.ts";
import type { TopicRight } from "./topic-rules.ts";

type ActTable = Readonly<Record<string, readonly Right[]>>;

/** A queue, stream, topic, partition or key. */
const logActs = {
  /** Names, counts, types. Any other right includes it. */
  describe: ["describe"],
  read: ["read"],
  /** Consuming or purging a queue, which removes what is read. */
  take: ["read", "settle"],
  /** Acknowledge, claim, make a group, move its position. */
  settle: ["settle"],
  write: ["write"],
  /** As the destination of a binding. */
  bind: ["write"],
  /** Also by writing to a name that does not exist yet. */
  create: ["create"],
  delete: ["delete"],
  /** XTRIM, XDEL, XADD MAXLEN, DeleteRecords. */
  removeEntries: ["delete"],
  /** XGROUP DESTROY: a group and its pending entries. */
  deleteGroup: ["delete"],
  /** To set an expiry of a key. */
  expire: ["delete"],
  persist: ["alter"],
  setLastId: ["alter"],
  addPartitions: ["alter"],
  describeConfigs: ["describeConfigs"],
  alterConfigs: ["alterConfigs"],
} as const satisfies ActTable;

const exchangeActs = {
  publish: ["write"],
  /** As the destination of a binding, a dead letter or an alternate exchange. */
  bindTo: ["write"],
  bindFrom: ["read"],
  create: ["create"],
  delete: ["delete"],
} as const satisfies ActTable;

const channelActs = { publish: ["write"], subscribe: ["read"] } as const satisfies ActTable;

/** A consumer group of Kafka. A group of Redis belongs to its stream. */
const groupActs = {
  describe: ["describe"],
  /** To be a member, to commit. */
  join: ["read"],
  delete: ["delete"],
  describeConfigs: ["describeConfigs"],
  alterConfigs: ["alterConfigs"],
} as const satisfies ActTable;

const clusterActs = {
  describe: ["describe"],
  createTopics: ["create"],
  alterAcls: ["alter"],
  describeConfigs: ["describeConfigs"],
  produceIdempotently: ["idempotentWrite"],
} as const satisfies ActTable;

export type LogAct = keyof typeof logActs;
export type ExchangeAct = keyof typeof exchangeActs;
export type ChannelAct = keyof typeof channelActs;
export type GroupAct = keyof typeof groupActs;
export type ClusterAct = keyof typeof clusterActs;

/** The connection that asks. Without an authorization nothing is allowed. */
export interface Asker {
  readonly authorization: Authorization | null | undefined;
  /** The connection's host. */
  readonly host: string;
}

/** The names of a thing, as rules know them. */
type Names = readonly [own: string, topic?: string];

export function mayUseLog(asker: Asker, act: LogAct, vhost: Vhost, name: string): boolean {
  if (asker.authorization?.allowsAll(vhost.name) === true) return true;
  return isAllowed(asker, vhost.name, logActs[act], namesOf(vhost, name));
}

/** Whether any name at all may be read: of patterns by which a command comes to names that its request does not say (SORT). */
export function mayReadEveryLog({ authorization, host }: Asker, vhost: Vhost): boolean {
  if (authorization === null || authorization === undefined) return false;
  if (authorization.allowsAll(vhost.name)) return true;
  return logActs.read.every((right) => {
    const question = { vhost: vhost.name, kind: "name", right, name: "" } as const;
    return authorization.allowsPrefix(question, host) && !authorization.deniesSome(question, host);
  });
}

/** The same for a whole topic: all of its partitions are checked too. */
export function mayUseWholeTopic(asker: Asker, act: LogAct, vhost: Vhost, name: string): boolean {
  return mayUseLog(asker, act, vhost, name) && !isAnyPartitionDenied(asker, logActs[act], vhost, name);
}

function isAnyPartitionDenied(asker: Asker, needed: readonly Right[], vhost: Vhost, topic: string): boolean {
  if (asker.authorization?.hasDenials !== true) return false;
  const partitions = vhost.topics.find(topic)?.partitions ?? [];
  return partitions.some(({ name }) => isDenied(asker, vhost.name, needed, [name]));
}

/** Whether a user who may make the topic, or add to it, may make the streams `t-from` to `t-(to - 1)` as partitions. */
export function mayMakePartitions(
  asker: Asker,
  vhost: Vhost,
  names: (partition: number) => string,
  from: number,
  to: number,
): boolean {
  if (asker.authorization?.hasDenials !== true) return true;
  for (let i = from; i < to; i++) {
    if (isDenied(asker, vhost.name, logActs.create, [names(i)])) return false;
  }
  return true;
}

/** Exchanges share rules for names with queues; the default exchange is called `amq.default`, as in RabbitMQ. */
export function mayUseExchange(asker: Asker, act: ExchangeAct, vhost: Vhost, name: string): boolean {
  if (asker.authorization?.allowsAll(vhost.name) === true) return true;
  return isAllowed(asker, vhost.name, exchangeActs[act], [exchangeRuleName(name)]);
}

export function exchangeRuleName(name: string): string {
  return name === "" ? "amq.default" : name;
}

/**
 * Whether a user who may publish to the exchange may do so with this key. It checks what the key leads to without a binding:
 * queues behind the default exchange, partitions of a topic, channels. `queues` is where the message goes. For RabbitMQ's topic
 * permissions, which it refuses in other words, see `mayUseTopicKey`.
 */
export function mayPublishUnder(
  asker: Asker,
  vhost: Vhost,
  exchange: Exchange,
  key: string,
  queues: readonly Queue[],
): boolean {
  if (asker.authorization?.allowsAll(vhost.name) === true) return true;
  if (exchange.name === "") return !isDenied(asker, vhost.name, logActs.write, namesOf(vhost, key));
  if (exchange.type === "x-kafka-topic")
    return queues.every(({ name }) => !isDenied(asker, vhost.name, logActs.write, [name]));
  return !hasChannelRules(asker, vhost, exchange.name) || isChannelAllowed(asker, "publish", key);
}

/**
 * Whether the user may publish to a topic exchange with that key (write), or bind something to it by that key (read): RabbitMQ's topic
 * permissions. Of other exchanges every key is allowed.
 */
export function mayUseTopicKey(
  { authorization }: Asker,
  right: TopicRight,
  vhost: Vhost,
  exchange: Exchange,
  key: string,
): boolean {
  const topics = authorization?.topics ?? null;
  if (topics === null || exchange.type !== "topic") return true;
  return topics.allows(right, vhost.name, exchange.name, key);
}

/** The keys that match a binding. */
export interface BoundKeys {
  /** The beginning of all of them. */
  readonly prefix: string;
  /** There is only this key. */
  readonly isExact: boolean;
}

export const everyKey: BoundKeys = { prefix: "", isExact: false };

/** For an AMQP topic pattern: the part before the first word that is `*` or `#`. `#` may also match without the dot before it. */
export function keysOfPattern(pattern: string): BoundKeys {
  const words = pattern.split(".");
  const wild = words.findIndex((word) => word === "*" || word === "#");
  if (wild < 0) return { prefix: pattern, isExact: true };
  const before = words.slice(0, wild).join(".");
  return { prefix: wild === 0 || words[wild] === "#" ? before : `${before}.`, isExact: false };
}

/**
 * Whether a binding may take messages from an exchange. A user with rules for channels needs them for the messages of `amq.topic`.
 */
export function mayBindFrom(asker: Asker, vhost: Vhost, name: string, keys: BoundKeys): boolean {
  return mayBind(asker, "bindFrom", "subscribe", vhost, name, keys);
}

/** Whether a binding, dead letters or an alternate exchange may lead messages to an exchange. */
export function mayLeadTo(asker: Asker, vhost: Vhost, name: string, keys: BoundKeys): boolean {
  if (!mayBind(asker, "bindTo", "publish", vhost, name, keys)) return false;
  if (isAnyPartitionDenied(asker, exchangeActs.bindTo, vhost, name)) return false;
  if (name !== "" || asker.authorization?.hasDenials !== true) return true;
  if (keys.isExact) return !isDenied(asker, vhost.name, logActs.write, namesOf(vhost, keys.prefix));
  // With its own key a message could reach any queue, also through an exchange without denials.
  const { authorization, host } = asker;
  return logActs.write.every(
    (right) => !authorization.deniesSome({ vhost: vhost.name, kind: "name", right }, host),
  );
}

function mayBind(
  asker: Asker,
  act: ExchangeAct,
  channelAct: ChannelAct,
  vhost: Vhost,
  name: string,
  { prefix, isExact }: BoundKeys,
): boolean {
  if (!mayUseExchange(asker, act, vhost, name)) return false;
  if (!hasChannelRules(asker, vhost, name)) return true;
  if (isExact) return isChannelAllowed(asker, channelAct, prefix);
  return channelActs[channelAct].every((right) =>
    asker.authorization!.allowsPrefix(
      { vhost: defaultVhostName, kind: "channel", right, name: prefix },
      asker.host,
    ),
  );
}

/** Whether the exchange carries channels, and the user has rules for channels. */
function hasChannelRules({ authorization }: Asker, vhost: Vhost, exchange: string): boolean {
  return (
    exchange === liveExchangeName &&
    vhost.name === defaultVhostName &&
    authorization?.hasRedisRules === true &&
    !authorization.allowsAll(vhost.name)
  );
}

/** Channels are the keys of `amq.topic`: a denial of that exchange denies all of them. */
export function mayUseChannel(asker: Asker, act: ChannelAct, name: string, isPattern: boolean): boolean {
  if (isDenied(asker, defaultVhostName, channelActs[act], [liveExchangeName])) return false;
  const topics = asker.authorization?.topics ?? null;
  if (topics !== null) {
    const [right] = channelActs[act];
    const isAllowedKey = isPattern
      ? topics.allowsEvery(right, defaultVhostName, liveExchangeName)
      : topics.allows(right, defaultVhostName, liveExchangeName, name);
    if (!isAllowedKey) return false;
  }
  return mayUseShardChannel(asker, act, name, isPattern);
}

/** Shard channels have no exchange behind them. */
export function mayUseShardChannel(asker: Asker, act: ChannelAct, name: string, isPattern: boolean): boolean {
  if (!isPattern) return isChannelAllowed(asker, act, name);
  const { authorization, host } = asker;
  if (authorization === null || authorization === undefined) return false;
  return channelActs[act].every((right) =>
    authorization.allowsPattern({ vhost: defaultVhostName, kind: "channel", right, name }, host),
  );
}

function isChannelAllowed(asker: Asker, act: ChannelAct, name: string): boolean {
  return isAllowed(asker, defaultVhostName, channelActs[act], [name], "channel");
}

export function mayUseGroup(asker: Asker, act: GroupAct, vhost: Vhost, name: string): boolean {
  if (asker.authorization?.allowsAll(vhost.name) === true) return true;
  return isAllowed(asker, vhost.name, groupActs[act], [name], "group");
}

export const clusterName = "kafka-cluster";

export function mayUseCluster(asker: Asker, act: ClusterAct): boolean {
  if (asker.authorization?.isAdministrator === true) return true;
  return isAllowed(asker, defaultVhostName, clusterActs[act], [clusterName], "cluster");
}

/** Whether there is anything that the user may write to. */
export function mayWriteSome({ authorization, host }: Asker, vhost: Vhost): boolean {
  if (authorization === null || authorization === undefined) return false;
  return authorization.allowsSome({ vhost: vhost.name, kind: "name", right: "write" }, host);
}

/** The names of a queue: a partition has the name of its topic too. */
function namesOf(vhost: Vhost, name: string): Names {
  const queue = vhost.queues.get(name);
  const topic = queue === undefined ? undefined : vhost.topics.topicOf(queue);
  return topic === undefined || topic.name === name ? [name] : [name, topic.name];
}

function isAllowed(
  { authorization, host }: Asker,
  vhost: string,
  needed: readonly Right[],
  names: Names,
  kind: ResourceKind = "name",
): boolean {
  if (authorization === null || authorization === undefined) return false;
  for (const right of needed) {
    let isGiven = false;
    for (const name of names) {
      const verdict = authorization.verdict({ vhost, kind, right, name: name! }, host);
      if (verdict === "denied") return false;
      if (verdict === "allowed") isGiven = true;
    }
    if (!isGiven) return false;
  }
  return true;
}

function isDenied(
  { authorization, host }: Asker,
  vhost: string,
  needed: readonly Right[],
  names: Names,
): boolean {
  if (authorization?.hasDenials !== true) return false;
  return needed.some((right) =>
    names.some(
      (name) => authorization.verdict({ vhost, kind: "name", right, name: name! }, host) === "denied",
    ),
  );
}
