/**
 * Sends the events of traces as spans to a collector by OTLP over HTTP (JSON), with OpenTelemetry's own exporter.
 *
 * Loaded only where an endpoint is configured. A collector that is slow or away costs a bounded amount of memory and no time: at most
 * `waitingMax` events wait, one batch is under way, and what comes beyond that is dropped and counted.
 * Not here: what a span says (spans.ts). Standard variables such as OTEL_EXPORTER_OTLP_HEADERS count as that exporter reads them.
 */
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-http";
import { resourceFromAttributes } from "@opentelemetry/resources";
import type { Timer, Timers } from "../../base/clock.ts";
import type { Logger } from "../../base/logger.ts";
import type { Random } from "../../base/random.ts";
import { version } from "../../base/version.ts";
import type { TraceEvent } from "../../base/trace/trace-event.ts";
import type { TraceExporter } from "../../broker/trace/tracer.ts";
import { type SpanSource, spanOf } from "./spans.ts";

const waitingMax = 4096;
const batchMax = 256;
const delayMs = 1000;
/** A stop waits so long for the last ones; what happens after that is not sent. */
const stopMsMax = 1000;
const path = "/v1/traces";

export interface OtlpOptions {
  /** Such as `http://127.0.0.1:4318`. */
  readonly endpoint: string;
  readonly nodeName: string;
  readonly timers: Timers;
  readonly random: Random;
  readonly logger: Logger;
}

export class OtlpExport implements TraceExporter {
  readonly #options: OtlpOptions;
  readonly #exporter: OTLPTraceExporter;
  readonly #source: SpanSource;
  #waiting: TraceEvent[] = [];
  #isSending = false;
  #timer: Timer | null = null;
  #hasFailed = false;
  #onIdle: (() => void) | null = null;
  /** Spans, since the start. */
  sent = 0;
  dropped = 0;

  constructor(options: OtlpOptions) {
    this.#options = options;
    const { endpoint, nodeName, random } = options;
    const url = endpoint.endsWith(path) ? endpoint : `${endpoint.replace(/\/+$/, "")}${path}`;
    this.#exporter = new OTLPTraceExporter({ url, concurrencyLimit: 1 });
    this.#source = {
      resource: resourceFromAttributes({
        "service.name": "troikamq",
        "service.version": version,
        "service.instance.id": nodeName,
      }),
      version,
      newSpanId: () => Buffer.from(random.bytes(8)).toString("hex"),
    };
  }

  /** For the tracer. */
  take(event: TraceEvent): void {
    if (this.#waiting.length >= waitingMax) {
      this.dropped++;
      return;
    }
    this.#waiting.push(event);
    this.#timer ??= this.#options.timers.after(delayMs, () => this.#send());
  }

  #send(): void {
    this.#timer?.cancel();
    this.#timer = null;
    if (this.#isSending) return;
    const events = this.#waiting.splice(0, batchMax);
    if (events.length === 0) {
      this.#onIdle?.();
      return;
    }
    this.#isSending = true;
    const spans = events.map((event) => spanOf(event, this.#source));
    this.#exporter.export(spans, ({ error = null }) => this.#sent(spans.length, error));
  }

  #sent(count: number, error: Error | null): void {
    this.#isSending = false;
    if (error === null) {
      this.sent += count;
      this.#hasFailed = false;
    } else {
      this.dropped += count;
      if (!this.#hasFailed)
        this.#options.logger.warn(
          "traces cannot be sent to the OTLP endpoint; they are dropped until they can",
          {
            endpoint: this.#options.endpoint,
            error,
          },
        );
      this.#hasFailed = true;
    }
    // A full batch waits: it goes in a turn of its own.
    if (this.#waiting.length > 0 || this.#onIdle !== null)
      this.#timer ??= this.#options.timers.after(this.#waiting.length >= batchMax ? 1 : this.#delayNow, () =>
        this.#send(),
      );
  }

  get #delayNow(): number {
    return this.#onIdle === null ? delayMs : 1;
  }

  /** Sends what waits, if that does not take long. */
  async close(): Promise<void> {
    if (this.#waiting.length === 0 && !this.#isSending) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#onIdle = resolve;
    const bound = this.#options.timers.after(stopMsMax, resolve);
    this.#send();
    await promise;
    bound.cancel();
    this.#timer?.cancel();
    // It waits for what is under way, which may take its timeout.
    void this.#exporter.shutdown();
  }
}
