/**
 * The shape of the command table: what is written down about a command (`CommandRow`), and what is derived from that
 * (`CommandSpec`): redis's legacy key range, the ACL categories that follow from flags, the full name.
 *
 * Not here: the rows, which stand beside their handlers, and finding them by name (command-table.ts). A row says nothing that can
 * be derived. Invariants: nothing changes a spec once the table is made, so sessions share it; all specs have the same shape, so
 * reading a field of one is as quick for a pipeline of mixed commands as for one command.
 */
import type { ChannelAct, LogAct } from "../../../broker/access/rights.ts";
import type { RequestArguments } from "../wire/request-arguments.ts";
import type { CommandArguments, FoundKey } from "./command-keys.ts";
import type { CommandContext, CommandHandler } from "./context.ts";

export type CommandFlag =
  | "write"
  | "readonly"
  | "denyoom"
  | "admin"
  | "pubsub"
  | "noscript"
  | "blocking"
  | "loading"
  | "stale"
  | "skip_monitor"
  | "skip_slowlog"
  | "asking"
  | "fast"
  | "no_auth"
  | "no_async_loading"
  | "no_multi"
  | "allow_busy"
  | "no_mandatory_keys"
  | "movablekeys";

/** In the order in which redis lists them. */
export const aclCategories = [
  "keyspace",
  "read",
  "write",
  "set",
  "sortedset",
  "list",
  "hash",
  "string",
  "bitmap",
  "hyperloglog",
  "geo",
  "stream",
  "pubsub",
  "admin",
  "fast",
  "slow",
  "blocking",
  "dangerous",
  "connection",
  "transaction",
  "scripting",
] as const;

export type AclCategory = (typeof aclCategories)[number];

export type CommandGroup =
  | "bitmap"
  | "cluster"
  | "connection"
  | "generic"
  | "geo"
  | "hash"
  | "hyperloglog"
  | "list"
  | "pubsub"
  | "scripting"
  | "server"
  | "set"
  | "sorted-set"
  | "stream"
  | "string"
  | "transactions";

/**
 * How a command treats a key. RO, RW, OW (overwrites) and RM (removes) speak of the key itself; access, insert, update
 * and delete of the data in it. `not_key` marks what is routed like a key but is none (shard channels); `incomplete`
 * and `variable_flags` say that the rule does not find all keys, or that options change the flags.
 */
export type KeyFlag =
  | "RO"
  | "RW"
  | "OW"
  | "RM"
  | "access"
  | "update"
  | "insert"
  | "delete"
  | "not_key"
  | "incomplete"
  | "variable_flags";

/** Where keys begin: at an argument, or behind a keyword searched from an argument on (backwards if negative). */
type KeyBegin =
  | { readonly type: "index"; readonly index: number }
  | { readonly type: "keyword"; readonly keyword: string; readonly startFrom: number }
  | { readonly type: "unknown" };

/**
 * Which arguments from there are keys. `range`: up to `lastKey`, counted from the beginning, or from the end of the
 * command if negative; with `limit` n only the first n-th of what is left. `keynum`: as many as an argument says.
 */
type KeyFind =
  | { readonly type: "range"; readonly lastKey: number; readonly keyStep: number; readonly limit: number }
  | {
      readonly type: "keynum";
      readonly keyNumIndex: number;
      readonly firstKey: number;
      readonly keyStep: number;
    }
  | { readonly type: "unknown" };

export interface KeyRule {
  readonly flags: readonly KeyFlag[];
  readonly begin: KeyBegin;
  readonly find: KeyFind;
}

/** The channels that a command names: its arguments from the first one on, and what it does with them. */
export interface ChannelUse {
  readonly act: ChannelAct;
  /** Only the first argument is a channel. */
  readonly isOne?: true;
  readonly isPattern?: true;
  readonly isShard?: true;
  /** Where the channels end; left out: with the request. */
  readonly end?: (request: RequestArguments) => number;
}

