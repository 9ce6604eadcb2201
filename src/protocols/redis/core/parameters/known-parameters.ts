/**
 * The parameters that CONFIG has, a row for each: those of redis 7.0 with its defaults, types and bounds, in the order of its config.c, and
 * this broker's own; and what each of them is here.
 *
 *     acts     a value does what it says: `act`, or who has asked by `ServerSettings.onSet`
 *     advice   to machinery of redis's that the broker does not have, so no client can see a difference: values are kept and read back
 *     neither  it shows redis's default, or what is so here (`ours`), and cannot be set to anything else
 *
 * Invariant: a parameter whose value promises something to a client or an operator acts, or is refused.
 */
import type { ServerSettings } from "../settings.ts";
import type { ParsedValue } from "./parameter-value.ts";
import {
  hidden,
  otherPort,
  parseEventClasses,
  parseHistory,
  parseOutputLimits,
  parsePercentiles,
  parseSave,
  shownClasses,
  subscriberLimit,
  tooManyClients,
  wordsOf,
} from "./special-values.ts";

/** What of redis's a parameter advises. */
export type Advice =
  /** How values lie in memory. */
  | "memoryLayout"
  /** Every DEL, UNLINK and FLUSHALL gives memory back in slices. */
  | "backgroundWork"
  | "process"
  /** The broker has bounds of its own for what one connection may take (src/base/limits.ts). */
  | "inputBuffers"
  /** What is written is in the journal before the reply, whatever these say. RESTORE always checks what it is given. */
  | "files"
  | "replicas"
  /** One node owns all slots, and is not down while it answers. */
  | "otherNodes";

export interface ParameterForm {
  readonly type: "bool" | "text" | "words" | "number" | "memory" | "octal" | "percent";
  /** An older name of the same parameter. */
  readonly alias?: string;
  /** It is set at the start only. */
  readonly isFixed?: true;
  /** It is set at the start only, unless `enable-protected-configs` says otherwise. */
  readonly isProtected?: true;
  readonly words?: readonly string[];
  readonly least?: bigint;
  readonly most?: bigint;
  /** Bounds are compared, and told, as unsigned numbers of 64 bits. */
  readonly isUnsigned?: true;
  /** CONFIG GET shows it to who names it, not to a pattern. */
  readonly isHidden?: true;
  /** MONITOR and SLOWLOG do not show what it is set to. */
  readonly isSecret?: true;
  readonly acts?: true;
  readonly advice?: Advice;
  /** The value at the start, where it is not redis's default. */
  readonly ours?: string;
  /** For a value with a form of its own. */
  readonly parse?: (text: string, current: string) => ParsedValue;
  /** Why a value that has the right form is refused; null: it is not. `own` is the port by which the client has come. */
  readonly refuses?: (value: string, settings: ServerSettings, own: number) => string | null;
  /** What CONFIG GET tells of a value. */
  readonly shows?: (value: string) => string;
  readonly act?: (settings: ServerSettings, value: string) => void;
}

type KnownParameter = readonly [name: string, value: string, form: ParameterForm];

