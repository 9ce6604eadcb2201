/**
 * One client's connection: frames in, one request at a time, replies in the order of the requests, as Kafka has it.
 *
 * A request whose answer comes later (long poll, join) holds back those behind it, and so does output that the client
 * does not take. Not here: what requests mean (`commands/`).
 * Invariants: nothing is decoded while a request is under way or the output is full; frames that wait are copies, since
 * the bytes of `onData` are valid during the call only; more of them than `backlogBytesMax` stop the reading.
 */
import { BrokerError } from "../../base/errors.ts";
import { limits } from "../../base/limits.ts";
import type { Connection, Session } from "../contract.ts";
import { Call, type Caller, type Handler } from "./call.ts";
import { handlers } from "./handlers.ts";
import type { KafkaNode } from "./node.ts";
import { assertMayAsk, takeBareToken } from "./sasl.ts";
import { type ApiName, decodeRequest, encodeResponse, type ResponseInput } from "./wire/codec.ts";
import { answerUnsupported } from "./commands/api-versions.ts";
import { FrameSplitter } from "./wire/frames.ts";

const backlogBytesMax = 1 << 20;

export class KafkaSession implements Session, Caller {
  readonly connection: Connection;
  readonly node: KafkaNode;
  user: string | null = null;
  expectsToken = false;
  readonly #splitter = new FrameSplitter(limits.kafkaRequestBytesMax);
  /** The request that is being worked on or whose answer comes later. */
  #awaited: Call | null = null;
  #isOutputFull = false;
  #backlog: Buffer[] = [];
  #backlogBytes = 0;
  #isReadingPaused = false;
  #isResuming = false;
  #isEnded = false;

  constructor(connection: Connection, node: KafkaNode) {
    this.connection = connection;
    this.node = node;
  }

  onData(bytes: Buffer): void {
    const splitter = this.#splitter;
    try {
      splitter.push(bytes);
      while (splitter.next() && !this.#isEnded) {
        if (this.#isHeld || this.#backlog.length > 0) this.#keep(splitter);
        else this.#handle(splitter.buffer, splitter.start, splitter.end);
      }
    } catch (error) {
      this.#fail(error);
    }
  }

  get #isHeld(): boolean {
    return this.#awaited !== null || this.#isOutputFull;
  }

  #keep({ buffer, start, end }: FrameSplitter): void {
    this.#backlog.push(Buffer.from(buffer.subarray(start, end)));
    this.#backlogBytes += end - start;
    if (this.#backlogBytes > backlogBytesMax && !this.#isReadingPaused) {
      this.#isReadingPaused = true;
      this.connection.pauseReading();
    }
  }

  #handle(buffer: Buffer, start: number, end: number): void {
    if (this.expectsToken) {
      if (!takeBareToken(this, buffer.subarray(start, end))) this.#end();
      return;
    }
    const request = decodeRequest(buffer, start, end);
    if (request.name === null) {
      if (!answerUnsupported(this.connection, request)) {
        throw new BrokerError("INVALID", `no api ${request.apiKey} in version ${request.version}`);
      }
      return;
    }
    assertMayAsk(this, request.name);
    const call = new Call(this, request);
    // The table's type ties each name to its body; the union of all names is more than the compiler follows.
    const handler = handlers[request.name] as unknown as Handler<ApiName>;
    this.#awaited = call;
    const answer = handler(call, request.body);
    if (answer === "later") return;
    this.#awaited = null;
    if (answer === "close") this.#end();
    else if (answer !== "silent") this.#write(call, answer);
  }

  answered<N extends ApiName>(call: Call<N>, body: ResponseInput<N>): void {
    if (this.connection.isClosed) return;
    this.#awaited = null;
    this.#write(call, body);
    this.#resumeLater();
  }

  #write<N extends ApiName>(call: Call<N>, body: ResponseInput<N>): void {
    const { connection } = this;
    encodeResponse(connection.output, call.name, call, body);
    connection.touch();
    if (connection.outputBytes > limits.outputHighWaterBytes) this.#isOutputFull = true;
  }

  onWritable(): void {
    this.#isOutputFull = false;
    this.#resumeLater();
  }

  /** Goes on with what waited, when the tick's other input has had its turn: an answer may come amid a delivery. */
  #resumeLater(): void {
    if (this.#backlog.length === 0 || this.#isResuming) return;
    this.#isResuming = true;
    this.node.broker.timers.atTickEnd(() => {
      this.#isResuming = false;
      this.#resume();
    });
  }

  #resume(): void {
    try {
      while (this.#backlog.length > 0 && !this.#isHeld && !this.#isEnded && !this.connection.isClosed) {
        const frame = this.#backlog.shift()!;
        this.#backlogBytes -= frame.length;
        this.#handle(frame, 0, frame.length);
      }
    } catch (error) {
      this.#fail(error);
    }
    if (this.#isReadingPaused && this.#backlogBytes <= backlogBytesMax / 2) {
      this.#isReadingPaused = false;
      this.connection.resumeReading();
    }
  }

  /** A request that makes no sense ends its own connection, as in Kafka, and nobody else's. */
  #fail(error: unknown): void {
    const isClients = error instanceof BrokerError;
    const { host, port } = this.connection.remote;
    const fields = { client: `${host}:${port}`, error: error as Error };
    if (isClients) this.node.broker.logger.info("closed a Kafka connection", fields);
    else this.node.broker.logger.error("a Kafka request failed; closed its connection", fields);
    this.#end();
  }

  #end(): void {
    this.#isEnded = true;
    this.connection.end();
  }

  onClosed(): void {
    this.#isEnded = true;
    this.#backlog = [];
    this.node.broker.publisherGone(this.connection);
    const awaited = this.#awaited;
    this.#awaited = null;
    awaited?.onGone?.();
  }
}
