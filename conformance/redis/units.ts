/**
 * The units of Redis's suite that have tests for an external server, and how many of these the real redis-server 7.0.15
 * passes, with Debian's patches, which bring tests of their own. `npm run conformance:redis -- --peer` measures it again.
 */
export const unitsAndCounts: Readonly<Record<string, number>> = {
  "unit/pubsub": 29,
  "unit/protocol": 19,
  "unit/keyspace": 53,
  "unit/scan": 17,
  "unit/type/string": 72,
  "unit/type/incr": 23,
  "unit/type/list": 220,
  "unit/type/list-3": 9,
  "unit/type/set": 94,
  "unit/type/zset": 270,
  "unit/type/hash": 72,
  "unit/type/stream": 63,
  "unit/type/stream-cgroups": 48,
  "unit/sort": 48,
  "unit/expire": 56,
  "unit/multi": 35,
  "unit/scripting": 193,
  "unit/functions": 87,
  "unit/tracking": 51,
  "unit/introspection": 27,
  "unit/introspection-2": 37,
  "unit/other": 12,
  "unit/pause": 14,
  "unit/slowlog": 9,
  "unit/bitops": 45,
  "unit/bitfield": 16,
  "unit/geo": 59,
  "unit/hyperloglog": 18,
  "unit/dump": 9,
  "unit/quit": 3,
  "unit/info-command": 3,
  "unit/lazyfree": 2,
  "unit/violations": 1,
};

/**
 * Units that start servers of their own, each with its configuration, and the same counts. Many of their tests are about
 * Redis's files, processes and replicas, so these are measured without a bar.
 */
export const spawningUnits: Readonly<Record<string, number>> = {
  "unit/auth": 11,
  "unit/acl": 90,
  "unit/acl-v2": 34,
  "unit/pubsubshard": 11,
  "unit/info": 16,
  "unit/limits": 1,
  "unit/obuf-limits": 9,
};
