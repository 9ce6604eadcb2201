/**
 * An AMQP connection: passes frames to channels, turns errors into closings, and releases everything when it ends.
 *
 * The connection's own methods and their states are in connection-methods.ts, those of channels in commands/. Invariants: no
 * exception leaves `onData`; after the broker has sent a close, everything but the answer is ignored; when the connection is gone,
 * so are its channels, its exclusive queues and its timers.
 */
import { ByteReader } from "../../../base/bytes.ts";
import { BrokerError } from "../../../base/errors.ts";
import type { Timer } from "../../../base/clock.ts";
import { plainHost } from "../../../base/addresses.ts";
import { limits } from "../../../base/limits.ts";
import type { Job } from "../../../base/turn-work.ts";
import type { Authorization, Holder } from "../../../broker/access/permissions.ts";
import type { Broker } from "../../../broker/broker.ts";
import type { Queue } from "../../../broker/queue/queue.ts";
import { discount, takeChannel } from "./limits.ts";
import type { Vhost } from "../../../broker/vhost.ts";
import type { Connection, Session, SessionFacts } from "../../contract.ts";
import { Channel } from "../channel/channel.ts";
import { type Capabilities, type ClientNames, noCapabilities, noNames } from "./capabilities.ts";
import { type ConnectionState, runConnectionMethod, sendStart } from "./connection-methods.ts";
import { AmqpError, amqpErrorOf, closeArguments } from "./errors.ts";
import { Heartbeat } from "./heartbeat.ts";
import { factsOf } from "./session-facts.ts";
import { frameOutOfPlace, HeldBytes, unexpectedFrame } from "../publish/incoming-message.ts";
import type { AmqpServer } from "./server.ts";
import { frameType } from "../wire/constants.ts";
import { SettleFields } from "../wire/content-input.ts";
import { TurnWait } from "./turn-wait.ts";
import { WaitingConsumers } from "./waiting-consumers.ts";
import { FrameParser, protocolHeader } from "../wire/frame-parser.ts";
import { decodeMethod, methodNumberAt, writeMethodFrame } from "../wire/method-codec.ts";
import { methodNumber, type MethodArguments, type MethodName } from "../wire/methods.ts";

/** How long a peer may take to answer the broker's connection.close, or to end its socket after its own. */
const closeMsMax = 5000;

const numbers = {
  publish: methodNumber("basic.publish"),
  channelOpen: methodNumber("channel.open"),
  channelClose: methodNumber("channel.close"),
  channelCloseOk: methodNumber("channel.close-ok"),
} as const;

const settle = new SettleFields();

/** This many frames cost one unit of their turn (turn-work.ts), apart from the cost of a message to many queues. */
const framesOfUnit = 12;
/** The cost of a method that neither publishes nor settles; basic.get is one of the cheap ones. */
const unitsOfMethod = 2;
/** While frames wait for their turn, the connection is no longer read from after this many bytes. */
const waitingInputBytesMax = 1 << 20;

export class AmqpSession implements Session, Holder {
  readonly connection: Connection;
  readonly server: AmqpServer;
  readonly broker: Broker;
  state: ConnectionState = "header";
  /** Set after a successful login, and after the client has chosen a virtual host. */
  authorization: Authorization | undefined = undefined;
  vhost!: Vhost;
  capabilities: Capabilities = noCapabilities;
  frameMax: number = limits.amqpFrameBytesMax;
  channelMax: number = limits.amqpChannelsMax;
  readonly heartbeat: Heartbeat;
  readonly parser = new FrameParser();
  readonly held = new HeldBytes();
  readonly channels = new Map<number, Channel>();
  readonly exclusiveQueues = new Set<Queue>();
  readonly #reader = new ByteReader(Buffer.alloc(0));
  readonly #turnWait: TurnWait;
  /** It sent so much meanwhile that the broker does not read from it. */
  #isPaused = false;
  #isPeerEnded = false;
  #frames = 0;
  /** In this unit of work: a method other than publish and acknowledgements, which may have written much; a whole message. */
  #hasRunMethod = false;
  #hasPublished = false;
  #isToldBlocked = false;
  /** How the client calls itself, for who asks what is connected. */
  client: ClientNames = noNames;
  messagesIn = 0;
  messagesOut = 0;
  #lastChannel: Channel | null = null;
  /** The channel whose content header may be in the chunk that is being read. */
  #borrower: Channel | null = null;
  #confirming: Channel[] = [];
  readonly waitingConsumers = new WaitingConsumers();
  #deadline: Timer | null;
  /** The method that is being run on channel 0, for connection.close. */
  #methodNumber = 0;