export interface CommandRow {
  /** Lower case; a subcommand's own word only. */
  readonly name: string;
  /** How many arguments a request has, counting the name; -n means n or more. */
  readonly arity: number;
  readonly flags: readonly CommandFlag[];
  /** Categories that do not follow from the flags. Those of the family when left out. */
  readonly categories?: readonly AclCategory[];
  readonly keys?: readonly KeyRule[];
  /** Its keys, where the rules do not find all of them as its handler does, or where options change their flags. */
  readonly keysOf?: (request: CommandArguments) => readonly FoundKey[];
  /** In which databases it uses the key in argument `index`, where that is not the selected one alone. */
  readonly keyDatabases?: (request: RequestArguments, index: number, selected: number) => readonly number[];
  /** The database that it selects, for what is behind it in a transaction; `undefined` for none. */
  readonly selects?: (request: RequestArguments) => number | undefined;
  /** While it runs nobody else may use any key: of its database, or of all. */
  readonly claims?: "database" | "all";
  /** Hints for proxies and clients, as in redis's "command tips". */
  readonly tips?: readonly string[];
  readonly since: string;
  readonly complexity?: string;
  readonly summary: string;
  readonly deprecated?: { readonly since: string; readonly replacedBy: string };
  /** Not meant for applications. */
  readonly internal?: true;
  /** Says whether this request may write, where that is not the command's own matter; null for what its flags say. */
  readonly writesByRequest?: (context: CommandContext) => boolean | null;
  /**
   * `glance`: it looks at its keys without using them. `quiet`: nor does it tell of one that is not there (`keymiss`). `unseen`: nor does it
   * count what it finds. `always`: it uses them even for a client that set NO-TOUCH.
   */
  readonly use?: "glance" | "quiet" | "unseen" | "always";
  /** It writes, but looks its keys up as commands do that read: what it finds counts. */
  readonly readsFirst?: true;
  /** It may reach the replicas of a redis, though it need not write: CLIENT PAUSE WRITE holds it back. */
  readonly mayReplicate?: true;
  /**
   * What it does to its keys, in the words of the broker's table of rights, where the flags of its keys do not say it; null for what these say.
   */
  readonly acts?: readonly LogAct[] | ((request: RequestArguments) => readonly LogAct[] | null);
  /** It makes a value under each of its keys that is not there. */
  readonly makesValues?: true | ((request: RequestArguments) => boolean);
  /** Commands that only end subscriptions need no right, and name no channels here. */
  readonly channels?: ChannelUse;
  /** `allowed`: a subscriber may send it in RESP2. `confirmed`: so it may, and is answered by a pushed message for each name. */
  readonly forSubscribers?: "allowed" | "confirmed";
  /** In MULTI it runs at once, and is not queued; `leaves`: the transaction is over then. */
  readonly inMulti?: "runs" | "leaves";
  /** Arguments that MONITOR and SLOWLOG do not show. */
  readonly secrets?: (request: RequestArguments) => readonly number[];
  readonly subcommands?: readonly CommandRow[];
  /** The handler. Without one the command is answered as unknown, except where its subcommands have handlers. */
  readonly run?: CommandHandler;
}

export interface CommandSpec {
  /** Position in the flat table of commands and subcommands: an index for tables of flags and counters. */
  readonly id: number;
  /** As in the row. */
  readonly name: string;
  /** "xgroup|create" for a subcommand, else the name. */
  readonly fullName: string;
  readonly run: CommandHandler | undefined;
  /** It has a handler, or one of its subcommands has. */
  readonly isImplemented: boolean;
  readonly arity: number;
  readonly flags: readonly CommandFlag[];
  readonly group: CommandGroup;
  readonly categories: readonly AclCategory[];
  readonly keys: readonly KeyRule[];
  readonly keysOf: CommandRow["keysOf"];
  readonly keyDatabases: CommandRow["keyDatabases"];
  readonly selects: CommandRow["selects"];
  readonly claims: CommandRow["claims"];
  readonly tips: readonly string[];
  /** The single key range that older clients understand; 0, 0, 0 without one. */
  readonly firstKey: number;
  readonly lastKey: number;
  readonly keyStep: number;
  /** Flags that are read for each request. */
  readonly write: boolean;
  /** The command adds data: it is refused while the disk has no room. */
  readonly denyOom: boolean;
  /** It uses the keys that it finds (keyspace/eviction/key-uses.ts) for clients whose `CommandContext.usesFrom` is not above this. */
  readonly use: 0 | 1 | 2;
  /**
   * The first and the last of the arguments whose keys it looks up as a reader (notifications/lookups.ts): all keys of a command that does not
   * write; of one that does, those that its rules call RO.
   */
  readonly readsFrom: number;
  readonly readsTo: number;
  /** It tells of keys that it does not find. */
  readonly tellsMisses: boolean;
  /** No command of a script's. */
  readonly noScript: boolean;
  /** It reads its keys: who tracks what it has read is told of their changes. */
  readonly readsKeys: boolean;
  readonly noAuth: boolean;
  /** It takes constant or logarithmic time for most keys: its times are sampled (observe/command-watch.ts). */
  readonly isQuick: boolean;
  readonly isFast: boolean;
  /** MONITOR shows it when it has run, a script before its own commands, and not at all what administrators send. */
  readonly shownByMonitor: "after" | "before" | "never";
  readonly isLeftOutOfSlowlog: boolean;
  /** As in the row, as those below. */
  readonly mayReplicate: boolean;
  readonly acts: CommandRow["acts"];
  readonly makesValues: CommandRow["makesValues"];
  readonly channels: CommandRow["channels"];
  readonly forSubscribers: CommandRow["forSubscribers"];
  readonly inMulti: CommandRow["inMulti"];
  readonly secrets: CommandRow["secrets"];
  /** See the row. */
  readonly writesByRequest: CommandRow["writesByRequest"];
  readonly noMulti: boolean;
  /** What COMMAND DOCS says is read from the row. */
  readonly row: CommandRow;
  readonly container: CommandSpec | undefined;
  readonly subcommandSpecs: readonly CommandSpec[];
}

