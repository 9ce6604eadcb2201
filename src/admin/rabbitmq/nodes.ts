/** The node, of which there is one: /api/nodes. Numbers of the process are read when they are asked for. */
import { cpus } from "node:os";
import { version } from "../../base/version.ts";
import { json, Refusal } from "../answers.ts";
import { type Asked, endpoint, type Endpoint } from "../api/endpoint.ts";
import { listQuery, shown } from "../api/list.ts";
import type { Broker } from "../../broker/broker.ts";
import { counted } from "../../broker/rates.ts";
import type { Surroundings } from "../api/surroundings.ts";
import { churnOf, contextsOf, exchangeTypesShown, renewTotals } from "./shown/node-facts.ts";
import { spansOf, Stats, statsQuery } from "./shown/stats.ts";

type AskedAny = Asked<never>;

type Counters = Readonly<Record<string, () => number>>;

/** Of each broker, the counters whose rates are sampled. */
const known = new WeakMap<Broker, Counters>();

/** What the node counts, each with its rate. */
export function nodeCounters({ broker, around }: Pick<AskedAny, "broker" | "around">): Counters {
  const present = known.get(broker);
  if (present !== undefined) return present;
  const made = countersOf(broker, around);
  known.set(broker, made);
  broker.rates.add(counted<Counters>(made, () => [made]));
  return made;
}

function countersOf(broker: Broker, around: Surroundings): Counters {
  const { storage, connections } = broker;
  const churn = (name: string) => () => churnOf(broker, around)[name]!;
  return {
    mem_used: () => process.memoryUsage.rss(),
    fd_used: () => connections.count,
    sockets_used: () => connections.count,
    proc_used: () => 1,
    disk_free: () => {
      const free = storage.room?.freeBytes ?? 0;
      return Number.isFinite(free) ? free : 0;
    },
    gc_num: () => 0,
    gc_bytes_reclaimed: () => 0,
    context_switches: () => {
      const { voluntaryContextSwitches, involuntaryContextSwitches } = process.resourceUsage();
      return voluntaryContextSwitches + involuntaryContextSwitches;
    },
    io_read_count: () => process.resourceUsage().fsRead,
    io_read_bytes: () => process.resourceUsage().fsRead * 512,
    io_read_avg_time: () => 0,
    io_write_count: () => storage.journal?.writes ?? 0,
    io_write_bytes: () => storage.written,
    io_write_avg_time: () => 0,
    io_sync_count: () => storage.journal?.syncs ?? 0,
    io_sync_avg_time: () => 0,
    io_seek_count: () => 0,
    io_seek_avg_time: () => 0,
    io_reopen_count: () => 0,
    mnesia_ram_tx_count: () => 0,
    mnesia_disk_tx_count: () => 0,
    msg_store_read_count: () => 0,
    msg_store_write_count: () => 0,
    queue_index_write_count: () => 0,
    queue_index_read_count: () => 0,
    connection_created: churn("connection_created"),
    connection_closed: churn("connection_closed"),
    channel_created: churn("channel_created"),
    channel_closed: churn("channel_closed"),
    queue_declared: churn("queue_declared"),
    queue_created: churn("queue_created"),
    queue_deleted: churn("queue_deleted"),
  };
}

function nodeOf(asked: AskedAny): object {
  const { broker, around } = asked;
  const { storage, flow } = broker;
  const { failure } = storage.gate;
  const made: Record<string, unknown> = {
    partitions: [],
    os_pid: String(process.pid),
    fd_total: around.connectionsMax,
    sockets_total: around.connectionsMax,
    mem_limit: around.memoryBytesMax,
    mem_alarm: flow.isBlocked && failure === null,
    disk_free_limit: storage.room?.freeBytesMin ?? 0,
    disk_free_alarm: failure !== null,
    proc_total: 1,
    rates_mode: "basic",
    uptime: Math.round(around.uptimeMs()),
    run_queue: broker.work.waitingCount,
    processors: cpus().length,
    exchange_types: exchangeTypesShown(),
    auth_mechanisms: ["PLAIN", "AMQPLAIN"].map((name) => ({
      name,
      description: `SASL ${name} authentication mechanism`,
      enabled: true,
    })),
    applications: [{ name: "troikamq", description: "TroikaMQ", version }],
    contexts: contextsOf(asked),
    log_files: ["<stderr>"],
    db_dir: around.dataDir,
    config_files: [],
    net_ticktime: 60,
    enabled_plugins: ["rabbitmq_management"],
    mem_calculation_strategy: "rss",
    ra_open_file_metrics: { ra_log_wal: 0, ra_log_segment_writer: 0 },
    name: around.nodeName,
    type: storage.journal === null ? "ram" : "disc",
    running: true,
    // Of later versions, whose tools ask for it.
    being_drained: false,
  };
  const counters = nodeCounters(asked);
  const stats = new Stats(broker, spansOf(asked.query), counters, counters, made);
  for (const name of Object.keys(counters)) stats.add("node_stats", name);
  return {
    ...made,
    cluster_links: [],
    metrics_gc_queue_length: {
      connection_closed: 0,
      channel_closed: 0,
      consumer_deleted: 0,
      exchange_deleted: 0,
      queue_deleted: 0,
      vhost_deleted: 0,
      node_node_deleted: 0,
      channel_consumer_deleted: 0,
    },
  };
}

