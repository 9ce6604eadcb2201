/** The section Memory of INFO. */
import type { CommandContext } from "../core/context.ts";
import { memoryFigures, ratio } from "./memory-figures.ts";

type Field = [name: string, value: string | number];

export function memoryFields({ server }: CommandContext): Field[] {
  const figures = memoryFigures(server);
  const { used, peak, dataset, overhead, active, resident, systemTotal } = figures;
  const { eviction, graves } = server.keyspace;
  return [
    ...both("used_memory", used),
    ...both("used_memory_rss", resident),
    ...both("used_memory_peak", peak),
    ["used_memory_peak_perc", percent(used, peak)],
    ["used_memory_overhead", overhead],
    ["used_memory_startup", 0],
    ["used_memory_dataset", dataset],
    ["used_memory_dataset_perc", percent(dataset, used)],
    ["allocator_allocated", used],
    ["allocator_active", active],
    ["allocator_resident", active],
    ...both("total_system_memory", systemTotal),
    ...both("used_memory_lua", figures.luaValues),
    ["used_memory_vm_eval", figures.luaValues],
    ...both("used_memory_vm_total", figures.luaMachine),
    ["used_memory_scripts_eval", figures.scripts],
    ["number_of_cached_scripts", figures.scriptCount],
    ["used_memory_functions", figures.functions],
    ...both("used_memory_scripts", figures.scripts + figures.functions),
    ...both("maxmemory", eviction.bytesMax),
    ["maxmemory_policy", eviction.policy],
    ["allocator_frag_ratio", ratio(active, used).toFixed(2)],
    ["allocator_frag_bytes", active - used],
    ["allocator_rss_ratio", "1.00"],
    ["allocator_rss_bytes", 0],
    ["rss_overhead_ratio", ratio(resident, active).toFixed(2)],
    ["rss_overhead_bytes", resident - active],
    ["mem_fragmentation_ratio", ratio(resident, used).toFixed(2)],
    ["mem_fragmentation_bytes", resident - used],
    ["mem_not_counted_for_evict", 0],
    ["mem_clients_normal", figures.connections],
    ["mem_aof_buffer", figures.changes],
    ["mem_allocator", "arena"],
    ["lazyfree_pending_objects", graves.count],
  ];
}

function both(name: string, bytes: number): Field[] {
  return [
    [name, bytes],
    [`${name}_human`, human(bytes)],
  ];
}

const units = ["B", "K", "M", "G", "T"];

/** As redis shows bytes. */
function human(bytes: number): string {
  let size = bytes;
  let unit = 0;
  for (; size >= 1024 && unit < units.length - 1; unit++) size /= 1024;
  return unit === 0 ? `${size}B` : `${size.toFixed(2)}${units[unit]!}`;
}

function percent(part: number, whole: number): string {
  return `${(ratio(part, whole) * 100).toFixed(2)}%`;
}