export interface CommandRows {
  readonly group: CommandGroup;
  readonly categories: readonly AclCategory[];
  readonly rows: readonly CommandRow[];
}

export function inGroup(
  group: CommandGroup,
  categories: readonly AclCategory[],
  rows: readonly CommandRow[],
): CommandRows {
  return { group, categories, rows };
}

/** One key, at argument `index`. */
export function oneKey(index: number, ...flags: KeyFlag[]): KeyRule {
  return keyRange(index, 0, 1, ...flags);
}

/** Keys from argument `index` to `lastKey` (see `KeyFind`), every `keyStep`-th argument. */
export function keyRange(index: number, lastKey: number, keyStep: number, ...flags: KeyFlag[]): KeyRule {
  return { flags, begin: { type: "index", index }, find: { type: "range", lastKey, keyStep, limit: 0 } };
}

/** Argument `index` is the number of keys, which follow it. */
export function countedKeys(index: number, ...flags: KeyFlag[]): KeyRule {
  return {
    flags,
    begin: { type: "index", index },
    find: { type: "keynum", keyNumIndex: 0, firstKey: 1, keyStep: 1 },
  };
}

/** Keys behind a keyword. */
export function keysBehind(
  keyword: string,
  range: { startFrom: number; lastKey: number; limit: number },
  ...flags: KeyFlag[]
): KeyRule {
  const { startFrom, lastKey, limit } = range;
  return {
    flags,
    begin: { type: "keyword", keyword, startFrom },
    find: { type: "range", lastKey, keyStep: 1, limit },
  };
}

/** Keys that no rule finds: those commands have a `keysOf`, or find them by patterns. */
export function unknownKeys(...flags: KeyFlag[]): KeyRule {
  return { flags, begin: { type: "unknown" }, find: { type: "unknown" } };
}

/** Makes specs of all rows, numbered through: each command is followed by its subcommands. */
export function makeSpecs(groups: readonly CommandRows[]): CommandSpec[] {
  const specs: CommandSpec[] = [];
  for (const { group, categories, rows } of groups) {
    for (const row of rows) addSpec(specs, row, group, categories, undefined);
  }
  return specs;
}

function addSpec(
  specs: CommandSpec[],
  row: CommandRow,
  group: CommandGroup,
  groupCategories: readonly AclCategory[],
  container: CommandSpec | undefined,
): CommandSpec {
  const keys = row.keys ?? [];
  const { firstKey, lastKey, keyStep } = legacyRange(keys);
  const { readsFrom, readsTo } = lookupRange(row);
  const subcommandSpecs: CommandSpec[] = [];
  // Each field by name, not `...row`: objects that are spread have as many shapes as rows have sets of fields.
  const spec: CommandSpec = {
    id: specs.length,
    name: row.name,
    fullName: container === undefined ? row.name : `${container.name}|${row.name}`,
    run: row.run,
    isImplemented: isImplemented(row),
    arity: row.arity,
    flags: row.flags,
    group,
    categories: allCategories(row.flags, row.categories ?? groupCategories),
    keys,
    keysOf: row.keysOf,
    keyDatabases: row.keyDatabases,
    selects: row.selects,
    claims: row.claims,
    tips: row.tips ?? [],
    firstKey,
    lastKey,
    keyStep,
    write: row.flags.includes("write"),
    denyOom: row.flags.includes("denyoom"),
    use: row.use === undefined ? 1 : row.use === "always" ? 2 : 0,
    readsFrom,
    readsTo,
    tellsMisses: row.use !== "quiet" && row.use !== "unseen",
    noScript: row.flags.includes("noscript"),
    // What a script reads its own commands read.
    readsKeys: row.flags.includes("readonly") && group !== "scripting" && !row.flags.includes("pubsub"),
    noAuth: row.flags.includes("no_auth"),
    isQuick: row.flags.includes("fast") || row.complexity === "O(1)",
    isFast: row.flags.includes("fast"),
    shownByMonitor: shownByMonitor(row.flags),
    isLeftOutOfSlowlog: row.flags.includes("skip_slowlog"),
    mayReplicate: row.mayReplicate === true,
    acts: row.acts,
    makesValues: row.makesValues,
    channels: row.channels,
    forSubscribers: row.forSubscribers,
    inMulti: row.inMulti,
    secrets: row.secrets,
    writesByRequest: row.writesByRequest,
    noMulti: row.flags.includes("no_multi"),
    row,
    container,
    subcommandSpecs,
  };
  specs.push(spec);
  for (const subcommand of row.subcommands ?? []) {
    subcommandSpecs.push(addSpec(specs, subcommand, group, groupCategories, spec));
  }
  return spec;
}

