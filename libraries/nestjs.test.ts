/** A NestJS microservice over RabbitMQ's transport: requests, events, acknowledgements, prefetch, wildcards, a closed connection. */
import "reflect-metadata";
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Controller, Module } from "@nestjs/common";
import { NestFactory } from "@nestjs/core";
import {
  type ClientProxy,
  ClientProxyFactory,
  Ctx,
  EventPattern,
  MessagePattern,
  type MicroserviceOptions,
  Payload,
  type RmqContext,
  type RmqOptions,
  RmqRecordBuilder,
  RpcException,
  Transport,
} from "@nestjs/microservices";
import { firstValueFrom, of, timeout, toArray } from "rxjs";
import { startTestBroker, type TestBroker } from "../test/support/broker.ts";
import { until } from "../test/support/wait.ts";
import { closeConnections, countsOf } from "./operator.ts";

let broker: TestBroker;
before(async () => {
  broker = await startTestBroker();
});
after(() => broker.stop());

type Handler = (data: never, context: RmqContext) => unknown;

interface Handlers {
  readonly messages?: Readonly<Record<string, Handler>>;
  readonly events?: Readonly<Record<string, Handler>>;
}

/** A module with one controller. Its decorators are called, since Node runs TypeScript without them. */
function moduleOf({ messages = {}, events = {} }: Handlers): object {
  class Handling {}
  const prototype = Handling.prototype as Record<string, Handler>;
  const add = (pattern: string, handler: Handler, decorate: typeof MessagePattern): void => {
    prototype[pattern] = handler;
    decorate(pattern)(prototype, pattern, Object.getOwnPropertyDescriptor(prototype, pattern)!);
    Payload()(prototype, pattern, 0);
    Ctx()(prototype, pattern, 1);
  };
  for (const [pattern, handler] of Object.entries(messages)) add(pattern, handler, MessagePattern);
  for (const [pattern, handler] of Object.entries(events)) add(pattern, handler, EventPattern);
  Controller()(Handling);
  class Root {}
  Module({ controllers: [Handling] })(Root);
  return Root;
}

type Options = NonNullable<RmqOptions["options"]>;

function rmqOptions(name: string, options: Options): RmqOptions {
  const socketOptions = {
    reconnectTimeInSeconds: 0.05,
    connectionOptions: { clientProperties: { connection_name: name } },
  };
  return { transport: Transport.RMQ, options: { urls: [broker.amqpUrl], socketOptions, ...options } };
}

async function serve(handlers: Handlers, options: Options): Promise<{ close(): Promise<void> }> {
  const service = await NestFactory.createMicroservice<MicroserviceOptions>(moduleOf(handlers), {
    ...rmqOptions("nest-service", options),
    logger: false,
  });
  await service.listen();
  return service;
}

function clientOf(options: Options): ClientProxy {
  return ClientProxyFactory.create(rmqOptions("nest-client", options));
}

const ask = (client: ClientProxy, pattern: string, data: unknown, msMax = 60_000): Promise<unknown> =>
  firstValueFrom(client.send(pattern, data).pipe(timeout(msMax)));

function acknowledge(context: RmqContext): void {
  context.getChannelRef().ack(context.getMessage());
}

test("NestJS: requests with acknowledgement, streams of answers, errors, over a closed connection", async () => {
  const options = { queue: "nest-rpc", queueOptions: { durable: true }, persistent: true };
  const messages = {
    sum: (numbers: readonly number[], context: RmqContext) => {
      acknowledge(context);
      return numbers.reduce((all, each) => all + each, 0);
    },
    several: (_data: unknown, context: RmqContext) => {
      acknowledge(context);
      return of(1, 2, 3);
    },
    wrong: (_data: unknown, context: RmqContext) => {
      acknowledge(context);
      throw new RpcException("not so");
    },
    priority: (_data: unknown, context: RmqContext) => {
      acknowledge(context);
      const { priority, headers } = context.getMessage()["properties"];
      return { priority, kind: headers.kind };
    },
  };
  const service = await serve({ messages }, { ...options, noAck: false, prefetchCount: 4 });
  const client = clientOf(options);
  assert.equal(await ask(client, "sum", [1, 2, 3]), 6);
  const sums = await Promise.all(Array.from({ length: 50 }, (_, n) => ask(client, "sum", [n, n])));
  assert.deepEqual(
    sums,
    Array.from({ length: 50 }, (_, n) => 2 * n),
  );
  assert.deepEqual(await firstValueFrom(client.send("several", 0).pipe(toArray())), [1, 2, 3]);
  await assert.rejects(ask(client, "wrong", 0), (error: { message?: string }) => error.message === "not so");
  const record = new RmqRecordBuilder({}).setOptions({ priority: 3, headers: { kind: "k" } }).build();
  assert.deepEqual(await ask(client, "priority", record), { priority: 3, kind: "k" });

  await closeConnections(broker, "nest-service");
  assert.equal(await ask(client, "sum", [4, 5]), 9);
  await closeConnections(broker, "nest-client");
  // What is sent while it does not know yet that its connection is gone is lost to it, as with RabbitMQ.
  await until(async () => (await ask(client, "sum", [5, 6], 2000).catch(() => 0)) === 11, "an answer");
  assert.deepEqual(await countsOf(broker, "nest-rpc"), [0, 0]);
  await client.close();
  await service.close();
});

test("NestJS: events wait for a service, a rejected one goes to the dead letters, prefetch bounds what is held", async () => {
  const queueOptions = {
    durable: true,
    arguments: { "x-dead-letter-exchange": "", "x-dead-letter-routing-key": "nest-dead" },
  };
  const options = { queue: "nest-events", queueOptions, persistent: true };
  const given: number[] = [];
  const dead = await serve(
    { events: { counted: (n: number) => void given.push(n) } },
    { queue: "nest-dead" },
  );
  const client = clientOf(options);
  for (let n = 0; n < 6; n++) await firstValueFrom(client.emit("counted", n));
  assert.deepEqual(await countsOf(broker, "nest-events"), [6, 0]);
  const held: [number, RmqContext][] = [];
  const events = {
    counted: (n: number, context: RmqContext) => {
      held.push([n, context]);
    },
  };
  const service = await serve({ events }, { ...options, noAck: false, prefetchCount: 2 });
  await until(async () => String(await countsOf(broker, "nest-events")) === "4,2", "two to be held");
  const seen: number[] = [];
  while (seen.length < 6) {
    await until(() => held.length > 0, "the next event");
    const [n, context] = held.shift()!;
    seen.push(n);
    if (n === 5) context.getChannelRef().nack(context.getMessage(), false, false);
    else acknowledge(context);
  }
  assert.deepEqual(seen, [0, 1, 2, 3, 4, 5]);
  await until(() => given.length > 0, "the dead letter");
  assert.deepEqual(given, [5]);
  await client.close();
  await service.close();
  await dead.close();
});

test("NestJS: wildcards by a topic exchange", async () => {
  const seen: string[] = [];
  const events = {
    "orders.*": (data: string) => void seen.push(`one ${data}`),
    "users.#": (data: string) => void seen.push(`all ${data}`),
  };
  const options = { queue: "nest-topics", wildcards: true, exchange: "nest-topics" };
  const service = await serve({ events }, { ...options, noAck: true });
  const client = clientOf(options);
  await firstValueFrom(client.emit("orders.new", "a"));
  await firstValueFrom(client.emit("orders.new.late", "nobody"));
  await firstValueFrom(client.emit("users.a.b", "c"));
  await until(() => seen.length === 2, "two events");
  assert.deepEqual(seen, ["one a", "all c"]);
  await client.close();
  await service.close();
});
