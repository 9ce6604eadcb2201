/** What INFO says, section by section. Numbers that redis has and we have not are left out rather than made up. */
import { version } from "../../../base/version.ts";
import type { ClientConnection } from "../core/client-connection.ts";
import type { CommandContext } from "../core/context.ts";
import type { RedisServer } from "../server.ts";
import { databaseCount } from "../../../keyspace/keyspace.ts";
import { redisVersion } from "../core/names.ts";
import { memoryFields } from "../memory/memory-info.ts";

type Field = [name: string, value: string | number];

export function infoSections(context: CommandContext): [name: string, fields: Field[]][] {
  return [
    ["Server", serverFields(context)],
    ["Clients", clientFields(context)],
    ["Memory", memoryFields(context)],
    ["Persistence", persistenceFields(context)],
    ["Stats", statFields(context)],
    ["Replication", replicationFields(context)],
    ["CPU", cpuFields(context)],
    ["Modules", []],
    ["Commandstats", commandFields(context)],
    [
      "Errorstats",
      [...context.server.errorCounts].map(([code, count]) => [`errorstat_${code}`, `count=${count}`]),
    ],
    ["Latencystats", latencyFields(context)],
    ["Cluster", [["cluster_enabled", context.server.cluster === null ? 0 : 1]]],
    ["Keyspace", keyspaceFields(context)],
  ];
}

function serverFields({ server, broker, clientOrNull }: CommandContext): Field[] {
  const { host } = server;
  const uptime = Math.max(Math.floor((broker.clock.now() - server.startedAt) / 1000), 0);
  return [
    ["redis_version", redisVersion],
    ["troikamq_version", version],
    ["redis_git_sha1", "00000000"],
    ["redis_git_dirty", 0],
    ["redis_build_id", "0000000000000000"],
    ["redis_mode", server.cluster === null ? "standalone" : "cluster"],
    ["os", host.system],
    ["arch_bits", 64],
    ["process_id", host.pid],
    ["process_supervised", "no"],
    ["run_id", server.runId],
    ...(clientOrNull === null ? [] : [["tcp_port", clientOrNull.connection.local.port] as Field]),
    ["server_time_usec", broker.clock.now() * 1000],
    ["uptime_in_seconds", uptime],
    ["uptime_in_days", Math.floor(uptime / 86_400)],
    ["hz", server.settings.values.get("hz")!],
    ["configured_hz", server.settings.values.get("hz")!],
    ["executable", host.executable],
    ["config_file", ""],
    ["io_threads_active", 0],
  ];
}

function clientFields({ server }: CommandContext): Field[] {
  const { blocking } = server;
  return [
    ["connected_clients", server.sessions.size],
    ["cluster_connections", 0],
    ["maxclients", server.settings.values.get("maxclients")!],
    ["client_recent_max_input_buffer", largest(server, (client) => client.queryBufferBytes)],
    ["client_recent_max_output_buffer", largest(server, (client) => client.unsentBytes)],
    ["blocked_clients", blocking.clientCount + server.pause.waitingCount],
    ["tracking_clients", server.tracking.clientCount],
    ["pubsub_clients", countOf(server, (client) => client.isSubscriber)],
    ["watching_clients", countOf(server, (client) => (client.watcher?.marks.size ?? 0) > 0)],
    ["clients_in_timeout_table", blocking.timeoutCount],
    ["total_watched_keys", server.watches.keyCount],
    ["total_blocking_keys", blocking.keyCount],
  ];
}

function persistenceFields(context: CommandContext): Field[] {
  const { server, broker } = context;
  const { saves } = server;
  const { storage } = broker;
  const isKept = broker.options.disk !== null;
  return [
    ["loading", 0],
    ["async_loading", 0],
    ["rdb_changes_since_last_save", 0],
    ["rdb_bgsave_in_progress", saves.isRunning ? 1 : 0],
    ["rdb_last_save_time", saves.lastAt],
    ["rdb_last_bgsave_status", "ok"],
    ["rdb_last_bgsave_time_sec", -1],
    ["rdb_current_bgsave_time_sec", -1],
    ["rdb_saves", saves.count],
    ["rdb_last_cow_size", 0],
    ["aof_enabled", isKept ? 1 : 0],
    ["aof_rewrite_in_progress", 0],
    ["aof_rewrite_scheduled", 0],
    ["aof_last_rewrite_time_sec", -1],
    ["aof_current_rewrite_time_sec", -1],
    ["aof_last_bgrewrite_status", "ok"],
    ["aof_last_write_status", storage.failure === null ? "ok" : "err"],
    ["aof_last_cow_size", 0],
    ["module_fork_in_progress", 0],
    ...(isKept ? aofFields(context) : []),
  ];
}

/** The journal is what redis's append-only file is, for all protocols. */
function aofFields({ broker: { storage } }: CommandContext): Field[] {
  const bytes = storage.journal?.bytes ?? 0;
  return [
    ["aof_current_size", bytes],
    ["aof_base_size", 0],
    ["aof_pending_rewrite", 0],
    ["aof_buffer_length", storage.pending - storage.written],
    ["aof_pending_bio_fsync", storage.durable < storage.written ? 1 : 0],
    ["aof_delayed_fsync", 0],
  ];
}