/** Above the number of any argument. */
const lastArgument = 2 ** 30 - 1;

function lookupRange(row: CommandRow): { readsFrom: number; readsTo: number } {
  if (row.use === "unseen") return { readsFrom: 1, readsTo: 0 };
  if (!row.flags.includes("write") || row.readsFirst === true) return { readsFrom: 0, readsTo: lastArgument };
  let readsFrom = lastArgument;
  let readsTo = 0;
  for (const { flags, begin, find } of row.keys ?? []) {
    if (!flags.includes("RO") || begin.type === "unknown" || find.type === "unknown") continue;
    const first = begin.type === "index" ? begin.index : 1;
    const isOpen = begin.type === "keyword" || find.type === "keynum" || find.lastKey < 0;
    readsFrom = Math.min(readsFrom, first);
    readsTo = Math.max(readsTo, isOpen ? lastArgument : first + find.lastKey);
  }
  return { readsFrom, readsTo };
}

/** The commands with `skip_monitor` run scripts, which redis shows by itself. */
function shownByMonitor(flags: readonly CommandFlag[]): CommandSpec["shownByMonitor"] {
  if (flags.includes("admin")) return "never";
  return flags.includes("skip_monitor") ? "before" : "after";
}

function isImplemented({ run, subcommands = [] }: CommandRow): boolean {
  return run !== undefined || subcommands.some(isImplemented);
}

/** Redis derives some categories from flags. Scripts read and write, so the commands that run them are not in category "read". */
function allCategories(flags: readonly CommandFlag[], own: readonly AclCategory[]): AclCategory[] {
  const given = new Set<AclCategory>(own);
  if (flags.includes("write")) given.add("write");
  if (flags.includes("readonly") && !given.has("scripting")) given.add("read");
  if (flags.includes("admin")) given.add("admin").add("dangerous");
  if (flags.includes("pubsub")) given.add("pubsub");
  if (flags.includes("blocking")) given.add("blocking");
  given.add(flags.includes("fast") ? "fast" : "slow");
  return aclCategories.filter((category) => given.has(category));
}

/**
 * A single range is taken as it is; of several, those with step 1 that follow each other without a gap are joined.
 * What begins at a keyword or counts its keys has no place in a range.
 */
function legacyRange(rules: readonly KeyRule[]): { firstKey: number; lastKey: number; keyStep: number } {
  let firstKey = 0;
  let lastKey = 0;
  let keyStep = 0;
  for (const { begin, find } of rules) {
    if (begin.type !== "index" || find.type !== "range") continue;
    const first = begin.index;
    const last = find.lastKey >= 0 ? first + find.lastKey : find.lastKey;
    if (firstKey === 0) {
      firstKey = first;
      lastKey = last;
      keyStep = find.keyStep;
    } else if (keyStep === 1 && find.keyStep === 1 && lastKey === first - 1) lastKey = last;
  }
  return { firstKey, lastKey, keyStep };
}

/** What a request may do, in bits. */
export const effects = {
  writes: 1,
  /** It may reach the replicas of a redis, since it writes or publishes. */
  replicates: 2,
  reads: 4,
} as const;

/** The effects of the request in `context`; of EXEC, those of what was queued. */
export function effectsOf(context: CommandContext): number {
  const { spec, executed } = context;
  if (executed !== null) return executed.effects;
  const byRequest = spec.writesByRequest?.(context) ?? null;
  return (
    ((byRequest ?? spec.write) ? effects.writes : 0) |
    ((byRequest ?? (spec.write || spec.mayReplicate)) ? effects.replicates : 0) |
    (spec.flags.includes("readonly") ? effects.reads : 0)
  );
}