/** Name, redis's default, form. */
export const knownParameters: readonly KnownParameter[] = [
  ["rdbchecksum", "yes", { type: "bool", isFixed: true }],
  ["daemonize", "no", { type: "bool", isFixed: true }],
  ["io-threads-do-reads", "no", { type: "bool", isFixed: true }],
  ["always-show-logo", "no", { type: "bool", isFixed: true }],
  ["protected-mode", "yes", { type: "bool", ours: "no" }],
  ["rdbcompression", "yes", { type: "bool", advice: "files" }],
  ["rdb-del-sync-files", "no", { type: "bool", advice: "files" }],
  ["activerehashing", "yes", { type: "bool", advice: "memoryLayout" }],
  ["stop-writes-on-bgsave-error", "yes", { type: "bool", advice: "files" }],
  ["set-proc-title", "yes", { type: "bool", isFixed: true }],
  ["dynamic-hz", "yes", { type: "bool", advice: "backgroundWork" }],
  ["lazyfree-lazy-eviction", "no", { type: "bool", advice: "backgroundWork" }],
  ["lazyfree-lazy-expire", "no", { type: "bool", advice: "backgroundWork" }],
  ["lazyfree-lazy-server-del", "no", { type: "bool", advice: "backgroundWork" }],
  ["lazyfree-lazy-user-del", "no", { type: "bool", advice: "backgroundWork" }],
  ["lazyfree-lazy-user-flush", "no", { type: "bool", advice: "backgroundWork" }],
  ["repl-disable-tcp-nodelay", "no", { type: "bool", advice: "replicas" }],
  ["repl-diskless-sync", "yes", { type: "bool", advice: "replicas" }],
  ["aof-rewrite-incremental-fsync", "yes", { type: "bool", advice: "files" }],
  ["no-appendfsync-on-rewrite", "no", { type: "bool", advice: "files" }],
  ["cluster-require-full-coverage", "yes", { type: "bool", advice: "otherNodes" }],
  ["rdb-save-incremental-fsync", "yes", { type: "bool", advice: "files" }],
  ["aof-load-truncated", "yes", { type: "bool", advice: "files" }],
  ["aof-use-rdb-preamble", "yes", { type: "bool", advice: "files" }],
  ["aof-timestamp-enabled", "no", { type: "bool", advice: "files" }],
  [
    "cluster-replica-no-failover",
    "no",
    { type: "bool", alias: "cluster-slave-no-failover", advice: "otherNodes" },
  ],
  ["replica-lazy-flush", "no", { type: "bool", alias: "slave-lazy-flush", advice: "replicas" }],
  ["replica-serve-stale-data", "yes", { type: "bool", alias: "slave-serve-stale-data", advice: "replicas" }],
  ["replica-read-only", "yes", { type: "bool", alias: "slave-read-only", advice: "replicas" }],
  ["replica-ignore-maxmemory", "yes", { type: "bool", alias: "slave-ignore-maxmemory", advice: "replicas" }],
  ["jemalloc-bg-thread", "yes", { type: "bool", advice: "memoryLayout" }],
  ["activedefrag", "no", { type: "bool", advice: "memoryLayout" }],
  ["syslog-enabled", "no", { type: "bool", isFixed: true }],
  ["cluster-enabled", "no", { type: "bool", isFixed: true, acts: true }],
  ["appendonly", "no", { type: "bool", ours: "yes" }],
  ["cluster-allow-reads-when-down", "no", { type: "bool", advice: "otherNodes" }],
  ["cluster-allow-pubsubshard-when-down", "yes", { type: "bool", advice: "otherNodes" }],
  ["crash-log-enabled", "yes", { type: "bool", advice: "process" }],
  ["crash-memcheck-enabled", "yes", { type: "bool", advice: "process" }],
  ["disable-thp", "yes", { type: "bool", isFixed: true }],
  ["cluster-allow-replica-migration", "yes", { type: "bool", advice: "otherNodes" }],
  ["replica-announced", "yes", { type: "bool", advice: "replicas" }],
  ["latency-tracking", "yes", { type: "bool", acts: true }],
  ["aof-disable-auto-gc", "no", { type: "bool", advice: "files" }],
  ["replica-ignore-disk-write-errors", "no", { type: "bool", advice: "replicas" }],
  ["aclfile", "", { type: "text", isFixed: true }],
  ["unixsocket", "", { type: "text", isFixed: true }],
  ["pidfile", "", { type: "text", isFixed: true }],
  ["replica-announce-ip", "", { type: "text", alias: "slave-announce-ip", advice: "replicas" }],
  ["masteruser", "", { isSecret: true, type: "text", advice: "replicas" }],
  ["cluster-announce-ip", "", { type: "text" }],
  ["cluster-config-file", "nodes.conf", { type: "text", isFixed: true }],
  ["cluster-announce-hostname", "", { type: "text" }],
  ["syslog-ident", "redis", { type: "text", isFixed: true }],
  ["dbfilename", "dump.rdb", { type: "text", isProtected: true }],
  ["appendfilename", "appendonly.aof", { type: "text", isFixed: true }],
  ["appenddirname", "appendonlydir", { type: "text", isFixed: true }],
  ["server_cpulist", "", { type: "text", isFixed: true }],
  ["bio_cpulist", "", { type: "text", isFixed: true }],
  ["aof_rewrite_cpulist", "", { type: "text", isFixed: true }],
  ["bgsave_cpulist", "", { type: "text", isFixed: true }],
  ["ignore-warnings", "", { type: "text", advice: "process" }],
  ["proc-title-template", "{title} {listen-addr} {server-mode}", { type: "text", advice: "process" }],
  ["bind-source-addr", "", { type: "text" }],
  ["logfile", "", { type: "text", isFixed: true }],
  ["masterauth", "", { isSecret: true, type: "text", advice: "replicas" }],
  ["requirepass", "", { isSecret: true, type: "text", acts: true, shows: hidden }],
  ["supervised", "no", { type: "words", isFixed: true, words: ["upstart", "systemd", "auto", "no"] }],
  [
    "syslog-facility",
    "local0",
    {
      type: "words",
      isFixed: true,
      words: ["user", "local0", "local1", "local2", "local3", "local4", "local5", "local6", "local7"],
    },
  ],
  [
    "repl-diskless-load",
    "disabled",
    { type: "words", words: ["disabled", "on-empty-db", "swapdb"], advice: "replicas" },
  ],
  ["loglevel", "notice", { type: "words", words: ["debug", "verbose", "notice", "warning"] }],
  [
    "maxmemory-policy",
    "noeviction",
    {
      type: "words",
      words: [
        "volatile-lru",
        "volatile-lfu",
        "volatile-random",
        "volatile-ttl",
        "allkeys-lru",
        "allkeys-lfu",
        "allkeys-random",
        "noeviction",
      ],
      acts: true,
    },
  ],
  ["appendfsync", "everysec", { type: "words", words: ["everysec", "always", "no"], acts: true }],
  ["oom-score-adj", "no", { type: "words", words: ["no", "yes", "relative", "absolute"], advice: "process" }],
  [
    "acl-pubsub-default",
    "resetchannels",
    { type: "words", words: ["allchannels", "resetchannels"], acts: true },
  ],
  ["sanitize-dump-payload", "no", { type: "words", words: ["no", "yes", "clients"], advice: "files" }],
  ["enable-protected-configs", "no", { type: "words", isFixed: true, words: ["no", "yes", "local"] }],
  ["enable-debug-command", "no", { type: "words", isFixed: true, words: ["no", "yes", "local"] }],
  ["enable-module-command", "no", { type: "words", isFixed: true, words: ["no", "yes", "local"] }],
  ["cluster-preferred-endpoint-type", "ip", { type: "words", words: ["ip", "hostname", "unknown-endpoint"] }],
  [
    "propagation-error-behavior",
    "ignore",
    { type: "words", words: ["ignore", "panic", "panic-on-replicas"], advice: "replicas" },
  ],
  [
    "shutdown-on-sigint",
    "default",
    { type: "words", words: ["default", "save", "nosave", "now", "force"], advice: "process" },
  ],
  [
    "shutdown-on-sigterm",
    "default",
    { type: "words", words: ["default", "save", "nosave", "now", "force"], advice: "process" },
  ],
  ["databases", "16", { type: "number", isFixed: true, least: 1n, most: 2147483647n }],
  ["port", "6379", { type: "number", least: 0n, most: 65535n, refuses: otherPort }],
  ["io-threads", "1", { type: "number", isFixed: true, least: 1n, most: 128n }],
  ["auto-aof-rewrite-percentage", "100", { type: "number", least: 0n, most: 2147483647n, advice: "files" }],
  [
    "cluster-replica-validity-factor",
    "10",
    {
      type: "number",
      alias: "cluster-slave-validity-factor",
      least: 0n,
      most: 2147483647n,
      advice: "otherNodes",
    },
  ],
  [
    "list-max-listpack-size",
    "-2",
    {
      type: "number",
      alias: "list-max-ziplist-size",
      least: -2147483648n,
      most: 2147483647n,
      advice: "memoryLayout",
    },
  ],
  ["tcp-keepalive", "300", { type: "number", least: 0n, most: 2147483647n, ours: "0", advice: "process" }],
  ["cluster-migration-barrier", "1", { type: "number", least: 0n, most: 2147483647n, advice: "otherNodes" }],
  ["active-defrag-cycle-min", "1", { type: "number", least: 1n, most: 99n, advice: "memoryLayout" }],
  ["active-defrag-cycle-max", "25", { type: "number", least: 1n, most: 99n, advice: "memoryLayout" }],
  ["active-defrag-threshold-lower", "10", { type: "number", least: 0n, most: 1000n, advice: "memoryLayout" }],
  [
    "active-defrag-threshold-upper",
    "100",
    { type: "number", least: 0n, most: 1000n, advice: "memoryLayout" },
  ],
  ["lfu-log-factor", "10", { type: "number", least: 0n, most: 2147483647n, acts: true }],
  ["lfu-decay-time", "1", { type: "number", least: 0n, most: 2147483647n, acts: true }],
  [
    "replica-priority",
    "100",
    { type: "number", alias: "slave-priority", least: 0n, most: 2147483647n, advice: "replicas" },
  ],
  ["repl-diskless-sync-delay", "5", { type: "number", least: 0n, most: 2147483647n, advice: "replicas" }],
  ["maxmemory-samples", "5", { type: "number", least: 1n, most: 2147483647n, acts: true }],
  ["maxmemory-eviction-tenacity", "10", { type: "number", least: 0n, most: 100n, acts: true }],
  ["timeout", "0", { type: "number", least: 0n, most: 2147483647n, acts: true }],
  [
    "replica-announce-port",
    "0",
    { type: "number", alias: "slave-announce-port", least: 0n, most: 65535n, advice: "replicas" },
  ],
  ["tcp-backlog", "511", { type: "number", isFixed: true, least: 0n, most: 2147483647n }],
  ["cluster-port", "0", { type: "number", isFixed: true, least: 0n, most: 65535n }],
  ["cluster-announce-bus-port", "0", { type: "number", least: 0n, most: 65535n }],
  ["cluster-announce-port", "0", { type: "number", least: 0n, most: 65535n }],
  ["cluster-announce-tls-port", "0", { type: "number", least: 0n, most: 65535n }],
  ["repl-timeout", "60", { type: "number", least: 1n, most: 2147483647n, advice: "replicas" }],
  [
    "repl-ping-replica-period",
    "10",
    { type: "number", alias: "repl-ping-slave-period", least: 1n, most: 2147483647n, advice: "replicas" },
  ],
  ["list-compress-depth", "0", { type: "number", least: 0n, most: 2147483647n, advice: "memoryLayout" }],
  ["active-expire-effort", "1", { type: "number", least: 1n, most: 10n, advice: "backgroundWork" }],
  ["hz", "10", { type: "number", least: 0n, most: 2147483647n, advice: "backgroundWork" }],
  [
    "min-replicas-to-write",
    "0",
    {
      type: "number",
      alias: "min-slaves-to-write",
      least: 0n,
      most: 2147483647n,
      acts: true,
      act: (settings) => settings.minReplicasChanged(),
    },
  ],
  [
    "min-replicas-max-lag",
    "10",
    {
      type: "number",
      alias: "min-slaves-max-lag",
      least: 0n,
      most: 2147483647n,
      acts: true,
      act: (settings) => settings.minReplicasChanged(),
    },
  ],
  ["shutdown-timeout", "10", { type: "number", least: 0n, most: 2147483647n, advice: "process" }],
  [
    "repl-diskless-sync-max-replicas",
    "0",
    { type: "number", least: 0n, most: 2147483647n, advice: "replicas" },
  ],
  [
    "maxclients",
    "10000",
    {
      type: "number",
      least: 1n,
      most: 4294967295n,
      isUnsigned: true,
      acts: true,
      act: (settings, value) => (settings.clientsMax = Number(value)),
      refuses: tooManyClients,
    },
  ],
  ["unixsocketperm", "0", { type: "octal", isFixed: true, least: 0n, most: 511n, isUnsigned: true }],
  ["socket-mark-id", "0", { type: "number", isFixed: true, least: 0n, most: 4294967295n, isUnsigned: true }],
  [
    "active-defrag-max-scan-fields",
    "1000",
    { type: "number", least: 1n, most: 9223372036854775807n, advice: "memoryLayout" },
  ],
  ["slowlog-max-len", "128", { type: "number", least: 0n, most: 9223372036854775807n, acts: true }],
  ["acllog-max-len", "128", { type: "number", least: 0n, most: 9223372036854775807n, acts: true }],
  [
    "busy-reply-threshold",
    "5000",
    {
      type: "number",
      alias: "lua-time-limit",
      least: 0n,
      most: 9223372036854775807n,
      acts: true,
      act: (settings, value) => (settings.luaTimeLimitMs = Number(value)),
    },
  ],
  [
    "cluster-node-timeout",
    "15000",
    { type: "number", least: 0n, most: 9223372036854775807n, advice: "otherNodes" },
  ],
  [
    "slowlog-log-slower-than",
    "10000",
    { type: "number", least: -1n, most: 9223372036854775807n, acts: true },
  ],
  ["latency-monitor-threshold", "0", { type: "number", least: 0n, most: 9223372036854775807n, acts: true }],
  [
    "proto-max-bulk-len",
    "536870912",
    { type: "memory", least: 1048576n, most: 9223372036854775807n, advice: "inputBuffers" },
  ],
  [
    "stream-node-max-entries",
    "100",
    {
      type: "number",
      least: 0n,
      most: 9223372036854775807n,
      acts: true,
      act: (settings, value) => (settings.streamNodeEntriesMax = Number(value)),
    },
  ],
  [
    "repl-backlog-size",
    "1048576",
    { type: "memory", least: 1n, most: 9223372036854775807n, advice: "replicas" },
  ],
  [
    "maxmemory",
    "0",
    { type: "memory", least: 0n, most: 18446744073709551615n, isUnsigned: true, acts: true },
  ],
  [
    "cluster-link-sendbuf-limit",
    "0",
    { type: "memory", least: 0n, most: 18446744073709551615n, isUnsigned: true, advice: "otherNodes" },
  ],
  [
    "hash-max-listpack-entries",
    "512",
    {
      type: "number",
      alias: "hash-max-ziplist-entries",
      least: 0n,
      most: 9223372036854775807n,
      isUnsigned: true,
      acts: true,
    },
  ],
  [
    "set-max-intset-entries",
    "512",
    { type: "number", least: 0n, most: 9223372036854775807n, isUnsigned: true, acts: true },
  ],
  [
    "zset-max-listpack-entries",
    "128",
    {
      type: "number",
      alias: "zset-max-ziplist-entries",
      least: 0n,
      most: 9223372036854775807n,
      isUnsigned: true,
      acts: true,
    },
  ],
  [
    "active-defrag-ignore-bytes",
    "104857600",
    { type: "memory", least: 1n, most: 9223372036854775807n, isUnsigned: true, advice: "memoryLayout" },
  ],
  [
    "hash-max-listpack-value",
    "64",
    {
      type: "memory",
      alias: "hash-max-ziplist-value",
      least: 0n,
      most: 9223372036854775807n,
      isUnsigned: true,
      acts: true,
    },
  ],
  [
    "stream-node-max-bytes",
    "4096",
    { type: "memory", least: 0n, most: 9223372036854775807n, isUnsigned: true, advice: "memoryLayout" },
  ],
  [
    "zset-max-listpack-value",
    "64",
    {
      type: "memory",
      alias: "zset-max-ziplist-value",
      least: 0n,
      most: 9223372036854775807n,
      isUnsigned: true,
      acts: true,
    },
  ],
  [
    "hll-sparse-max-bytes",
    "3000",
    {
      type: "memory",
      least: 0n,
      most: 9223372036854775807n,
      isUnsigned: true,
      acts: true,
      act: (settings, value) => (settings.sketchSparseBytesMax = Number(value)),
    },
  ],
  [
    "tracking-table-max-keys",
    "1000000",
    {
      type: "number",
      least: 0n,
      most: 9223372036854775807n,
      isUnsigned: true,
      acts: true,
      act: (settings, value) => (settings.trackingKeysMax = Number(value)),
    },
  ],
  [
    "client-query-buffer-limit",
    "1073741824",
    { type: "memory", least: 1048576n, most: 9223372036854775807n, isUnsigned: true, advice: "inputBuffers" },
  ],
  ["maxmemory-clients", "0", { type: "percent", least: -100n, most: 9223372036854775807n, acts: true }],
  ["repl-backlog-ttl", "3600", { type: "number", least: 0n, most: 9223372036854775807n, advice: "replicas" }],
  [
    "auto-aof-rewrite-min-size",
    "67108864",
    { type: "memory", least: 0n, most: 9223372036854775807n, advice: "files" },
  ],
  ["tls-port", "0", { type: "number", least: 0n, most: 65535n }],
  ["tls-session-cache-size", "20480", { type: "number", least: 0n, most: 2147483647n }],
  ["tls-session-cache-timeout", "300", { type: "number", least: 0n, most: 2147483647n }],
  ["tls-cluster", "no", { type: "bool" }],
  ["tls-replication", "no", { type: "bool" }],
  ["tls-auth-clients", "yes", { type: "words", words: ["no", "yes", "optional"] }],
  ["tls-prefer-server-ciphers", "no", { type: "bool" }],
  ["tls-session-caching", "yes", { type: "bool" }],
  ["tls-cert-file", "", { type: "text" }],
  ["tls-key-file", "", { type: "text" }],
  ["tls-key-file-pass", "", { isSecret: true, type: "text" }],
  ["tls-client-cert-file", "", { type: "text" }],
  ["tls-client-key-file", "", { type: "text" }],
  ["tls-client-key-file-pass", "", { isSecret: true, type: "text" }],
  ["tls-dh-params-file", "", { type: "text" }],
  ["tls-ca-cert-file", "", { type: "text" }],
  ["tls-ca-cert-dir", "", { type: "text" }],
  ["tls-protocols", "", { type: "text" }],
  ["tls-ciphers", "", { type: "text" }],
  ["tls-ciphersuites", "", { type: "text" }],
  ["dir", "", { type: "text", isProtected: true }],
  ["save", "3600 1 300 100 60 10000", { type: "text", ours: "", advice: "files", parse: parseSave }],
  [
    "client-output-buffer-limit",
    "normal 0 0 0 slave 268435456 67108864 60 pubsub 33554432 8388608 60",
    {
      type: "text",
      acts: true,
      ours: "normal 0 0 0 slave 268435456 67108864 60 pubsub 33554432 0 0",
      parse: parseOutputLimits,
      act: (settings, value) => (settings.subscriberOutputBytesMax = subscriberLimit(value)),
    },
  ],
  ["oom-score-adj-values", "0 200 800", { type: "text", advice: "process" }],
  ["notify-keyspace-events", "", { type: "text", acts: true, parse: parseEventClasses, shows: shownClasses }],
  ["bind", "127.0.0.1 -::1", { type: "text", ours: "127.0.0.1" }],
  ["replicaof", "", { type: "text", alias: "slaveof", isFixed: true }],
  [
    "latency-tracking-info-percentiles",
    "50 99 99.9",
    {
      type: "text",
      acts: true,
      parse: parsePercentiles,
      act: (settings, value) => (settings.percentiles = wordsOf(value).map(Number)),
    },
  ],
  // This broker's own.
  ["troika-pubsub-history", "", { type: "text", acts: true, parse: parseHistory }],
  ["use-exit-on-panic", "no", { type: "bool", isHidden: true }],
  ["lua-enable-deprecated-api", "no", { type: "bool", isFixed: true, isHidden: true }],
  ["rdb-key-save-delay", "0", { type: "number", isHidden: true, least: -2147483648n, most: 2147483647n }],
  ["key-load-delay", "0", { type: "number", isHidden: true, least: -2147483648n, most: 2147483647n }],
  ["watchdog-period", "0", { type: "number", isHidden: true, least: 0n, most: 2147483647n }],
  [
    "loading-process-events-interval-bytes",
    "2097152",
    { type: "memory", isHidden: true, least: 1024n, most: 2n ** 63n - 1n },
  ],
];

export const secretParameters: ReadonlySet<string> = new Set(
  knownParameters.flatMap(([name, , { isSecret }]) => (isSecret === true ? [name] : [])),
);