  constructor(connection: Connection, server: AmqpServer) {
    this.connection = connection;
    this.server = server;
    this.broker = server.broker;
    this.heartbeat = new Heartbeat(connection, server);
    this.#turnWait = new TurnWait(this.broker, () => this.#goOn());
    this.#deadline = this.broker.timers.after(limits.loginMsMax, () => connection.destroy());
  }

  onData(bytes: Buffer): void {
    if (this.state === "broken") return;
    this.parser.push(bytes);
    this.#run();
  }

  /** Processes the frames that have come, but not from a client that leaves its answers unread. */
  #run(): void {
    const { parser, connection } = this;
    try {
      if (this.state === "header" && !this.#readHeader()) return parser.settle();
      const { work } = this.broker;
      // One unit at least, or whoever sends few frames would wait for those who send many.
      for (let isFirst = true; !this.#turnWait.isWaiting; isFirst = false) {
        if (connection.outputBytes > limits.outputHighWaterBytes) break;
        if (!isFirst && work.isSpent && parser.unread > 0) this.#turnWait.nextTurn();
        else {
          const hasMore = this.#takeFrames();
          if (this.#hasPublished) this.#publisherSeen();
          if (!hasMore) break;
        }
      }
      this.#borrower?.incoming.park();
      parser.settle();
    } catch (error) {
      // The boundaries of frames are lost: nothing after this can be read.
      const isOpen = this.state === "running";
      this.failConnection(amqpErrorOf(error));
      this.state = "broken";
      // RabbitMQ closes a connection that was never open; an open one may still answer.
      if (!isOpen) this.connection.end();
    }
    if (this.#confirming.length > 0) this.#releaseConfirms();
    this.#tellHeld();
    if (!this.#turnWait.isWaiting || this.#isPaused || parser.unread <= waitingInputBytesMax) return;
    this.#isPaused = true;
    connection.pauseReading();
  }

  /** Takes frames for one unit of work, or until a method has run that may have used more; false when no more is there. */
  #takeFrames(): boolean {
    const { parser } = this;
    this.#hasRunMethod = this.#hasPublished = false;
    while (parser.next()) {
      this.#frame();
      if (++this.#frames % framesOfUnit === 0) {
        this.broker.work.spend(1);
        return true;
      }
      if (this.#hasRunMethod || this.#turnWait.isWaiting) return true;
    }
    return false;
  }

  /** The frames that waited are taken. */
  #goOn(): void {
    const { connection } = this;
    if (connection.isClosed) return;
    if (this.#isPaused) {
      this.#isPaused = false;
      connection.resumeReading();
    }
    connection.answerTo(connection.answerMark, () => {
      if (this.state !== "broken") this.#run();
      if (this.#isPeerEnded) this.onPeerEnded();
    });
  }

  /** A method that may take many turns: no other frame of this connection is processed until the job has ended. */
  work(channel: Channel, job: Job<void>): void {
    this.#turnWait.work(job, (error) => this.failLater(channel, error));
  }

  /** The same for a method that cannot be done yet: it is tried at the end of each tick until it returns true. */
  retry(channel: Channel, attempt: () => boolean): void {
    this.#turnWait.retry(
      () => channel.isClosing || attempt(),
      (error) => this.failLater(channel, error),
    );
  }

  failLater(channel: Channel, error: unknown): void {
    if (!channel.isClosing) this.#fail(channel, error);
  }

  get isAtWork(): boolean {
    return this.#turnWait.isWaiting;
  }

  /** Frames that were sent before the end are processed first. */
  onPeerEnded(): void {
    this.#isPeerEnded = true;
    if (!this.#turnWait.isWaiting) this.connection.end();
  }

  #tellHeld(): void {
    this.connection.holdInput(this.held.bytes + this.parser.unread);
  }

  #readHeader(): boolean {
    const found = this.parser.readProtocolHeader();
    if (found === "incomplete") return false;
    if (found === "mismatch") {
      this.connection.output.bytes(protocolHeader);
      this.connection.end();
      this.state = "broken";
      return false;
    }
    sendStart(this);
    return true;
  }

  #frame(): void {
    const { type, channel: number, bytes, payloadStart, payloadEnd } = this.parser;
    if (this.state === "broken") return;
    if (type === frameType.heartbeat) return this.#heartbeatFrame(number);
    if (number === 0) return this.#connectionFrame();
    if (this.state !== "running") {
      this.#methodNumber = 0;
      if (this.state === "closing") return;
      return this.failConnection(frameOutOfPlace(type, bytes.subarray(payloadStart, payloadEnd)));
    }
    let channel = this.#lastChannel;
    if (channel === null || channel.number !== number) {
      const found = this.channels.get(number);
      if (found === undefined) return this.#openChannel(number);
      channel = this.#lastChannel = found;
    }
    if (channel.isClosing) return this.#closingFrame(channel);
    try {
      if (type === frameType.method) this.#method(channel, bytes, payloadStart, payloadEnd);
      else this.#content(channel, type, bytes, payloadStart, payloadEnd);
    } catch (error) {
      this.#fail(channel, error);
    }
  }

