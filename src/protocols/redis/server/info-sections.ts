/** What INFO says, section by section. Numbers that redis has and we have not are left out rather than made up. */
import { version } from "../../../base/version.ts";
import type { CommandContext } from "../core/context.ts";
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
    [
      "Replication",
      [
        ["role", "master"],
        ["connected_slaves", 0],
        ["master_repl_offset", 0],
      ],
    ],
    ["CPU", []],
    [
      "Errorstats",
      [...context.server.errorCounts].map(([code, count]) => [`errorstat_${code}`, `count=${count}`]),
    ],
    ["Cluster", [["cluster_enabled", 0]]],
    ["Keyspace", keyspaceFields(context)],
  ];
}

function serverFields({ server, broker, clientOrNull }: CommandContext): Field[] {
  const uptime = Math.max(Math.floor((broker.clock.now() - server.startedAt) / 1000), 0);
  return [
    ["redis_version", redisVersion],
    ["troikamq_version", version],
    ["redis_git_sha1", "00000000"],
    ["redis_git_dirty", 0],
    ["redis_mode", "standalone"],
    ["arch_bits", 64],
    ...(clientOrNull === null ? [] : [["tcp_port", clientOrNull.connection.local.port] as Field]),
    ["server_time_usec", broker.clock.now() * 1000],
    ["uptime_in_seconds", uptime],
    ["uptime_in_days", Math.floor(uptime / 86_400)],
    ["config_file", ""],
  ];
}

function clientFields({ server }: CommandContext): Field[] {
  const { blocking } = server;
  return [
    ["connected_clients", server.sessions.size],
    ["cluster_connections", 0],
    ["maxclients", server.settings.values.get("maxclients")!],
    ["blocked_clients", blocking.clientCount],
    ["tracking_clients", 0],
    ["clients_in_timeout_table", blocking.timeoutCount],
    ["total_blocking_keys", blocking.keyCount],
  ];
}

function persistenceFields({ broker }: CommandContext): Field[] {
  const isKept = broker.options.disk !== null;
  return [
    ["loading", 0],
    ["async_loading", 0],
    ["rdb_changes_since_last_save", 0],
    ["rdb_bgsave_in_progress", 0],
    ["rdb_last_bgsave_status", "ok"],
    ["aof_enabled", isKept ? 1 : 0],
    ["aof_rewrite_in_progress", 0],
    ["aof_last_write_status", broker.storage.failure === null ? "ok" : "err"],
  ];
}

function statFields({ server }: CommandContext): Field[] {
  return [
    ["total_connections_received", server.connectionsAccepted],
    ["total_commands_processed", server.commandsProcessed],
    ["rejected_connections", 0],
    ["expired_keys", server.expiredKeys],
    ["evicted_keys", server.keyspace.eviction.evicted],
    ["evicted_clients", server.clientEviction.evicted],
    ["keyspace_hits", server.lookups.hits],
    ["keyspace_misses", server.lookups.misses],
    ["pubsub_channels", server.live.channels.size],
    ["pubsub_patterns", server.live.patterns.size],
    ["pubsubshard_channels", server.shardLive.channels.size],
  ];
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
