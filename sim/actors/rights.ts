/**
 * A user whose right to write to one stream is given and taken by an operator, and who is deleted and made again. The user's
 * connections, of Redis and of Kafka, stay open meanwhile: what is taken holds from the next request on, in both, and after
 * any crash.
 *
 * One request at a time, of either, so that each meets the right as the last answer left it.
 */
import { makeBatch } from "../clients/kafka-batch.ts";
import { KafkaClient } from "../clients/kafka-client.ts";
import { RedisClient, type RedisReply } from "../clients/redis-client.ts";
import { Fault, type HistoryModel, type Level } from "../model.ts";
import { type Right, RightModel } from "../models/right.ts";
import type { Actor, World } from "../world.ts";
import { isRefusedForNow } from "./producer.ts";
import { isTemporary } from "./stream-writer.ts";

export const guardedStream = "guarded";
const topicAuthorizationFailed = 29;
const password = "any";

export class RightsActor implements Actor {
  readonly name: string;
  readonly model: RightModel;
  readonly #world: World;
  readonly #stream: HistoryModel;
  #operator: RedisClient | null = null;
  #user: RedisClient | null = null;
  /** AUTH was answered. */
  #isLoggedIn = false;
  #kafka: KafkaClient | null = null;
  #isKafkaLoggedIn = false;
  #producer = "";
  #sequence = 0;

  constructor(world: World, name: string, stream: HistoryModel) {
    this.#world = world;
    this.name = name;
    this.#stream = stream;
    this.model = new RightModel(`user ${name}`, world.promises);
    world.rights.push(this.model);
  }

  get isIdle(): boolean {
    return [this.#operator, this.#user, this.#kafka].every((client) => (client?.waiting ?? 0) === 0);
  }

  act(): void {
    if (!this.isIdle || this.#world.isDraining) return;
    const { random } = this.#world;
    const operator = this.#connected(this.#operator, (client) => (this.#operator = client));
    const user = this.#connected(this.#user, (client) => {
      this.#user = client;
      this.#isLoggedIn = false;
    });
    if (operator === null || user === null) return;
    if (this.#kafka === null || this.#kafka.isLost) return this.#connectKafka();
    if (random.chance(0.25)) this.#change(operator);
    else if (random.chance(0.4)) this.#useKafka(this.#kafka);
    else if (!this.#isLoggedIn) this.#logIn(user);
    else if (random.chance(0.2)) this.#read(user);
    else this.#write(user);
  }

  #connected(client: RedisClient | null, set: (client: RedisClient) => void): RedisClient | null {
    if (client !== null && !client.isLost) return client;
    const link = this.#world.connect("redis");
    if (link === null) return null;
    const made = new RedisClient(link);
    set(made);
    return made;
  }

  #connectKafka(): void {
    const link = this.#world.connect("kafka");
    if (link === null) return;
    this.#kafka = new KafkaClient(link);
    this.#isKafkaLoggedIn = false;
  }

