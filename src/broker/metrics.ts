/** The broker's metrics for `/metrics`. They are read when somebody asks; nothing is counted only for them. */
import type { MetricsRegistry } from "../base/metrics.ts";
import type { Job } from "../base/turn-work.ts";
import type { Broker } from "./broker.ts";

const queuesOfPiece = 32;
const unitsOfQueue = 1;

/** The numbers of one listener. */
export interface ListenerNumbers {
  readonly protocol: { readonly name: string };
  readonly connections: { readonly size: number };
  readonly accepted: number;
  /** By reason. */
  readonly refused: Readonly<Record<string, number>>;
}

/** The totals of all queues, added up in slices, since there may be a hundred thousand queues. */
class QueueSums {
  queues = 0;
  ready = 0;
  held = 0;
  waiting = 0;
  logBytes = 0;
  readonly #broker: Broker;
  /** A request that comes while they are being added up gets the same result. */
  #renewal: Promise<void> | null = null;

  constructor(broker: Broker) {
    this.#broker = broker;
  }

  renew(): Promise<void> {
    if (this.#renewal !== null) return this.#renewal;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#renewal = promise;
    this.#broker.work.run(this.#adding(), (outcome) => {
      this.#renewal = null;
      if ("error" in outcome)
        reject(new Error("the metrics of the queues could not be computed", { cause: outcome.error }));
      else resolve();
    });
    return promise;
  }

  *#adding(): Job<void> {
    let [queues, ready, held, waiting, logBytes] = [0, 0, 0, 0, 0];
    for (const vhost of this.#broker.vhosts.values()) {
      for (const queue of vhost.queues.values()) {
        queues++;
        ready += queue.readyCount;
        held += queue.unacknowledgedCount;
        waiting += queue.waitingCount;
        logBytes += queue.log.bytes;
        if (queues % queuesOfPiece === 0) yield queuesOfPiece * unitsOfQueue;
      }
    }
    Object.assign(this, { queues, ready, held, waiting, logBytes });
  }
}

