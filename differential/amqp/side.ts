/**
 * One server in the comparison: connections and channels that are opened again when the server closes them, and what
 * the server has said, by what may be compared with another server.
 *
 * Replies are in the order of their channel. Deliveries are by queue, since a server may interleave queues as it likes;
 * confirms are by publish, since a server may answer several with one method.
 */
import type { AmqpProperties } from "../../src/message/amqp/properties.ts";
import { type PlainTable, type PlainValue, toPlain } from "../../src/message/amqp/table-plain.ts";
import { displayText } from "../../src/message/amqp/text.ts";
import type { Method, MethodArguments, MethodName } from "../../src/protocols/amqp/wire/methods.ts";
import { type Content, PeerConnection } from "./client.ts";
import type { Profile } from "./pool.ts";

export interface Place {
  readonly connection: number;
  readonly channel: number;
}

/** A delivery that waits for its acknowledgement. */
export interface Outstanding extends Place {
  readonly tag: number;
  readonly queue: string;
  readonly body: string;
}

interface ChannelState {
  isOpen: boolean;
  isConfirming: boolean;
  published: number;
  confirmed: number;
}

const answerMsMax = 500;

export class Side {
  readonly name: string;
  readonly #port: number;
  readonly #connections: (PeerConnection | null)[] = [];
  readonly #channels = new Map<string, ChannelState>();
  /** What the server said, by the line of comparison that it belongs to. */
  readonly lines = new Map<string, string[]>();
  outstanding: Outstanding[] = [];
  /** Consumer tags are unique in a run; the queue that each consumes from. */
  readonly queueOfConsumer = new Map<string, string>();
  /** By channel: the queues of basic.get that wait for their answer. */
  readonly #gets = new Map<string, string[]>();
  /** What the run is about, which says what is left out of comparison. */
  profile: Profile = "mixed";
  /** Where the last request that came wants its reply (direct reply-to); each server makes names of its own. */
  replyTo = "";
  #unanswered = 0;
  /** Channels and connections that the server has closed. */
  closings = 0;

  constructor(name: string, port: number) {
    this.name = name;
    this.#port = port;
  }

  async ensure({ connection, channel }: Place): Promise<PeerConnection> {
    let peer = this.#connections[connection] ?? null;
    if (peer === null || peer.isClosed) {
      const listener = (at: number, method: Method, content: Content | null): void =>
        this.#heard({ connection, channel: at }, method, content);
      peer = await PeerConnection.open(this.#port, listener);
      this.#connections[connection] = peer;
    }
    const state = this.#channel({ connection, channel });
    if (!state.isOpen) {
      Object.assign(state, { isOpen: true, isConfirming: false, published: 0, confirmed: 0 });
      peer.send(channel, "channel.open", { outOfBand: "" });
      this.#unanswered++;
    }
    return peer;
  }

  #channel({ connection, channel }: Place): ChannelState {
    const key = `${connection}/${channel}`;
    let state = this.#channels.get(key);
    if (state === undefined) {
      state = { isOpen: false, isConfirming: false, published: 0, confirmed: 0 };
      this.#channels.set(key, state);
    }
    return state;
  }

  async call<Name extends MethodName>(
    place: Place,
    name: Name,
    values: MethodArguments[Name],
  ): Promise<void> {
    const peer = await this.ensure(place);
    if (name === "basic.get") this.#getsOf(place).push((values as MethodArguments["basic.get"]).queue);
    if (name === "confirm.select") this.#channel(place).isConfirming = true;
    peer.send(place.channel, name, values);
    this.#unanswered++;
  }

