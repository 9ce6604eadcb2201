/**
 * Figures of memory, as MEMORY and INFO tell them.
 *
 *     used      what `maxmemory` bounds (keyspace/eviction/eviction.ts): keys, values, key tables
 *     dataset   of that, keys and values themselves; the rest is overhead: headers, rounding, tables, deleted elements not yet given back
 *     active    chunks that the blocks in use lie in
 *     resident  the process, with everything: streams, connections, scripts, the runtime
 *
 * Streams are on disk, and are not in `used`. Not here: the words of the replies. Invariant: nothing is estimated.
 */
import { thisMachine } from "../../../base/machine.ts";
import type { Database } from "../../../keyspace/database.ts";
import { scriptsOf } from "../script/run/engine.ts";
import type { RedisServer } from "../server.ts";

export interface MemoryFigures {
  readonly used: number;
  readonly peak: number;
  readonly dataset: number;
  readonly overhead: number;
  readonly active: number;
  readonly resident: number;
  readonly systemTotal: number;
  readonly keys: number;
  /** Of all connections, of every protocol. */
  readonly connections: number;
  /** Changes that wait for the end of the tick. */
  readonly changes: number;
  readonly luaMachine: number;
  readonly luaValues: number;
  readonly scripts: number;
  readonly scriptCount: number;
  readonly functions: number;
}

export function memoryFigures(server: RedisServer): MemoryFigures {
  const { keyspace, broker } = server;
  let active = keyspace.arena.bytes + keyspace.scratch.table.arenaBytes + keyspace.aside.table.arenaBytes;
  let dataset = 0;
  let keys = 0;
  for (const { content } of keyspace.databases) {
    active += content.table.arenaBytes;
    dataset += datasetOf(content);
    keys += content.table.count;
  }
  const used = keyspace.memory.bytes;
  const engine = scriptsOf(server);
  return {
    used,
    peak: Math.max(keyspace.memoryPeak, used),
    dataset,
    overhead: used - dataset,
    active,
    resident: process.memoryUsage.rss(),
    systemTotal: thisMachine().memoryBytesTotal,
    keys,
    connections: broker.inFlight.total,
    changes: keyspace.changes.length,
    luaMachine: engine.memoryBytes,
    luaValues: engine.heldBytes,
    scripts: engine.cache.bytes,
    scriptCount: engine.cache.size,
    functions: engine.libraries.bytes,
  };
}

function datasetOf({ table, values }: Database["content"]): number {
  return table.dataBytes + values.usage.bytes;
}

/** Memory of a database's table beside keys and values. */
export function tableOverhead({ table }: Database): number {
  return table.liveBytes - table.dataBytes;
}

/** A share; 0 of nothing. */
export function ratio(part: number, whole: number): number {
  return whole === 0 ? 0 : part / whole;
}
