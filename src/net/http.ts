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
import type { HttpHandler, HttpText } from "../base/http.ts";
import { limits } from "../base/limits.ts";
import type { Protocol, Session } from "../protocols/contract.ts";
import { NetConnection } from "./connection.ts";
import type { HttpParser, HttpPeer } from "./http-parser.ts";
import type { Door } from "./listen.ts";
import type { Offer } from "./websocket/handshake.ts";

const idleMsMax = 10_000;
const headRoom = 2 * limits.httpHeaderBytesMax;
const unansweredBytesMax = limits.httpBodyBytesMax + headRoom;
/** CR LF CR LF, as the last bytes of a request without a body. */
const endOfHead = 0x0d0a0d0a;
/** Most clients wait for an answer before they send the next request. */
const unansweredRequestsMax = 64;

/** The doors for upgraded connections, by the protocol's name. */
export type UpgradeDoors = ReadonlyMap<string, Door>;

export function httpProtocol(
  handler: HttpHandler,
  timers: Timers,
  doors: UpgradeDoors = new Map(),
): Protocol {
  let loading: Promise<HttpParser> | null = null;
  const load = async (): Promise<HttpParser> => {
    try {
      return (await import("./http-parser.ts")).makeHttpParser(handler);
    } catch (error) {
      // Perhaps no file descriptor was left: the next connection tries again.
      loading = null;
      throw error;
    }
  };
  return {
    name: "http",
    createSession: (connection) =>
      new HttpSession(connection, { parser: (loading ??= load()), timers, doors }),
  };
}

/** Answers are not held: health is requested just when the journal cannot be written. */
export function httpConnectionHost(timers: Timers, inFlight: BytesInFlight): ConnectionHost {
  return {
    timers,
    inFlight,
    durablePosition: Infinity,
    writtenPosition: Infinity,
    // HTTP changes nothing, so its answers depend on nothing unwritten.
    isStuck: false,
    unwrittenMark: 0,
    connectionTouched: (connection) => timers.atTickEnd(() => connection.flush()),
    connectionHeld() {},
  };
}

interface HttpTools {
  readonly parser: Promise<HttpParser>;
  readonly timers: Timers;
  readonly doors: UpgradeDoors;
}

class HttpSession implements Session, HttpPeer {
  readonly #connection: Connection;
  readonly #timers: Timers;
  readonly #doors: UpgradeDoors;
  /** Input that came before the parser was loaded. */
  #early: Buffer[] = [];
  #stream: ReturnType<HttpParser["open"]> | null = null;
  #isParserFull = false;
  #isReadingPaused = false;
  #unansweredBytes = 0;
  /** More than the largest request, so one complete request always fits, or one that is refused. */
  #unansweredBytesMax = unansweredBytesMax;
  /** Bytes taken of bodies that are read in chunks, now and at the last check. */
  #takenBytes = 0;
  #takenBefore = 0;
  /** The last four bytes that came. */
  #tail = 0;
  #unansweredRequests = 0;
  /** Requests whose handler waits for the rest of a body. */
  #unreadBodies = 0;
  #hasPeerEnded = false;
  #sentBefore = 0;
  /** During how many checks the peer has read nothing of an answer that waits for it. */
  #stuckLooks = 0;
  #onPeerGone: (() => void) | null = null;
  #deadline: Timer;
  /** Tells the parser that the output has room again. */
  #onRoom: (() => void) | null = null;

  constructor(connection: Connection, { parser, timers, doors }: HttpTools) {
    this.#doors = doors;
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
    for (let i = Math.max(0, bytes.length - 4); i < bytes.length; i++)
      this.#tail = (this.#tail << 8) | bytes[i]!;
    // The transport overwrites its buffer.
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
    const isTooMuch = this.#isParserFull || this.#unansweredBytes > this.#unansweredBytesMax;
    if (isTooMuch === this.#isReadingPaused) return;
    this.#isReadingPaused = isTooMuch;
    if (isTooMuch) this.#connection.pauseReading();
    else this.#connection.resumeReading();
  }

  /** A client may end its side at once, and still wait for its answer. */
  onPeerEnded(): void {
    this.#hasPeerEnded = true;
    this.#onPeerGone?.();
    if (this.#unansweredBytes === 0) this.#connection.end();
  }

  onWritable(): void {
    const onRoom = this.#onRoom;
    this.#onRoom = null;
    onRoom?.();
  }

  onClosed(): void {
    this.#deadline.cancel();
    this.#onPeerGone?.();
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
    // A connection with a request is not idle: it is the last one to be ended for others.
    this.#connection.settle(false);
    if (++this.#unansweredRequests > unansweredRequestsMax) this.#connection.destroy();
  }

  bodyWanted(): void {
    this.#unreadBodies++;
  }

  bodyRead(): void {
    this.#unreadBodies--;
  }

  bodyKept(bytesMax: number): void {
    this.#unansweredBytesMax = Math.max(unansweredBytesMax, bytesMax + headRoom);
    this.#settleReading();
  }

  bodyTaken(bytes: number): void {
    this.#takenBytes += bytes;
    this.#unansweredBytes = Math.max(this.#unansweredBytes - bytes, 0);
    this.#connection.holdInput(this.#unansweredBytes);
    this.#settleReading();
  }

  async upgrade(protocol: string, offer: Offer): Promise<HttpText | null> {
    const { upgradeConnection } = await import("./websocket/upgrade.ts");
    const { refuse } = await import("./websocket/handshake.ts");
    const connection = this.#connection;
    const door = this.#doors.get(protocol);
    if (door === undefined || !(connection instanceof NetConnection)) {
      return refuse(501, "this cannot be spoken over WebSocket");
    }
    // The connection is gone: nobody gets the answer.
    if (connection.isClosed) return null;
    // A client must wait for the answer before it sends more (RFC 6455 4.1); earlier bytes would be lost in the parser.
    if (this.#unansweredRequests > 1 || this.#tail !== endOfHead) {
      return refuse(400, "wait for the answer to the handshake", { connection: "close" });
    }
    return upgradeConnection({ connection, door, timers: this.#timers, offer });
  }

  streams(gone: () => void): void {
    this.#onPeerGone = gone;
    if (this.#hasPeerEnded) gone();
  }

  answered(): void {
    this.#onPeerGone = null;
    if (--this.#unansweredRequests > 0 || this.#connection.isClosed) return;
    this.#unansweredBytes = 0;
    this.#unansweredBytesMax = unansweredBytesMax;
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
      const isBringing = this.#takenBytes - this.#takenBefore >= limits.httpStreamedBytesLeast;
      this.#takenBefore = this.#takenBytes;
      // The peer must finish an incomplete request, and must read an answer that has no room.
      this.#stuckLooks = this.#onRoom !== null && !isTaking ? this.#stuckLooks + 1 : 0;
      const isStuck = this.#stuckLooks >= limits.outputStuckLooksMax;
      const isOurTurn = this.#unansweredRequests > this.#unreadBodies && !isStuck;
      if (!isOurTurn && !isTaking && !isBringing) this.#connection.destroy();
      else this.#deadline = this.#watch();
    });
  }
}
