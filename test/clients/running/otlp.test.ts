/** Traces as spans at an OTLP receiver, and a receiver that is away, or never answers. */
import assert from "node:assert/strict";
import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { after, suite, test } from "node:test";
import amqplib from "amqplib";
import { startTestBroker, type TestBroker } from "../../support/broker.ts";
import { until } from "../../support/wait.ts";

interface Attribute {
  readonly key: string;
  readonly value: { readonly stringValue?: string; readonly intValue?: number };
}

interface Span {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  readonly kind: number;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly attributes: readonly Attribute[];
  readonly status: { readonly code: number };
}

interface Received {
  readonly resourceSpans: readonly {
    readonly resource: { readonly attributes: readonly Attribute[] };
    readonly scopeSpans: readonly { readonly spans: readonly Span[] }[];
  }[];
}

const closers: (() => Promise<unknown>)[] = [];
after(async () => {
  for (const close of closers.toReversed()) await close();
});

/** A receiver as a collector is one; `answers` false: it takes requests and never answers. */
async function receiver(
  answers: boolean,
): Promise<{ url: string; received: Received[]; requests: () => number }> {
  const received: Received[] = [];
  let requests = 0;
  const server: Server = createServer((request: IncomingMessage, response) => {
    requests++;
    const parts: Buffer[] = [];
    request.on("data", (part: Buffer) => parts.push(part));
    request.on("end", () => {
      assert.equal(request.url, "/v1/traces");
      assert.equal(request.headers["x-tenant"], "t1");
      received.push(JSON.parse(Buffer.concat(parts).toString()) as Received);
      if (answers) response.writeHead(200, { "content-type": "application/json" }).end("{}");
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  closers.push(async () => {
    server.closeAllConnections();
    server.close();
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    received,
    requests: () => requests,
  };
}

async function brokerFor(url: string, env: Readonly<Record<string, string>> = {}): Promise<TestBroker> {
  const broker = await startTestBroker({
    dataDir: "memory",
    args: ["--otlp-endpoint", url],
    env: { OTEL_EXPORTER_OTLP_HEADERS: "x-tenant=t1", ...env },
  });
  closers.push(() => broker.stop());
  return broker;
}

async function publish(broker: TestBroker, count: number, headers: object = {}): Promise<void> {
  const connection = await amqplib.connect(broker.amqpUrl);
  const channel = await connection.createConfirmChannel();
  await channel.assertQueue("q", { arguments: { "x-trace-sample": 1 } });
  for (let i = 0; i < count; i++) channel.sendToQueue("q", Buffer.from("x"), { messageId: `m${i}`, headers });
  await channel.waitForConfirms();
  for (let i = 0; i < Math.min(count, 3); i++) channel.ack((await channel.get("q")) as amqplib.GetMessage);
  await channel.close();
  await connection.close();
}

function valueOf({ attributes }: Span, key: string): string | number | undefined {
  const value = attributes.find((each) => each.key === key)?.value;
  return value?.stringValue ?? value?.intValue;
}

suite("spans", { concurrency: true }, () => {
  test("a message is spans of one trace, below the client's own span", async () => {
    const { url, received } = await receiver(true);
    const broker = await brokerFor(url);
    const traceId = "0af7651916cd43dd8448eb211c80319c";
    await publish(broker, 1, { traceparent: `00-${traceId}-b7ad6b7169203331-01` });
    const spans = await until(() => {
      const all = received.flatMap(({ resourceSpans }) =>
        resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap((each) => each.spans)),
      );
      return all.some(({ name }) => name === "settle q") ? all : undefined;
    });
    assert.deepEqual(
      spans.map(({ name }) => name),
      ["send q", "routed q", "written q", "receive q", "settle q"],
    );
    const [send, , written, receive, settle] = spans as [Span, Span, Span, Span, Span];
    for (const span of spans) {
      assert.equal(span.traceId, traceId);
      assert.equal(span.parentSpanId, span === send ? "b7ad6b7169203331" : send.spanId);
      assert.equal(valueOf(span, "messaging.system"), "troikamq");
      assert.equal(valueOf(span, "messaging.destination.name"), "q");
      assert.ok(BigInt(span.endTimeUnixNano) >= BigInt(span.startTimeUnixNano));
      assert.notEqual(span.status.code, 2);
    }
    assert.equal(new Set(spans.map(({ spanId }) => spanId)).size, spans.length);
    assert.equal(receive.startTimeUnixNano, written.startTimeUnixNano);
    assert.equal(settle.startTimeUnixNano, receive.endTimeUnixNano);
    // OTLP's numbers for producer and consumer.
    assert.deepEqual([send.kind, receive.kind], [4, 5]);
    assert.equal(valueOf(send, "messaging.operation.type"), "send");
    assert.equal(valueOf(send, "messaging.message.id"), "m0");
    assert.equal(valueOf(settle, "messaging.operation.name"), "ack");
    const [service] = received[0]!.resourceSpans[0]!.resource.attributes;
    assert.deepEqual([service!.key, service!.value.stringValue], ["service.name", "troikamq"]);
  });

  test("a receiver that never answers costs nothing but spans, which are counted", async () => {
    const { url, requests } = await receiver(false);
    const broker = await brokerFor(url);
    // Three events each, and 4,096 wait at most.
    await publish(broker, 3000);
    await until(() => requests() > 0);
    const text = await (await fetch(`http://127.0.0.1:${broker.ports.http}/metrics`)).text();
    const dropped = /^troikamq_trace_spans_total\{result="dropped"\} (\d+)$/m.exec(text)?.[1];
    assert.ok(Number(dropped) >= 3000 * 3 - 4096 - 256, `${dropped} dropped`);
    // All of them are in the ring all the same.
    assert.match(text, /^troikamq_trace_events_total 9006$/m);
    assert.equal(requests(), 1);
  });

  test("a receiver that is not there is said once", async () => {
    const broker = await brokerFor("http://127.0.0.1:9", { OTEL_EXPORTER_OTLP_TIMEOUT: "300" });
    await publish(broker, 1);
    await until(() => broker.log.includes("traces cannot be sent to the OTLP endpoint"));
    await publish(broker, 1);
    assert.equal(broker.log.split("traces cannot be sent").length, 2);
  });
});
