/**
 * A Kafka session in this process, without sockets: turns end when the test says so, and what one turn did can be looked
 * at before the next. Not here: real clients (test/clients).
 */
import assert from "node:assert/strict";
import type { Timers } from "../../src/base/clock.ts";
import { ByteWriter } from "../../src/base/bytes.ts";
import { Logger } from "../../src/base/logger.ts";
import { Broker } from "../../src/broker/broker.ts";
import { KafkaServer } from "../../src/protocols/kafka/core/server.ts";
import { KafkaSession } from "../../src/protocols/kafka/core/session.ts";
import {
  type ApiName,
  decodeResponse,
  encodeRequest,
  type RequestInput,
  type ResponseBody,
} from "../../src/protocols/kafka/wire/codec.ts";

export class ManualTimers implements Timers {
  #waiting: (() => void)[] = [];

  after(): { cancel(): void } {
    return { cancel: () => {} };
  }

  atTickEnd(action: () => void): void {
    this.#waiting.push(action);
  }

  endTick(): void {
    for (const action of this.#waiting.splice(0)) action();
  }
}

const turnsMax = 20_000;

export async function openBroker(timers: Timers): Promise<Broker> {
  const clock = { now: () => 1000, monotonic: () => 1000 };
  return await Broker.open({
    disk: null,
    directory: "memory",
    clock,
    timers,
    random: { below: () => 0, bytes: (size) => Buffer.alloc(size) },
    logger: new Logger({ level: "silent", clock, sink: () => {} }),
    journalBytesMax: 256 << 20,
    memoryBytesMax: 0,
    redisStreamsDurability: "memory",
    kafkaDurability: "fsync",
    onFatal: (error) => assert.fail(error),
  });
}

export class SessionUnderTest {
  readonly timers: ManualTimers;
  readonly broker: Broker;
  readonly server: KafkaServer;
  readonly output = new ByteWriter();
  isEnded = false;
  readonly session: KafkaSession;
  #correlationId = 0;

  private constructor(timers: ManualTimers, broker: Broker, server: KafkaServer) {
    this.timers = timers;
    this.broker = broker;
    this.server = server;
    const { output } = this;
    const noop = (): void => {};
    const connection = {
      isClosed: false,
      isEncrypted: false,
      local: { host: "127.0.0.1", port: 1 },
      remote: { host: "127.0.0.1", port: 2 },
      output,
      outputBytes: 0,
      touch: noop,
      answerMark: -1,
      answerTo: (_mark: number, write: () => void) => write(),
      pauseReading: noop,
      resumeReading: noop,
      holdUntilDurable: noop,
      holdInput: noop,
      settle: noop,
      destroy: noop,
      end: () => (this.isEnded = true),
    };
    this.session = new KafkaSession(connection as never, server);
  }

  static async open(): Promise<SessionUnderTest> {
    const timers = new ManualTimers();
    const broker = await openBroker(timers);
    return new SessionUnderTest(
      timers,
      broker,
      new KafkaServer(broker, { host: undefined, port: undefined }),
    );
  }

  /** One more session of the same broker. */
  another(): SessionUnderTest {
    return new SessionUnderTest(this.timers, this.broker, this.server);
  }

  /** Hands the request to the session, in a chunk whose bytes are another's afterwards. */
  send<N extends ApiName>(name: N, version: number, body: RequestInput<N>): void {
    const writer = new ByteWriter();
    encodeRequest(writer, name, { version, correlationId: ++this.#correlationId, clientId: "t" }, body);
    const chunk = writer.copy();
    this.session.onData(chunk);
    chunk.fill(0xff);
  }

  /** The next answer, if it is there. */
  take<N extends ApiName>(name: N, version: number): ResponseBody<N> | undefined {
    const { output } = this;
    if (output.length === 0) return undefined;
    const end = 4 + output.buffer.readUInt32BE(0);
    const { body } = decodeResponse(Buffer.from(output.buffer.subarray(0, end)), 4, end, name, version);
    output.buffer.copyWithin(0, end, output.length);
    output.length -= end;
    return body;
  }

  /** The answer, and the number of turns that it took; `eachTurn` looks at what the others see meanwhile. */
  ask<N extends ApiName>(
    name: N,
    version: number,
    body: RequestInput<N>,
    eachTurn: () => void = () => {},
  ): { answer: ResponseBody<N>; turns: number } {
    this.send(name, version, body);
    for (let turns = 1; turns < turnsMax; turns++) {
      eachTurn();
      const answer = this.take(name, version);
      if (answer !== undefined) return { answer, turns };
      assert.ok(!this.isEnded, "the session ended");
      this.timers.endTick();
    }
    throw new Error(`${name} was not answered in ${turnsMax} turns`);
  }
}