function memoryOf(): Record<string, number> {
  const { rss, heapUsed, heapTotal, external, arrayBuffers } = process.memoryUsage();
  return {
    connection_readers: 0,
    connection_writers: 0,
    connection_channels: 0,
    connection_other: 0,
    queue_procs: 0,
    queue_slave_procs: 0,
    quorum_queue_procs: 0,
    quorum_queue_dlx_procs: 0,
    stream_queue_procs: 0,
    stream_queue_replica_reader_procs: 0,
    stream_queue_coordinator_procs: 0,
    plugins: 0,
    other_proc: heapUsed,
    metrics: 0,
    mgmt_db: 0,
    mnesia: 0,
    quorum_ets: 0,
    other_ets: 0,
    binary: arrayBuffers,
    msg_index: 0,
    code: 0,
    atom: 0,
    // Of later versions.
    metadata_store: 0,
    metadata_store_ets: 0,
    other_system: Math.max(external - arrayBuffers, 0),
    allocated_unused: Math.max(heapTotal - heapUsed, 0),
    reserved_unallocated: Math.max(rss - heapTotal - external, 0),
  };
}

/** @throws Refusal */
function assertNode({ names, around }: AskedAny): void {
  if (names["node"] !== around.nodeName) throw Refusal.notFound();
}

const query = { columns: listQuery.columns, ...statsQuery };

export const nodeEndpoints: readonly Endpoint[] = [
  endpoint({
    method: "GET",
    path: "/api/nodes",
    audience: "monitoring",
    summary: "The nodes: this one.",
    query,
    run: async (asked) => {
      await renewTotals(asked.broker);
      const node = nodeOf(asked as AskedAny) as Record<string, unknown>;
      return json(200, [shownNode(node, asked.query)]);
    },
  }),
  endpoint({
    method: "GET",
    path: "/api/nodes/{node}",
    audience: "monitoring",
    summary: "This node.",
    query,
    run: async (asked) => {
      assertNode(asked as AskedAny);
      await renewTotals(asked.broker);
      return json(200, shownNode(nodeOf(asked as AskedAny) as Record<string, unknown>, asked.query));
    },
  }),
  endpoint({
    method: "GET",
    path: "/api/nodes/{node}/memory",
    audience: "monitoring",
    summary: "What the node's memory is used for, in bytes.",
    run: (asked) => {
      assertNode(asked as AskedAny);
      const { rss, heapTotal, external } = process.memoryUsage();
      const total = { erlang: heapTotal + external, rss, allocated: heapTotal + external };
      return json(200, { memory: { ...memoryOf(), strategy: "rss", total } });
    },
  }),
  endpoint({
    method: "GET",
    path: "/api/nodes/{node}/memory/relative",
    audience: "monitoring",
    summary: "The same in percent.",
    run: (asked) => {
      assertNode(asked as AskedAny);
      const parts = memoryOf();
      const sum = Object.values(parts).reduce((total, part) => total + part, 0);
      const percents = Object.entries(parts).map(([name, part]) => [name, Math.ceil((part * 100) / sum)]);
      return json(200, { memory: { total: 100, ...Object.fromEntries(percents) } });
    },
  }),
];

function shownNode(node: Readonly<Record<string, unknown>>, given: URLSearchParams): object {
  const fields = Object.fromEntries(Object.entries(node).map(([name, value]) => [name, () => value]));
  return shown(null, fields, given);
}