  /** Heartbeats belong on channel 0 (spec 4.2.7); RabbitMQ answers others with 505. */
  #heartbeatFrame(channel: number): void {
    if (channel === 0) return;
    this.#methodNumber = 0;
    this.failConnection(frameOutOfPlace(frameType.heartbeat, Buffer.alloc(0)));
  }

  #method(channel: Channel, bytes: Buffer, start: number, end: number): void {
    const number = methodNumberAt(bytes, start, end);
    const { incoming } = channel;
    if (incoming.stage !== "method") throw unexpectedFrame(incoming.stage);
    channel.methodNumber = number;
    if (this.broker.ticker.isStuck) this.broker.lookedAtDefinitions();
    switch (number) {
      case numbers.publish:
        incoming.begin(bytes, start, end);
        return;
      case SettleFields.ackNumber:
        settle.read(bytes, start, end, number);
        channel.settle(settle.deliveryTag, settle.multiple, "acknowledged");
        return;
      case SettleFields.nackNumber:
      case SettleFields.rejectNumber:
        settle.read(bytes, start, end, number);
        channel.settle(settle.deliveryTag, settle.multiple, settle.requeue ? "requeued" : "discarded");
        return;
      case numbers.channelOpen:
        throw new AmqpError("CHANNEL_ERROR", "second 'channel.open' seen");
      case numbers.channelClose:
        this.#dropChannel(channel);
        this.send(channel.number, "channel.close-ok", {});
        return;
      default:
        this.#hasRunMethod = true;
        this.broker.work.spend(unitsOfMethod);
        this.server.runChannelMethod(channel, decodeMethod(this.#reader.reuse(bytes, start, end)));
    }
  }

  #content(channel: Channel, type: number, bytes: Buffer, start: number, end: number): void {
    const { incoming } = channel;
    if (type === frameType.header) {
      incoming.headerFrame(bytes, start, end);
      if (this.#borrower !== null && this.#borrower !== channel) this.#borrower.incoming.park();
      this.#borrower = channel;
    } else incoming.bodyFrame(bytes, start, end);
    if (incoming.isComplete) {
      this.messagesIn++;
      incoming.finish();
      if (incoming.bodySize >= limits.diskFitBytes) this.broker.storage.gate.assertFits(incoming.bodySize);
      channel.publisher.publish(incoming);
      incoming.release();
      if (this.held.bytes > 0 && this.connection.isMemoryShort) incoming.giveBack();
      this.#hasPublished = true;
    }
  }

  /** A message was added to the output. */
  delivered(): void {
    this.messagesOut++;
    this.connection.touch();
  }

  /** The broker has closed this channel: only the answer counts, or a close from the client that crossed it. */
  #closingFrame(channel: Channel): void {
    const { type, bytes, payloadStart, payloadEnd } = this.parser;
    if (type !== frameType.method) return;
    const number = methodNumberAt(bytes, payloadStart, payloadEnd);
    if (number === numbers.channelClose) this.send(channel.number, "channel.close-ok", {});
    if (number === numbers.channelCloseOk) this.#dropChannel(channel);
  }

  #openChannel(number: number): void {
    const { type, bytes, payloadStart, payloadEnd } = this.parser;
    const method = type === frameType.method ? methodNumberAt(bytes, payloadStart, payloadEnd) : 0;
    // The answer to a close that crossed the client's own close.
    if (method === numbers.channelCloseOk) return;
    if (method !== numbers.channelOpen) {
      this.#methodNumber = method;
      return this.failConnection(new AmqpError("CHANNEL_ERROR", "expected 'channel.open'"));
    }
    const fault = takeChannel(this);
    if (fault !== null) return this.failConnection(fault, 0);
    this.channels.set(number, new Channel(this, number, this.vhost));
    this.send(number, "channel.open-ok", { channelId: Buffer.alloc(0) });
  }

  #connectionFrame(): void {
    const { type, bytes, payloadStart, payloadEnd } = this.parser;
    this.#methodNumber = type === frameType.method ? methodNumberAt(bytes, payloadStart, payloadEnd) : 0;
    try {
      if (type !== frameType.method) throw frameOutOfPlace(type, bytes.subarray(payloadStart, payloadEnd));
      runConnectionMethod(this, decodeMethod(this.#reader.reuse(bytes, payloadStart, payloadEnd)));
    } catch (error) {
      if (this.state !== "closing") this.failConnection(this.#told(error));
    }
  }

  send<Name extends MethodName>(channel: number, name: Name, values: MethodArguments[Name]): void {
    writeMethodFrame(this.connection.output, channel, name, values);
    this.connection.touch();
  }

  /** Logs a fault of the broker once, here at the edge. */
  #told(error: unknown): AmqpError {
    if (!(error instanceof AmqpError) && !(error instanceof BrokerError)) {
      this.broker.logger.error("an AMQP method failed", { error: error as Error });
    }
    return amqpErrorOf(error);
  }

  #fail(channel: Channel, thrown: unknown): void {
    const error = this.#told(thrown);
    if (error.isHard) {
      this.#methodNumber = channel.methodNumber;
      return this.failConnection(error);
    }
    channel.releaseConfirms();
    channel.release();
    this.send(channel.number, "channel.close", closeArguments(error, channel.methodNumber));
  }

  /** Tells the client the reason, and waits a little for its answer. */
  failConnection(error: AmqpError, method: number = this.#methodNumber): void {
    if (this.state === "closing" || this.state === "broken") return;
    this.#releaseAll();
    this.state = "closing";
    this.send(0, "connection.close", closeArguments(error, method));
    this.setDeadline(closeMsMax);
  }

  /** Closes the connection after the delay unless it is gone by then; null cancels the deadline. */
  setDeadline(delayMs: number | null): void {
    this.#deadline?.cancel();
    this.#deadline =
      delayMs === null ? null : this.broker.timers.after(delayMs, () => this.connection.destroy());
  }

  /** The client's host, as rules name it. */
  get host(): string {
    return plainHost(this.connection.remote.host);
  }

  get largestHeldBytes(): number {
    let largest = 0;
    for (const { incoming } of this.channels.values()) largest = Math.max(largest, incoming.heldBytes);
    return largest;
  }

  onMemoryShort(): void {
    for (const { incoming } of this.channels.values()) incoming.giveBack();
    this.#tellHeld();
  }

  onRefused(): void {
    const text =
      "the broker is short of memory, and this connection holds more than its part in what is not whole";
    this.failConnection(new AmqpError("RESOURCE_ERROR", text));
    this.#tellHeld();
  }

  describe(): SessionFacts {
    return factsOf(this);
  }

  /** A client that has not finished its handshake cannot get a message yet (spec 2.2.4). */
  closeFor(reason: string): void {
    if (this.state === "running") this.failConnection(new AmqpError("CONNECTION_FORCED", reason), 0);
    else this.connection.end();
  }

  get userName(): string {
    return this.authorization?.name ?? "";
  }

  userDeleted(): void {
    this.failConnection(new AmqpError("CONNECTION_FORCED", `user '${this.userName}' was deleted`));
  }

  /**
   * The client closes: everything is released before the answer. The client ends the socket, as in RabbitMQ: a client that closes
   * twice would otherwise meet the end before its second answer.
   */
  closeByClient(): void {
    if (this.state !== "closing") {
      this.#releaseAll();
      this.state = "closing";
      this.#deadline?.cancel();
      this.#deadline = this.broker.timers.after(closeMsMax, () => this.connection.end());
    }
    this.send(0, "connection.close-ok", {});
  }

  #dropChannel(channel: Channel): void {
    if (!channel.isClosing) {
      channel.releaseConfirms();
      channel.release();
    }
    if (this.channels.delete(channel.number)) this.authorization!.channels--;
    this.#lastChannel = null;
    if (this.#borrower === channel) this.#borrower = null;
  }

  confirmsChanged(channel: Channel): void {
    if (channel.isConfirmListed) return;
    channel.isConfirmListed = true;
    this.#confirming.push(channel);
  }

  #releaseConfirms(): void {
    const channels = this.#confirming;
    for (const channel of channels) {
      channel.isConfirmListed = false;
      channel.releaseConfirms();
    }
    channels.length = 0;
  }

  /** Closes with RabbitMQ's text. */
  onShutdown(): void {
    if (this.state !== "running") return;
    const text = "broker forced connection closure with reason 'shutdown'";
    this.send(0, "connection.close", closeArguments(new AmqpError("CONNECTION_FORCED", text), 0));
  }

  #publisherSeen(): void {
    const { flow } = this.broker;
    flow.publisherSeen(this.connection);
    if (flow.isBlocked) this.#tellBlocked();
  }

  /**
   * Publishers have to wait, or go on again. As in RabbitMQ a connection is told so by what it publishes: some clients send nothing more
   * when they are told, and consumers have to acknowledge, or nothing ever makes room.
   */
  readonly flowListener = (isBlocked: boolean): void => {
    if (!isBlocked) this.#tellUnblocked();
    // It waits, or its last frames had the message that there is no room for.
    else if (this.#hasPublished || this.broker.flow.isHeldBack(this.connection)) this.#tellBlocked();
  };

  #tellBlocked(): void {
    if (this.#isToldBlocked || this.state !== "running" || !this.capabilities.connectionBlocked) return;
    this.#isToldBlocked = true;
    this.send(0, "connection.blocked", { reason: this.broker.flow.blockedReason });
  }

  #tellUnblocked(): void {
    if (!this.#isToldBlocked) return;
    this.#isToldBlocked = false;
    if (this.state === "running") this.send(0, "connection.unblocked", {});
  }

  onWritable(): void {
    this.waitingConsumers.wake();
    if (this.state !== "broken" && this.parser.unread > 0) this.#run();
  }

  #releaseAll(): void {
    const open = [...this.channels.values()].filter((channel) => !channel.isClosing);
    for (const channel of open) channel.stopConsumers();
    for (const channel of open) channel.release();
    discount(this);
    this.channels.clear();
    this.#lastChannel = this.#borrower = null;
    const queues = [...this.exclusiveQueues];
    this.exclusiveQueues.clear();
    for (const queue of queues) this.vhost.deleteQueue(queue);
    this.broker.flow.listeners.delete(this.flowListener);
  }

  onClosed(): void {
    this.state = "broken";
    this.#turnWait.cancel();
    this.#releaseAll();
    this.authorization?.holders.delete(this);
    this.heartbeat.stop();
    this.setDeadline(null);
    this.broker.flow.gone(this.connection);
  }
}
