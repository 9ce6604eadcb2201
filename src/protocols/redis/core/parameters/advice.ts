/**
 * Parameters of redis that are advice to its machinery: to memory layout, background work, files, replicas and its other cluster nodes.
 * The broker has none of this machinery, so no client can see a difference. CONFIG SET takes their values, and CONFIG GET reads them back,
 * so that tools and configurations which set them go on working.
 *
 * Not here: parameters whose value promises something to a client or an operator; these act (../settings.ts) or are refused.
 */
const byMachinery = {
  memoryLayout: [
    "list-compress-depth",
    "list-max-listpack-size",
    "stream-node-max-bytes",
    "activedefrag",
    "active-defrag-cycle-max",
    "active-defrag-cycle-min",
    "active-defrag-ignore-bytes",
    "active-defrag-max-scan-fields",
    "active-defrag-threshold-lower",
    "active-defrag-threshold-upper",
    "activerehashing",
    "jemalloc-bg-thread",
  ],
  // Every DEL, UNLINK and FLUSHALL gives memory back in slices.
  backgroundWork: [
    "active-expire-effort",
    "dynamic-hz",
    "hz",
    "lazyfree-lazy-eviction",
    "lazyfree-lazy-expire",
    "lazyfree-lazy-server-del",
    "lazyfree-lazy-user-del",
    "lazyfree-lazy-user-flush",
  ],
  process: [
    "crash-log-enabled",
    "crash-memcheck-enabled",
    "ignore-warnings",
    "oom-score-adj",
    "oom-score-adj-values",
    "proc-title-template",
    "shutdown-on-sigint",
    "shutdown-on-sigterm",
    "shutdown-timeout",
    "tcp-keepalive",
  ],
  // The broker has bounds of its own for what one connection may take (src/base/limits.ts).
  inputBuffers: ["client-query-buffer-limit", "proto-max-bulk-len"],
  // What is written is in the journal before the reply, whatever these say. RESTORE always checks what it is given.
  files: [
    "aof-disable-auto-gc",
    "aof-load-truncated",
    "aof-rewrite-incremental-fsync",
    "aof-timestamp-enabled",
    "aof-use-rdb-preamble",
    "auto-aof-rewrite-min-size",
    "auto-aof-rewrite-percentage",
    "no-appendfsync-on-rewrite",
    "rdb-del-sync-files",
    "rdb-save-incremental-fsync",
    "rdbcompression",
    "sanitize-dump-payload",
    "save",
    "stop-writes-on-bgsave-error",
  ],
  replicas: [
    "masterauth",
    "masteruser",
    "propagation-error-behavior",
    "repl-backlog-size",
    "repl-backlog-ttl",
    "repl-disable-tcp-nodelay",
    "repl-diskless-load",
    "repl-diskless-sync",
    "repl-diskless-sync-delay",
    "repl-diskless-sync-max-replicas",
    "repl-ping-replica-period",
    "repl-timeout",
    "replica-announce-ip",
    "replica-announce-port",
    "replica-announced",
    "replica-ignore-disk-write-errors",
    "replica-ignore-maxmemory",
    "replica-lazy-flush",
    "replica-priority",
    "replica-read-only",
    "replica-serve-stale-data",
  ],
  // One node owns all slots, and is not down while it answers.
  otherNodes: [
    "cluster-allow-pubsubshard-when-down",
    "cluster-allow-reads-when-down",
    "cluster-allow-replica-migration",
    "cluster-link-sendbuf-limit",
    "cluster-migration-barrier",
    "cluster-node-timeout",
    "cluster-replica-no-failover",
    "cluster-replica-validity-factor",
    "cluster-require-full-coverage",
  ],
} as const;

/** Without their older names. */
export const adviceNames: ReadonlySet<string> = new Set<string>(Object.values(byMachinery).flat());
