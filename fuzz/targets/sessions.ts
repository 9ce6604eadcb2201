/**
 * The real sessions of a real broker, fed with mutated conversations in random pieces.
 *
 * Exchange `x` and the topic exchange lead to stream `mix` and queue `q`, which have all protocols among their writers;
 * what is new in the stream is then read by all three.
 *
 * After each input: nothing was logged as an error or told as an internal one, what was said in return is bounded, a
 * connection of each protocol that had been there before gets the right answer, and what it had stored is as it was.
 * Inputs that may by right change what the probes look at (FLUSHALL, CLIENT KILL) are excused from that last part, and
 * the next one gets a fresh broker.
 */
import { Seeded } from "../../sim/seeded.ts";
import { crc32 } from "../../src/base/checksum/crc32.ts";
import { limits } from "../../src/base/limits.ts";
import { amqpConversations, amqpPreamble, handshake, publish, said } from "../conversations/amqp.ts";
import {
  apiVersionsRequest,
  fetched,
  kafkaConversations,
  memberPlaceholder,
} from "../conversations/kafka.ts";
import { redisConversations } from "../conversations/redis.ts";
import { amqpFormat } from "../formats/amqp.ts";
import { kafkaFormat } from "../formats/kafka.ts";
import { command, respFormat } from "../formats/resp.ts";
import type { Format } from "../mutate.ts";
import { type Peer, Rig } from "../rig.ts";
import { promise, seedsOf, type Subject, type Target } from "../target.ts";

/** So many inputs for one broker: what an input needs before it may have come with another. */
const inputsPerRig = 100;
const piecesMax = 12;
const excusedWords = /flush|swapdb|kill|config|pause/i;
/** Replies to small requests may be large, up to where a connection is no longer answered, and one reply beyond. */
const outputBytesMax = limits.outputHighWaterBytes + (8 << 20);
const settleMs = 20;

const probeBody = Buffer.from("what nobody touches");
const probeKey = "fuzz-untouched";

class SessionSubject implements Subject {
  readonly #name: "redis" | "amqp" | "kafka";
  readonly #rig: Rig;
  readonly #redis: Peer;
  readonly #amqp: Peer;
  readonly #kafka: Peer;
  readonly #kafkaAnswer: Buffer;
  readonly #amqpReader: Peer;
  #mixRead = 0;
  #inputs = 0;
  isSpent = false;

  private constructor(protocol: "redis" | "amqp" | "kafka", rig: Rig) {
    this.#name = protocol;
    this.#rig = rig;
    rig.broker.createVhost("probe");
    rig.addUser("probe", "probe");
    this.#redis = rig.connect("redis");
    this.#amqp = rig.connect("amqp");
    this.#kafka = rig.connect("kafka");
    this.#ask(this.#redis, command("SET", probeKey, probeBody));
    const own = said(1, "queue.declare", { queue: "own" });
    this.#ask(this.#amqp, Buffer.concat([handshake("probe", "probe"), own, publish("", "own", probeBody)]));
    this.#kafkaAnswer = this.#ask(this.#kafka, apiVersionsRequest());
    promise(this.#kafkaAnswer.length > 100, "the probes are not set up");
    this.#amqpReader = rig.connect("amqp");
    const mix = said(1, "queue.declare", { queue: "mix", durable: true, arguments: streamArguments });
    const queue = said(1, "queue.declare", { queue: "q", durable: true });
    const exchange = said(1, "exchange.declare", { exchange: "x", type: "fanout" });
    const bindings = ["x", "amq.topic"].flatMap((name) =>
      ["mix", "q"].map((each) => said(1, "queue.bind", { queue: each, exchange: name, routingKey: "#" })),
    );
    const all = [
      handshake("/"),
      mix,
      queue,
      exchange,
      ...bindings,
      said(1, "basic.qos", { prefetchCount: 10 }),
    ];
    const heard = this.#ask(this.#amqpReader, Buffer.concat(all));
    promise(!isChannelClosed(heard), "the shared logs are not set up");
    this.#probe();
  }

  static async open(name: "redis" | "amqp" | "kafka"): Promise<SessionSubject> {
    return new SessionSubject(name, await Rig.open());
  }

  #ask(peer: Peer, request: Buffer): Buffer {
    peer.send(Buffer.from(request));
    this.#rig.settle();
    return peer.take();
  }