export function registerBrokerMetrics(
  registry: MetricsRegistry,
  broker: Broker,
  listeners: readonly ListenerNumbers[],
): void {
  const gauge = (name: string, help: string, read: () => number): void =>
    registry.read({ name, help, kind: "gauge" }, (emit) => emit(read()));
  const counter = (name: string, help: string, read: () => number): void =>
    registry.read({ name, help, kind: "counter" }, (emit) => emit(read()));

  registry.read({ name: "troikamq_connections", help: "Open connections.", kind: "gauge" }, (emit) => {
    for (const { protocol, connections } of listeners) emit(connections.size, { protocol: protocol.name });
  });
  registry.read(
    { name: "troikamq_connections_accepted_total", help: "Connections accepted.", kind: "counter" },
    (emit) => {
      for (const { protocol, accepted } of listeners) emit(accepted, { protocol: protocol.name });
    },
  );
  registry.read(
    {
      name: "troikamq_connections_refused_total",
      help: "Refused connections, by reason: which limit was reached, or tls for a failed handshake.",
      kind: "counter",
    },
    (emit) => {
      for (const { protocol, refused } of listeners) {
        for (const reason of Object.keys(refused))
          emit(refused[reason]!, { protocol: protocol.name, reason });
      }
    },
  );
  const sums = new QueueSums(broker);
  registry.prepare(() => sums.renew());
  gauge("troikamq_queues", "Queues and streams.", () => sums.queues);
  gauge(
    "troikamq_records_ready",
    "Records of queues that are ready for delivery, and all records of streams.",
    () => sums.ready,
  );
  gauge("troikamq_records_held", "Records delivered and not acknowledged.", () => sums.held);
  gauge(
    "troikamq_records_waiting",
    "Records of queues that were rejected and wait until they come again (docs/retries.md).",
    () => sums.waiting,
  );
  counter(
    "troikamq_messages_deduplicated_total",
    "Copies of messages that their destination had accepted before, and dropped (docs/deduplication.md).",
    () => broker.dedup.copies,
  );
  gauge(
    "troikamq_dedup_ids",
    "Ids of messages that destinations remember, to know copies.",
    () => broker.dedup.ids,
  );
  gauge("troikamq_dedup_bytes", "Memory of the ids that destinations remember.", () => broker.dedup.bytes);
  counter(
    "troikamq_dedup_ids_forgotten_early_total",
    "Ids that were forgotten before their window was over, because there were too many.",
    () => broker.dedup.forgottenEarly,
  );
  gauge("troikamq_log_bytes", "Bytes of stored records.", () => sums.logBytes);
  counter(
    "troikamq_ticks_total",
    "Turns of the event loop that ended with a flush.",
    () => broker.ticker.ticks,
  );
  counter(
    "troikamq_journal_writes_total",
    "Writes to the journal.",
    () => broker.storage.journal?.writes ?? 0,
  );
  counter("troikamq_journal_syncs_total", "Syncs of the journal.", () => broker.storage.journal?.syncs ?? 0);
  counter(
    "troikamq_journal_written_bytes_total",
    "Bytes written to the journal.",
    () => broker.storage.written,
  );
  gauge("troikamq_journal_bytes", "Bytes in journal files.", () => broker.storage.journal?.bytes ?? 0);
  gauge(
    "troikamq_volatile_bytes",
    "Bytes of records kept in memory only.",
    () => broker.storage.volatile.bytes,
  );
  registry.read({ name: "troikamq_logins_total", help: "Logins, by result.", kind: "counter" }, (emit) => {
    const { succeeded, failed } = broker.access.attemptsMade();
    emit(succeeded, { result: "accepted" });
    emit(failed, { result: "refused" });
  });
  gauge("troikamq_disk_free_bytes", "Free space of the data directory's disk.", () => {
    const { room } = broker.storage;
    return room === null || room.freeBytes === Infinity ? NaN : room.freeBytes;
  });
  gauge(
    "troikamq_disk_free_bytes_min",
    "Publishers wait while the disk has less free space.",
    () => broker.storage.room?.freeBytesMin ?? 0,
  );
  gauge(
    "troikamq_disk_reserve_bytes",
    "Bytes of the reserve that is used when the disk is full.",
    () => broker.storage.room?.reserveBytes ?? 0,
  );
  gauge(
    "troikamq_disk_full",
    "1 while publishers wait for disk space, 2 while nothing can be written.",
    () => {
      const { failure, writeFailure } = broker.storage.gate;
      if (writeFailure !== null) return 2;
      return failure === null ? 0 : 1;
    },
  );
  gauge(
    "troikamq_bytes_in_flight",
    "Memory held by connections: incomplete or uncommitted input, and unsent output.",
    () => broker.inFlight.total,
  );
  gauge(
    "troikamq_connections_held_back",
    "Connections that are not read from because bytes in flight are above their bound.",
    () => broker.inFlight.heldBackCount,
  );
  counter(
    "troikamq_connections_out_of_memory_total",
    "Connections ended because they held too much of the bytes in flight.",
    () => broker.inFlight.refused,
  );
  counter(
    "troikamq_turns_continued_total",
    "Turns of the event loop that went on with requests too long for one turn.",
    () => broker.work.turnsContinued,
  );
  const { tracer } = broker;
  counter("troikamq_trace_events_total", "Events of traced messages.", () => tracer.ring.events);
  counter(
    "troikamq_trace_events_dropped_total",
    "Events of traced messages that were not kept, since the disk took nothing.",
    () => tracer.ring.dropped,
  );
  gauge("troikamq_trace_bytes", "Bytes of the events that are kept.", () => tracer.ring.bytes);
  registry.read(
    { name: "troikamq_trace_spans_total", help: "Spans for the OTLP endpoint, by result.", kind: "counter" },
    (emit) => {
      if (tracer.exporter === null) return;
      emit(tracer.exporter.sent, { result: "sent" });
      emit(tracer.exporter.dropped, { result: "dropped" });
    },
  );
  gauge("troikamq_publishers_blocked", "1 while publishers are held back.", () =>
    broker.flow.isBlocked ? 1 : 0,
  );
}
