/** Settings that act here as they do in redis, and values for them: right ones and wrong ones. */
const numbers = [
  "0",
  "1",
  "2",
  "5",
  "64",
  "128",
  "1000",
  "-1",
  "abc",
  "1.5",
  "99999999999999999999",
  "1k",
  "1mb",
  "",
];

const special: Readonly<Record<string, readonly string[]>> = {
  "maxmemory-policy": ["noeviction", "allkeys-lru", "volatile-ttl", "ALLKEYS-LFU", "nosuch", ""],
  maxmemory: ["0", "100mb", "1gb", "abc", "-1"],
  "maxmemory-samples": ["1", "5", "10", "0", "abc"],
  "maxmemory-eviction-tenacity": ["0", "10", "100", "101", "-1"],
  "notify-keyspace-events": [
    "",
    "KEA",
    "KEg$lshzxetmn",
    "Kg$",
    "Elszh",
    "Kxtn",
    "AKE",
    "Q",
    "K$lshzxetdg",
    "m",
  ],
  "latency-tracking": ["yes", "no", "maybe"],
  timeout: ["0", "-1", "abc"],
  "tracking-table-max-keys": ["0", "1000000", "-1", "abc"],
  "lua-time-limit": ["5000", "0", "-1", "abc"],
};

export const settingNames: readonly string[] = [
  "hash-max-listpack-entries",
  "hash-max-ziplist-entries",
  "hash-max-listpack-value",
  "set-max-intset-entries",
  "zset-max-listpack-entries",
  "zset-max-ziplist-value",
  "zset-max-listpack-value",
  "stream-node-max-entries",
  "hll-sparse-max-bytes",
  "slowlog-max-len",
  "acllog-max-len",
  "latency-monitor-threshold",
  "lfu-log-factor",
  "lfu-decay-time",
  ...Object.keys(special),
];

export function settingValues(name: string): readonly string[] {
  return special[name] ?? numbers;
}