  #getsOf({ connection, channel }: Place): string[] {
    const key = `${connection}/${channel}`;
    let gets = this.#gets.get(key);
    if (gets === undefined) this.#gets.set(key, (gets = []));
    return gets;
  }

  /** What `send` sends leaves in one write. */
  async together(place: Place, send: () => Promise<void>): Promise<void> {
    const peer = await this.ensure(place);
    peer.cork();
    await send();
    peer.uncork();
  }

  /** Without an answer of its own: settlements, and methods with `noWait`. */
  async tell<Name extends MethodName>(
    place: Place,
    name: Name,
    values: MethodArguments[Name],
  ): Promise<void> {
    const peer = await this.ensure(place);
    if (name === "confirm.select") this.#channel(place).isConfirming = true;
    peer.send(place.channel, name, values);
  }

  /** All that the channel has had is acknowledged. */
  settledAll({ connection, channel }: Place): void {
    this.outstanding = this.outstanding.filter(
      (each) => each.connection !== connection || each.channel !== channel,
    );
  }

  async publish(
    place: Place,
    values: MethodArguments["basic.publish"],
    content: { properties: AmqpProperties; body: string },
  ): Promise<void> {
    const peer = await this.ensure(place);
    const state = this.#channel(place);
    if (state.isConfirming) state.published++;
    peer.publish(place.channel, values, content);
  }

  async write(place: Place, frames: readonly Buffer[]): Promise<void> {
    (await this.ensure(place)).write(Buffer.concat(frames));
  }

  /** A round trip, so that the channel has done all before it; none where the step has closed the channel. */
  async sync(place: Place): Promise<void> {
    for (let waited = 0; this.#unanswered > 0 && waited < answerMsMax; waited += 2)
      await new Promise((resolve) => setTimeout(resolve, 2));
    if (!this.#channel(place).isOpen) return;
    this.#connections[place.connection]!.send(place.channel, "channel.flow", { active: true });
    this.#unanswered++;
  }

  closeConnection(connection: number): void {
    this.#connections[connection]?.destroy();
    this.#connectionGone(connection);
  }

  #connectionGone(connection: number): void {
    this.#connections[connection] = null;
    for (const [key, gets] of this.#gets) if (key.startsWith(`${connection}/`)) gets.length = 0;
    for (const [key, state] of this.#channels) if (key.startsWith(`${connection}/`)) state.isOpen = false;
    this.outstanding = this.outstanding.filter((each) => each.connection !== connection);
  }

  /** Nothing is on its way that has an answer. */
  get isQuiet(): boolean {
    for (const { isOpen, isConfirming, published, confirmed } of this.#channels.values())
      if (isOpen && isConfirming && confirmed < published) return false;
    return this.#unanswered <= 0;
  }

  endStep(): void {
    this.#unanswered = 0;
  }

  #line(name: string, text: string): void {
    let line = this.lines.get(name);
    if (line === undefined) this.lines.set(name, (line = []));
    line.push(text);
  }

  #heard(place: Place, method: Method, content: Content | null): void {
    const { connection, channel } = place;
    const where = `${connection}/${channel}`;
    const state = this.#channel(place);
    switch (method.name) {
      case "basic.deliver": {
        const { consumerTag, deliveryTag, redelivered, exchange, routingKey } = method.arguments;
        const queue = this.queueOfConsumer.get(consumerTag) ?? consumerTag;
        const { replyTo } = content!.properties;
        if (replyTo !== undefined) this.replyTo = displayText(replyTo);
        this.outstanding.push({ ...place, tag: deliveryTag, queue, body: content!.body });
        const consumer = this.profile === "consumers" ? consumerTag : undefined;
        return this.#line(`queue ${queue}`, shown({ redelivered, exchange, routingKey, consumer }, content));
      }
      case "basic.get-ok": {
        this.#unanswered--;
        const { deliveryTag, redelivered, exchange, routingKey, messageCount } = method.arguments;
        this.outstanding.push({
          ...place,
          tag: deliveryTag,
          queue: this.#getsOf(place).shift() ?? "",
          body: content!.body,
        });
        const values = { method: "get-ok", redelivered, exchange, routingKey, messageCount };
        return this.#line(`channel ${where}`, shown(values, content));
      }
      case "basic.return":
        return this.#line(`returns ${where}`, shown(method.arguments, content));
      case "basic.ack":
      case "basic.nack": {
        const { deliveryTag, multiple } = method.arguments;
        const from = multiple ? state.confirmed + 1 : deliveryTag;
        for (let tag = from; tag <= deliveryTag; tag++) {
          state.confirmed = Math.max(state.confirmed, tag);
          this.#line(`confirms ${where}`, `${String(tag).padStart(4)} ${method.name}`);
        }
        return;
      }
      case "basic.cancel":
        return this.#line(`cancels ${where}`, method.arguments.consumerTag);
      case "channel.close":
      case "connection.close": {
        this.#unanswered = 0;
        this.closings++;
        const { replyCode, replyText } = method.arguments;
        if (method.name === "connection.close") this.#connectionGone(connection);
        else {
          this.#getsOf(place).length = 0;
          this.#connections[connection]?.send(channel, "channel.close-ok", {});
          state.isOpen = false;
          this.outstanding = this.outstanding.filter(
            (each) => each.connection !== connection || each.channel !== channel,
          );
        }
        return this.#line(`channel ${where}`, `${method.name} ${replyCode} ${plainName(replyText)}`);
      }
      case "channel.flow-ok":
        this.#unanswered--;
        return;
      default:
        this.#unanswered--;
        if (method.name === "basic.get-empty") this.#getsOf(place).shift();
        if (method.name === "channel.close-ok") {
          state.isOpen = false;
          this.outstanding = this.outstanding.filter(
            (each) => each.connection !== connection || each.channel !== channel,
          );
        }
        this.#line(`channel ${where}`, `${method.name} ${plainName(JSON.stringify(this.#counted(method)))}`);
    }
  }

  /**
   * RabbitMQ counts the messages of a stream or quorum queue, and the consumers of the latter, some time later; consumers that are
   * gone but hold messages are still counted.
   */
  #counted(method: Method): object {
    if (method.name !== "queue.declare-ok" && method.name !== "queue.delete-ok") return method.arguments;
    const counted: { messageCount?: number; consumerCount?: number } = { ...method.arguments };
    if (this.profile === "quorum" || this.profile === "streams") delete counted.consumerCount;
    if (this.profile === "quorum" || this.profile === "streams") delete counted.messageCount;
    return counted;
  }

  /** What has been said, in an order that does not depend on timing. */
  view(): string {
    const lines = [...this.lines].toSorted(([a], [b]) => (a < b ? -1 : 1));
    return lines
      .map(([name, texts]) => {
        const isOrdered = name.startsWith("channel");
        return [name, ...(isOrdered ? texts : texts.toSorted())].join("\n  ");
      })
      .join("\n");
  }

  destroy(): void {
    for (const connection of this.#connections) connection?.destroy();
  }
}

/** Names that a server makes are its own, and so are the details of a frame that cannot be read. */
function plainName(text: string): string {
  return text
    .replace(/^FRAME_ERROR - .*/s, "FRAME_ERROR")
    .replaceAll(/amq\.(gen|ctag)-[\w-]+/g, "amq.$1")
    .replaceAll(/amq\.rabbitmq\.reply-to\.[\w.+/=-]+/g, "amq.rabbitmq.reply-to.name");
}

/** The order of fields says nothing. */
function comparable(value: PlainValue): PlainValue {
  if (Array.isArray(value)) return value.map((item) => comparable(item as PlainValue));
  if (value === null || typeof value !== "object" || Buffer.isBuffer(value)) return value;
  const fields = Object.entries(value as PlainTable).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(fields.map(([name, field]) => [name, comparable(field)]));
}

function shown(values: object, content: Content | null): string {
  const { headers, ...others } = content!.properties;
  const table = headers === undefined ? undefined : comparable(toPlain(headers));
  const text = JSON.stringify(
    { ...values, body: content!.body, ...others, headers: table },
    (name, value) => {
      if (name === "time" && typeof value === "number") return "time";
      if (Buffer.isBuffer(value)) return displayText(value);
      return typeof value === "bigint" ? String(value) : (value as unknown);
    },
  );
  return plainName(text);
}
