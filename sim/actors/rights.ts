/**
 * A user whose right to write to one stream is given and taken by an operator, and who is deleted and made again. The user's
 * connection stays open meanwhile: what is taken holds from the next request on, and after any crash.
 *
 * One request at a time, of either, so that each meets the right as the last answer left it.
 */
import { RedisClient, type RedisReply } from "../clients/redis-client.ts";
import { Fault, type HistoryModel } from "../model.ts";
import { type Right, RightModel } from "../models/right.ts";
import type { Actor, World } from "../world.ts";
import { isTemporary } from "./stream-writer.ts";

export const guardedStream = "guarded";

export class RightsActor implements Actor {
  readonly name: string;
  readonly model: RightModel;
  readonly #world: World;
  readonly #stream: HistoryModel;
  #operator: RedisClient | null = null;
  #user: RedisClient | null = null;
  /** AUTH was answered. */
  #isLoggedIn = false;
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
    return (this.#operator?.waiting ?? 0) === 0 && (this.#user?.waiting ?? 0) === 0;
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
    if (random.chance(0.25)) this.#change(operator);
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

  #change(operator: RedisClient): void {
    const { random, promises } = this.#world;
    const right = random.pick<Right>(["given", "given", "taken", "taken", "none"]);
    const keys = right === "given" ? [`~${guardedStream}`] : [`%R~${guardedStream}`];
    const words =
      right === "none"
        ? ["DELUSER", this.name]
        : ["SETUSER", this.name, "on", "nopass", "+@all", "resetkeys", ...keys];
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
    user.call(["AUTH", this.name, "any"], (reply, isLost) => {
      if (isLost || isTemporary(reply)) return;
      this.#isLoggedIn = reply === "OK";
      this.model.seen(`AUTH answered ${String(reply)}`, this.#isLoggedIn ? ["given", "taken"] : ["none"]);
      this.#producer = this.#world.newProducer();
      this.#sequence = 0;
    });
  }

  #write(user: RedisClient): void {
    const { promises, redisStreamsLevel } = this.#world;
    const body = `${this.#producer}/${this.#sequence++}`;
    if (this.model.mayBeGiven) this.#stream.sent(body);
    const sent = promises.number();
    user.call(["XADD", guardedStream, "*", "body", body], (reply, isLost) => {
      if (isLost || isTemporary(reply)) return;
      if (this.#isRefused(reply)) {
        this.#stream.refused(body);
        return this.model.seen("XADD was refused", ["taken"]);
      }
      if (typeof reply !== "string") throw new Fault(`${this.name}: XADD answered ${String(reply)}`);
      this.model.seen("XADD was taken", ["given"]);
      this.#world.count("writes by right");
      this.#stream.told(body, redisStreamsLevel, reply);
      if (redisStreamsLevel === "durable") promises.durable(sent);
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

  #isRefused(reply: RedisReply): boolean {
    const isRefused = reply instanceof Error && reply.message.startsWith("NOPERM");
    if (isRefused) this.#world.count("writes refused");
    return isRefused;
  }
}
