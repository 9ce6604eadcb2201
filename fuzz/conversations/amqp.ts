/** What an AMQP client may say, from the protocol header on. */
import fc from "fast-check";
import { ByteWriter } from "../../src/base/bytes.ts";
import { writeMethodFrame } from "../../src/protocols/amqp/wire/method-codec.ts";
import {
  methods,
  type MethodArguments,
  type MethodName,
  type MethodShape,
} from "../../src/protocols/amqp/wire/methods.ts";
import {
  frame,
  longText,
  open,
  protocolHeader,
  shortText,
  startOk,
  tuneOk,
  uint,
} from "../../test/support/amqp-frames.ts";
import { anyArguments, anyProperties } from "../../test/unit/amqp/amqp-support.ts";
import { writeProperties } from "../../src/message/amqp/properties.ts";

/** So many frames say who we are. */
export const amqpPreamble = 5;

function said<Name extends MethodName>(
  channel: number,
  name: Name,
  values: Partial<MethodArguments[Name]> = {},
): Buffer {
  const writer = new ByteWriter();
  const fallbacks: Record<string, unknown> = {};
  for (const [argument, type] of Object.entries((methods[name] as MethodShape).arguments)) {
    fallbacks[argument] =
      type === "bit"
        ? false
        : type === "table"
          ? []
          : type === "shortstr"
            ? ""
            : type === "longstr"
              ? Buffer.alloc(0)
              : 0;
  }
  writeMethodFrame(writer, channel, name, { ...fallbacks, ...values } as MethodArguments[Name]);
  return writer.copy();
}

export function handshake(vhost: string, name = "guest"): Buffer {
  return Buffer.concat([
    protocolHeader,
    startOk(name, name, ["basic.nack", "consumer_cancel_notify", "authentication_failure_close"]),
    tuneOk(2047, 131_072, 0),
    open(vhost),
    said(1, "channel.open"),
  ]);
}

export function publish(
  exchange: string,
  routingKey: string,
  body: Buffer,
  properties: Buffer = Buffer.alloc(2),
): Buffer {
  const header = [uint(2, 60), uint(2, 0), uint(8, body.length), properties];
  const half = body.length >> 1;
  return Buffer.concat([
    said(1, "basic.publish", { exchange, routingKey, mandatory: true }),
    frame(2, 1, ...header),
    ...(body.length === 0 ? [] : [frame(3, 1, body.subarray(0, half)), frame(3, 1, body.subarray(half))]),
  ]);
}

export { said };

/** Properties of many kinds that a publish may have, encoded. */
function publishableProperties(count: number): Buffer[] {
  return fc.sample(anyProperties(false), { seed: 8, numRuns: count }).map((properties) => {
    const { userId: _user, expiration: _time, ...rest } = properties;
    const writer = new ByteWriter();
    writeProperties(writer, rest);
    return writer.copy();
  });
}

/** Properties of many kinds, encoded. */
export function sampleProperties(count: number): Buffer[] {
  return fc.sample(anyProperties(false), { seed: 7, numRuns: count }).map((properties) => {
    const writer = new ByteWriter();
    writeProperties(writer, properties);
    return writer.copy();
  });
}

const table = (...pairs: [string, string][]) =>
  pairs.map(([name, value]) => ({ name, field: { type: "S" as const, value } }));