function statFields({ server }: CommandContext): Field[] {
  const rates = server.traffic.look();
  return [
    ["total_connections_received", server.connectionsAccepted],
    ["total_commands_processed", server.commandsProcessed - server.commandsBeforeReset],
    ["instantaneous_ops_per_sec", Math.round(rates.commands)],
    ["total_net_input_bytes", rates.totalIn],
    ["total_net_output_bytes", rates.totalOut],
    ["total_net_repl_input_bytes", 0],
    ["total_net_repl_output_bytes", 0],
    ["instantaneous_input_kbps", (rates.bytesIn / 1024).toFixed(2)],
    ["instantaneous_output_kbps", (rates.bytesOut / 1024).toFixed(2)],
    ["rejected_connections", server.connectionsRejected],
    ["sync_full", 0],
    ["sync_partial_ok", 0],
    ["sync_partial_err", 0],
    ["expired_subkeys", server.keyspace.expiredFields],
    ["expired_keys", server.expiredKeys],
    ["evicted_keys", server.keyspace.eviction.evicted],
    ["evicted_clients", server.clientEviction.evicted],
    ["keyspace_hits", server.lookups.hits],
    ["keyspace_misses", server.lookups.misses],
    ["pubsub_channels", server.live.channels.size],
    ["pubsub_patterns", server.live.patterns.size],
    ["pubsubshard_channels", server.shardLive.channels.size],
    ["latest_fork_usec", 0],
    ["total_forks", 0],
    ["migrate_cached_sockets", 0],
    ["slave_expires_tracked_keys", 0],
    ["tracking_total_keys", server.tracking.readers.count],
    ["tracking_total_items", server.tracking.readers.items],
    ["tracking_total_prefixes", server.tracking.prefixes.size],
    ["unexpected_error_replies", 0],
    ["total_error_replies", server.errorReplies],
    ["total_reads_processed", server.readsProcessed],
    ["io_threaded_reads_processed", 0],
    ["io_threaded_writes_processed", 0],
  ];
}

function replicationFields({ server }: CommandContext): Field[] {
  return [
    ["role", "master"],
    ["connected_slaves", 0],
    ["master_failover_state", "no-failover"],
    ["master_replid", server.runId],
    ["master_replid2", "0".repeat(40)],
    ["master_repl_offset", 0],
    ["second_repl_offset", -1],
    ["repl_backlog_active", 0],
    ["repl_backlog_size", server.settings.values.get("repl-backlog-size")!],
    ["repl_backlog_first_byte_offset", 0],
    ["repl_backlog_histlen", 0],
  ];
}

/** Of the whole process: Lua, the disk's threads and the other protocols too. */
function cpuFields({ server }: CommandContext): Field[] {
  const { user, system } = server.host.cpuSeconds();
  return [
    ["used_cpu_sys", system.toFixed(6)],
    ["used_cpu_user", user.toFixed(6)],
    ["used_cpu_sys_children", "0.000000"],
    ["used_cpu_user_children", "0.000000"],
  ];
}

function largest(server: RedisServer, valueOf: (client: ClientConnection) => number): number {
  let most = 0;
  for (const client of server.sessions.values()) most = Math.max(most, valueOf(client));
  return most;
}

function countOf(server: RedisServer, isCounted: (client: ClientConnection) => boolean): number {
  let count = 0;
  for (const client of server.sessions.values()) if (isCounted(client)) count++;
  return count;
}

function keyspaceFields({ server }: CommandContext): Field[] {
  const fields: Field[] = [];
  for (let database = 0; database < databaseCount; database++) {
    const keys = server.keyCount(database);
    if (keys > 0)
      fields.push([`db${database}`, `keys=${keys},expires=${server.expiringCount(database)},avg_ttl=0`]);
  }
  return fields;
}

function commandFields({ server }: CommandContext): Field[] {
  const { calls, microseconds, rejected, failed } = server.observer;
  const fields: Field[] = [];
  for (const { id, fullName } of server.commands.all) {
    if (calls[id] === 0 && rejected[id] === 0 && failed[id] === 0) continue;
    const total = Math.floor(microseconds[id]!);
    const average = calls[id] === 0 ? 0 : total / calls[id]!;
    fields.push([
      `cmdstat_${fullName}`,
      `calls=${calls[id]},usec=${total},usec_per_call=${average.toFixed(2)},` +
        `rejected_calls=${rejected[id]},failed_calls=${failed[id]}`,
    ]);
  }
  return fields;
}

function latencyFields({ server }: CommandContext): Field[] {
  const { histograms } = server.observer;
  const fields: Field[] = [];
  for (const { id, fullName } of server.commands.all) {
    const histogram = histograms[id];
    if (histogram === undefined) continue;
    const values = server.settings.percentiles.map(
      (percent) => `p${percent}=${(histogram.percentile(percent) / 1000).toFixed(3)}`,
    );
    fields.push([`latency_percentiles_usec_${fullName}`, values.join(",")]);
  }
  return fields;
}