  #probe(): void {
    const pong = this.#ask(this.#redis, Buffer.concat([command("PING"), command("GET", probeKey)]));
    promise(
      pong.includes("+PONG\r\n") && pong.includes(probeBody),
      `Redis says ${pong.toString("latin1", 0, 200)}`,
    );
    // The tag is the connection's own count; reject all that is held instead of knowing it.
    const got = this.#ask(this.#amqp, said(1, "basic.get", { queue: "own" }));
    promise(got.includes(probeBody), `AMQP says ${got.toString("latin1", 0, 200)}`);
    const back = this.#ask(
      this.#amqp,
      said(1, "basic.nack", { deliveryTag: 0, multiple: true, requeue: true }),
    );
    promise(back.length === 0, `AMQP says ${back.toString("latin1", 0, 200)}`);
    const versions = this.#ask(this.#kafka, apiVersionsRequest());
    promise(versions.equals(this.#kafkaAnswer), `Kafka says ${versions.toString("latin1", 0, 200)}`);
  }

  /** What came into the shared stream is read by every protocol, whoever wrote it. */
  #readAcross(): void {
    const queue = this.#rig.broker.defaultVhost.queues.get("mix");
    if (queue === undefined || queue.kind !== "stream" || queue.log.nextOffset === this.#mixRead) return;
    this.#mixRead = queue.log.nextOffset;
    const from = Math.max(queue.log.firstOffset, this.#mixRead - readAcrossMax);
    if (from >= this.#mixRead) return;
    const entries = this.#ask(
      this.#redis,
      command("XREVRANGE", "mix", "+", "-", "COUNT", String(readAcrossMax)),
    );
    promise(entries[0] === 0x2a, `Redis reads ${entries.toString("latin1", 0, 200)}`);
    promise(this.#ask(this.#kafka, fetched("mix", from)).length > 0, "Kafka reads nothing");
    const start = [{ name: "x-stream-offset", field: { type: "l" as const, value: from } }];
    const consume = said(1, "basic.consume", { queue: "mix", consumerTag: "reader", arguments: start });
    const delivered = this.#ask(this.#amqpReader, consume);
    promise(
      delivered.length > 0 && !isChannelClosed(delivered),
      `AMQP reads ${delivered.toString("latin1", 0, 200)}`,
    );
    const over = [
      said(1, "basic.ack", { multiple: true }),
      said(1, "basic.cancel", { consumerTag: "reader" }),
    ];
    this.#ask(this.#amqpReader, Buffer.concat(over));
  }

  run(sent: Buffer): void {
    let input = sent;
    const rig = this.#rig;
    const peer = rig.connect(this.#name);
    const random = new Seeded(crc32(input, 0, input.length));
    for (let at = 0; at < input.length && !peer.isClosed && !peer.isPaused;) {
      const left = input.length - at;
      const size = random.chance(0.5)
        ? 1 + random.below(Math.ceil(left / 2))
        : Math.ceil(left / piecesMax) + random.below(left);
      peer.send(Buffer.from(input.subarray(at, at + size)));
      at += size;
      if (random.chance(0.5)) {
        rig.settle();
        input = withMember(input, peer);
      }
      if (random.chance(0.05)) rig.time.advance(settleMs);
    }
    rig.settle();
    if (random.chance(0.2)) rig.time.advance(settleMs);
    rig.settle();
    const heard = peer.take();
    // What waits for an answer goes with its connection.
    if (!peer.isClosed) peer.destroy();
    rig.settle();
    promise(rig.errors.length === 0, `logged: ${rig.errors.join("; ")}`);
    const text = heard.toString("latin1", 0, Math.min(heard.length, 1 << 20));
    const isInternal = text.includes("internal error") || text.includes("INTERNAL_ERROR");
    promise(!isInternal, `an internal error was told: ${text.slice(0, 300)}`);
    const most = outputBytesMax + 64 * input.length;
    promise(peer.sizeReceived <= most, `${input.length} bytes got ${peer.sizeReceived} in return`);
    this.#inputs++;
    this.isSpent = this.#inputs >= inputsPerRig;
    if (this.#name === "redis" && excusedWords.test(input.toString("latin1", 0, input.length))) {
      this.isSpent = true;
      return;
    }
    this.#readAcross();
    promise(rig.errors.length === 0, `reading what came, logged: ${rig.errors.join("; ")}`);
    this.#probe();
  }
}

const streamArguments = [{ name: "x-queue-type", field: { type: "S" as const, value: "stream" } }];
const channelClose = Buffer.from([0, 20, 0, 40]);
const readAcrossMax = 3;

/** What was heard is from a channel that has ended. */
function isChannelClosed(heard: Buffer): boolean {
  return heard.includes(channelClose);
}

const member = Buffer.from(memberPlaceholder);
const memberPattern = /fuzz-[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/;

/** Puts the id that the group has given where the conversation could not know it. */
function withMember(input: Buffer, peer: Peer): Buffer {
  if (!input.includes(member)) return input;
  const told = memberPattern.exec(peer.heard().toString("latin1"))?.[0];
  if (told === undefined || told === memberPlaceholder) return input;
  const changed = Buffer.from(input);
  for (let at = changed.indexOf(member); at >= 0; at = changed.indexOf(member, at))
    changed.write(told, at, "latin1");
  return changed;
}

function sessionTarget(
  name: "redis" | "amqp" | "kafka",
  weight: number,
  format: Format,
  conversations: () => Buffer[],
  preamble: number,
): Target {
  return {
    name: `${name}-session`,
    weight,
    format,
    seeds: () => seedsOf(format, conversations(), preamble),
    open: () => SessionSubject.open(name),
    // Chunks of the store, outputs, tables of a new topic.
    bytesAllocatedMax: [96 << 20, 1024],
  };
}

export const sessions: readonly Target[] = [
  sessionTarget("redis", 10, respFormat, redisConversations, 0),
  sessionTarget("amqp", 10, amqpFormat, amqpConversations, amqpPreamble),
  sessionTarget("kafka", 8, kafkaFormat, kafkaConversations, 1),
];