export function amqpConversations(): Buffer[] {
  const hello = handshake("/");
  const body = Buffer.from("a message");
  const some = publishableProperties(20);
  const declared = [
    said(1, "queue.declare", {
      queue: "q",
      arguments: table(["x-dead-letter-exchange", ""], ["x-dead-letter-routing-key", "d"]),
    }),
    said(1, "queue.declare", { queue: "d", durable: true }),
  ];
  const talks: Buffer[][] = [
    [
      ...declared,
      publish("", "q", body),
      said(1, "basic.get", { queue: "q" }),
      said(1, "basic.ack", { deliveryTag: 1 }),
    ],
    [
      ...declared,
      publish("", "q", body, some[0]),
      said(1, "basic.consume", { queue: "q", consumerTag: "c" }),
      publish("", "q", body),
    ],
    [
      ...declared,
      publish("", "q", body),
      said(1, "basic.get", { queue: "q" }),
      said(1, "basic.nack", { deliveryTag: 1, multiple: true }),
    ],
    [
      said(1, "confirm.select"),
      publish("", "q", body, some[1]),
      publish("", "nowhere", body),
      said(1, "basic.qos", { prefetchCount: 1 }),
    ],
    [
      said(1, "tx.select"),
      publish("", "q", body),
      said(1, "tx.commit"),
      publish("", "q", Buffer.alloc(0)),
      said(1, "tx.rollback"),
    ],
    [
      said(1, "exchange.declare", {
        exchange: "x",
        type: "topic",
        arguments: table(["alternate-exchange", "y"]),
      }),
      said(1, "exchange.declare", { exchange: "y", type: "headers" }),
      said(1, "queue.bind", { queue: "q", exchange: "x", routingKey: "a.*.#" }),
      said(1, "exchange.bind", { destination: "y", source: "x", routingKey: "#" }),
      said(1, "queue.bind", { queue: "q", exchange: "y", arguments: table(["x-match", "all"], ["k", "v"]) }),
      publish("x", "a.b.c", body, some[2]),
      said(1, "queue.unbind", { queue: "q", exchange: "x", routingKey: "a.*.#" }),
      said(1, "exchange.unbind", { destination: "y", source: "x", routingKey: "#" }),
      said(1, "exchange.delete", { exchange: "x" }),
    ],
    [
      said(1, "queue.declare", {
        queue: "stream",
        durable: true,
        arguments: table(["x-queue-type", "stream"]),
      }),
      publish("", "stream", body, some[3]),
      said(1, "basic.qos", { prefetchCount: 10 }),
      said(1, "basic.consume", { queue: "stream", arguments: table(["x-stream-offset", "first"]) }),
    ],
    [
      said(1, "queue.declare", {
        queue: "p",
        arguments: [{ name: "x-max-priority", field: { type: "I", value: 5 } }],
      }),
      said(1, "queue.declare", {
        queue: "m",
        arguments: [
          { name: "x-max-length", field: { type: "l", value: 3 } },
          ...table(["x-overflow", "reject-publish"]),
        ],
      }),
      said(1, "queue.declare", {
        queue: "t",
        arguments: [{ name: "x-message-ttl", field: { type: "I", value: 1 } }],
      }),
      publish("", "p", body, Buffer.from([0x08, 0, 3])),
      publish("", "m", body),
      publish("", "t", body),
      said(1, "queue.purge", { queue: "p" }),
      said(1, "queue.delete", { queue: "m" }),
    ],
    [
      said(1, "basic.consume", { queue: "amq.rabbitmq.reply-to", noAck: true }),
      said(1, "queue.declare", { queue: "", exclusive: true }),
      publish(
        "",
        "",
        body,
        Buffer.from("0200\x15amq.rabbitmq.reply-to".replace("0200", "\x02\x00"), "latin1"),
      ),
      said(1, "basic.cancel", { consumerTag: "c" }),
      said(1, "basic.recover", { requeue: true }),
    ],
    [
      said(2, "channel.open"),
      said(2, "channel.flow", { active: false }),
      said(2, "channel.close"),
      said(0, "connection.close"),
    ],
    [frame(8, 0), said(0, "connection.update-secret", { newSecret: Buffer.from("s") }), frame(8, 0)],
    some.map((properties) => publish("", "q", body, properties)),
    [longFrame()],
    some.map((properties) => publish("x", "key", body, properties)),
    some.map((properties) => publish("", "mix", body, properties)),
    [
      publish("", "mix", body),
      publish("", "q", body),
      said(1, "basic.get", { queue: "q" }),
      said(1, "basic.reject", { deliveryTag: 1 }),
    ],
  ];
  // What does something comes as often as what is only there.
  talks.push(...talks, ...talks);
  // Every method with arbitrary arguments, also those that only a server sends.
  for (const name of Object.keys(methods) as MethodName[]) {
    const channel = name.startsWith("connection.") ? 0 : 1;
    const samples = fc.sample(anyArguments(name), { seed: 5, numRuns: 2 });
    talks.push(samples.map((values) => said(channel, name, values as never)));
  }
  return talks.map((frames) => Buffer.concat([hello, ...frames]));
}

/** A table inside a method that is longer than most. */
function longFrame(): Buffer {
  return frame(
    1,
    1,
    uint(2, 50),
    uint(2, 10),
    uint(2, 0),
    shortText("w"),
    Buffer.of(0),
    longText(
      Buffer.concat(
        Array.from({ length: 200 }, (_, i) =>
          Buffer.concat([shortText(`h${i}`), Buffer.from("I"), uint(4, i)]),
        ),
      ),
    ),
  );
}
