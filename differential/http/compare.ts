/**
 * Compares the answers of two servers key by key: keys that one has and the other has not, types, and values where they are not
 * chance.
 *
 * What a server names by itself (its node, connections, times, sizes) is compared by type. Not here: what is asked (scenario.ts).
 */

/** Keys whose values are the server's own, by the end of their path. */
const chance: readonly RegExp[] = [
  /(^|\.)(node|name_of_node|cluster_name|leader|host|peer_host|port|peer_port|pid|connected_at|timestamp|state_since|uptime)$/,
  /(^|\.)(recv_oct|send_oct|recv_cnt|send_cnt|send_pend|reductions|memory|run_queue|idle_since)$/,
  /(^|\.)(erlang_version|erlang_full_version|rabbitmq_version|management_version|product_version|product_name|config_files|log_files|db_dir|enabled_plugins|applications|auth_mechanisms|exchange_types|contexts|listeners|net_ticktime|os_pid|rates_mode)(\.|$)/,
  /(^|\.)(rate|avg|avg_rate)$/,
  /_details\.samples|garbage_collection|backing_queue_status|metrics_gc_queue_length|cluster_links|ra_open_file_metrics/,
  /(^|\.)(message_bytes\w*|messages_ram|message_bytes_ram|io_\w+|queue_index_\w+|msg_store_\w+|mnesia_\w+|fd_\w+|mem_\w+|disk_\w+|sockets_\w+|proc_\w+|context_switches|gc_\w+|processors|churn_rates\.\w+)$/,
  /^(fd_total|fd_used|total|connection_readers)$/,
];

export interface Difference {
  readonly path: string;
  readonly expected: unknown;
  readonly actual: unknown;
}

function typeOf(value: unknown): string {
  if (value === null) return "null";
  return Array.isArray(value) ? "array" : typeof value;
}

/** Lists are compared in their order where items have no name of their own, else by name. */
export function differences(expected: unknown, actual: unknown, path = ""): Difference[] {
  const found: Difference[] = [];
  const type = typeOf(expected);
  const isChance = chance.some((pattern) => pattern.test(path));
  if (type !== typeOf(actual)) return [{ path, expected, actual }];
  if (type === "array") {
    if (isChance) return [];
    const [ones, others] = [expected as unknown[], actual as unknown[]];
    if (ones.length !== others.length)
      found.push({ path: `${path}.length`, expected: ones.length, actual: others.length });
    for (let at = 0; at < Math.min(ones.length, others.length); at++)
      found.push(...differences(ones[at], others[at], `${path}[${at}]`));
    return found;
  }
  if (type === "object") {
    const [one, other] = [expected as Record<string, unknown>, actual as Record<string, unknown>];
    for (const key of new Set([...Object.keys(one), ...Object.keys(other)])) {
      const at = path === "" ? key : `${path}.${key}`;
      if (!Object.hasOwn(other, key)) found.push({ path: at, expected: one[key], actual: undefined });
      else if (!Object.hasOwn(one, key)) found.push({ path: at, expected: undefined, actual: other[key] });
      else found.push(...differences(one[key], other[key], at));
    }
    return found;
  }
  return isChance || expected === actual ? [] : [{ path, expected, actual }];
}
