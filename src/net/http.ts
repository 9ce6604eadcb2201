/**
 * HTTP as one more protocol of our listeners: so it has their TLS, their bounds on connections and their counts.
 *
 * Node's HTTP parser, which Bun has too, is loaded with the first connection: it would take some 3 MB of an idle broker.
 * Not here: what is asked and answered (http-parser.ts, admin/), sockets (listen.ts).
 * Invariants: a connection that has asked nothing whole for `idleMsMax`, and takes nothing of its answer, is closed; it
 * is not read from while `unansweredBytesMax` of it wait for an answer.
 */
import type { BytesInFlight } from "../base/bytes-in-flight.ts";
import type { Timer, Timers } from "../base/clock.ts";
import type { Connection, ConnectionHost } from "../base/connection.ts";
import { type HttpHandler, httpBodyBytesMax, httpHeaderBytesMax } from "../base/http.ts";
import { limits } from "../base/limits.ts";
import type { Protocol, Session } from "../protocols/contract.ts";
import type { HttpParser, HttpPeer } from "./http-parser.ts";

const idleMsMax = 10_000;
/** More than the largest request, so there is always one whole, or one that is refused. */
const unansweredBytesMax = httpBodyBytesMax + 2 * httpHeaderBytesMax;
/** Clients wait for an answer before they ask again, but for a few. */
const unansweredRequestsMax = 64;

export function httpProtocol(handler: HttpHandler, timers: Timers): Protocol {
  let loading: Promise<HttpParser> | null = null;
  const load = async (): Promise<HttpParser> => {
    try {
      return (await import("./http-parser.ts")).makeHttpParser(handler);
    } catch (error) {
      // No descriptor was left, perhaps: the next connection tries again.
      loading = null;
      throw error;
    }
  };
  return {
    name: "http",
    createSession: (connection) => new HttpSession(connection, (loading ??= load()), timers),
  };
}

/** Answers leave at once: health is asked for just when the journal cannot be written. */
export function httpConnectionHost(timers: Timers, inFlight: BytesInFlight): ConnectionHost {
  return {
    timers,
    inFlight,
    durablePosition: Infinity,
    writtenPosition: Infinity,
    // It keeps nothing: what its answers speak of is as it is.
    isStuck: false,
    unwrittenMark: 0,
    connectionTouched: (connection) => timers.atTickEnd(() => connection.flush()),
    connectionHeld() {},
  };
}

class HttpSession implements Session, HttpPeer {
  readonly #connection: Connection;
  readonly #timers: Timers;
  /** What came before the parser was there. */
  #early: Buffer[] = [];
  #stream: ReturnType<HttpParser["open"]> | null = null;
  #isParserFull = false;
  #isReadingPaused = false;
  #unansweredBytes = 0;
  #unansweredRequests = 0;
  /** Requests whose handler waits for the rest of a body. */
  #unreadBodies = 0;
  #hasPeerEnded = false;
  #sentBefore = 0;
  #deadline: Timer;
  /** Tells the parser that the output has room again. */
  #onRoom: (() => void) | null = null;

  constructor(connection: Connection, parser: Promise<HttpParser>, timers: Timers) {
    this.#connection = connection;
    this.#timers = timers;
    this.#deadline = this.#watch();
    parser.then(
      (loaded) => {
        if (connection.isClosed) return;
        this.#stream = loaded.open(this);
        for (const bytes of this.#early.splice(0)) this.#pass(bytes);
      },
      () => connection.destroy(),
    );
  }

  get remoteHost(): string {
    return this.#connection.remote.host;
  }

  onData(bytes: Buffer): void {
    this.#unansweredBytes += bytes.length;
    // The transport uses its buffer again.
    const own = Buffer.from(bytes);
    if (this.#stream === null) this.#early.push(own);
    else this.#pass(own);
    this.#settleReading();
    this.#connection.holdInput(this.#unansweredBytes);
  }

  #pass(bytes: Buffer): void {
    if (!this.#stream!.push(bytes)) this.#isParserFull = true;
  }

  #settleReading(): void {
    const isTooMuch = this.#isParserFull || this.#unansweredBytes > unansweredBytesMax;
    if (isTooMuch === this.#isReadingPaused) return;
    this.#isReadingPaused = isTooMuch;
    if (isTooMuch) this.#connection.pauseReading();
    else this.#connection.resumeReading();
  }

  /** A client may say at once that it asks no more, and still wants its answer. */
  onPeerEnded(): void {
    this.#hasPeerEnded = true;
    if (this.#unansweredBytes === 0) this.#connection.end();
  }

  onWritable(): void {
    const onRoom = this.#onRoom;
    this.#onRoom = null;
    onRoom?.();
  }

  onClosed(): void {
    this.#deadline.cancel();
    this.#stream?.destroy();
  }

  wanted(): void {
    this.#isParserFull = false;
    this.#settleReading();
  }

  write(bytes: Uint8Array, done: () => void): void {
    const connection = this.#connection;
    if (connection.isClosed) return done();
    connection.output.bytes(bytes);
    connection.touch();
    if (connection.outputBytes > limits.outputLowWaterBytes) this.#onRoom = done;
    else done();
  }

  end(): void {
    this.#connection.end();
  }

  destroy(): void {
    this.#connection.destroy();
  }

  asked(): void {
    // One that asks is no idle one: of those that may have to go it is the last.
    this.#connection.settle(false);
    if (++this.#unansweredRequests > unansweredRequestsMax) this.#connection.destroy();
  }

  bodyWanted(): void {
    this.#unreadBodies++;
  }

  bodyRead(): void {
    this.#unreadBodies--;
  }

  answered(): void {
    if (--this.#unansweredRequests > 0 || this.#connection.isClosed) return;
    this.#unansweredBytes = 0;
    this.#connection.holdInput(0);
    this.#settleReading();
    if (this.#hasPeerEnded) this.#connection.end();
    this.#deadline.cancel();
    this.#deadline = this.#watch();
  }

  #watch(): Timer {
    return this.#timers.after(idleMsMax, () => {
      const { bytesSent } = this.#connection;
      const isTaking = bytesSent > this.#sentBefore && this.#connection.outputBytes > 0;
      this.#sentBefore = bytesSent;
      // A request that is not whole is the peer's to finish; one that is, ours to answer.
      const isOurTurn = this.#unansweredRequests > this.#unreadBodies;
      if (!isOurTurn && !isTaking) this.#connection.destroy();
      else this.#deadline = this.#watch();
    });
  }
}