  #change(operator: RedisClient): void {
    const { random, promises } = this.#world;
    const right = random.pick<Right>(["given", "given", "taken", "taken", "none"]);
    const keys = right === "given" ? [`~${guardedStream}`] : [`%R~${guardedStream}`];
    const words =
      right === "none"
        ? ["DELUSER", this.name]
        : ["SETUSER", this.name, "on", "resetpass", `>${password}`, "+@all", "resetkeys", ...keys];
    const sent = promises.number();
    operator.call(["ACL", ...words], (reply, isLost) => {
      if (isLost || isTemporary(reply)) return this.model.mayHaveChanged(right);
      if (reply instanceof Error) throw new Fault(`${this.name}: ACL answered ${reply.message}`);
      this.#world.count("rights given and taken");
      this.#world.note(`${this.name}: the right is ${right}`);
      if (typeof reply === "number")
        this.model.seen(`DELUSER answered ${reply}`, reply === 0 ? ["none"] : ["given", "taken"]);
      this.model.changed(right);
      promises.durable(sent);
    });
  }

  #logIn(user: RedisClient): void {
    user.call(["AUTH", this.name, password], (reply, isLost) => {
      if (isLost || isTemporary(reply)) return;
      this.#isLoggedIn = reply === "OK";
      this.model.seen(`AUTH answered ${String(reply)}`, this.#isLoggedIn ? ["given", "taken"] : ["none"]);
      this.#startProducer();
    });
  }

  #startProducer(): void {
    this.#producer = this.#world.newProducer();
    this.#sequence = 0;
  }

  /** What is sent while the right is surely taken must never be seen. */
  #newBody(): string {
    const body = `${this.#producer}/${this.#sequence++}`;
    if (this.model.mayBeGiven) this.#stream.sent(body);
    return body;
  }

  #taken(what: string, body: string, level: Level, sent: number, id?: string): void {
    this.model.seen(`${what} was taken`, ["given"]);
    this.#world.count("writes by right");
    this.#stream.told(body, level, id);
    if (level === "durable") this.#world.promises.durable(sent);
  }

  #refused(what: string, body: string): void {
    this.#world.count("writes refused");
    this.#stream.refused(body);
    this.model.seen(`${what} was refused`, ["taken"]);
  }

  #write(user: RedisClient): void {
    const body = this.#newBody();
    const sent = this.#world.promises.number();
    user.call(["XADD", guardedStream, "*", "body", body], (reply, isLost) => {
      if (isLost || isTemporary(reply)) return;
      if (isNoPermission(reply)) return this.#refused("XADD", body);
      if (typeof reply !== "string") throw new Fault(`${this.name}: XADD answered ${String(reply)}`);
      this.#taken("XADD", body, this.#world.redisStreamsLevel, sent, reply);
    });
  }

  #useKafka(client: KafkaClient): void {
    if (this.#isKafkaLoggedIn) this.#produce(client);
    else this.#logInToKafka(client);
  }

  #logInToKafka(client: KafkaClient): void {
    client.request("SaslHandshake", 1, { mechanism: "PLAIN" }, () => {});
    const authBytes = Buffer.from(`\0${this.name}\0${password}`);
    client.request("SaslAuthenticate", 1, { authBytes }, (answer) => {
      if (answer === null) return;
      this.#isKafkaLoggedIn = answer.errorCode === 0;
      this.model.seen(
        `SaslAuthenticate answered ${answer.errorCode}`,
        this.#isKafkaLoggedIn ? ["given", "taken"] : ["none"],
      );
      this.#startProducer();
    });
  }

  #produce(client: KafkaClient): void {
    const { promises, time, acksAllLevel } = this.#world;
    const body = this.#newBody();
    const sent = promises.number();
    const head = { timestamp: time.now(), producerId: -1, producerEpoch: -1, baseSequence: -1 };
    const partitionData = [{ index: 0, records: makeBatch({ values: [body], ...head }) }];
    const topicData = [{ name: guardedStream, partitionData }];
    client.request("Produce", 9, { acks: -1, timeoutMs: 10_000, topicData }, (answer) => {
      const errorCode = answer?.responses[0]?.partitionResponses[0]?.errorCode;
      if (errorCode === undefined) return;
      if (errorCode === topicAuthorizationFailed) return this.#refused("Produce", body);
      if (errorCode === 0) this.#taken("Produce", body, acksAllLevel, sent);
      else if (!isRefusedForNow(this.#world, errorCode))
        throw new Fault(`${this.name}: Produce answered ${errorCode}`);
    });
  }

  /** The right to read stays. */
  #read(user: RedisClient): void {
    user.call(["XLEN", guardedStream], (reply, isLost) => {
      if (isLost || isTemporary(reply)) return;
      if (typeof reply !== "number" && !this.#world.isDamaged)
        throw new Fault(`${this.name}: XLEN answered ${String(reply)}`);
      this.model.seen("XLEN was answered", ["given", "taken"]);
    });
  }
}

function isNoPermission(reply: RedisReply): boolean {
  return reply instanceof Error && reply.message.startsWith("NOPERM");
}
