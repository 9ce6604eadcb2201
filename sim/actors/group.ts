/** A Redis consumer group: XREADGROUP by two consumers of one connection, XACK. */
import { RedisClient, type RedisReply } from "../clients/redis-client.ts";
import { Fault, GroupModel, type HistoryModel } from "../model.ts";
import type { Actor, World } from "../world.ts";
import { isTemporary } from "./stream-writer.ts";

const waitingMax = 4;

export class GroupActor implements Actor {
  readonly name: string;
  readonly #world: World;
  readonly stream: HistoryModel;
  readonly model: GroupModel;
  #client: RedisClient | null = null;
  #held: string[] = [];

  constructor(world: World, name: string, stream: HistoryModel) {
    this.#world = world;
    this.name = name;
    this.stream = stream;
    this.model = new GroupModel(`group ${name} of ${stream.name}`, world.promises);
    world.groups.push(this.model);
  }

  get isIdle(): boolean {
    return this.#client === null || this.#client.waiting === 0;
  }

  act(): void {
    const client = this.#client;
    if (client === null || client.isLost) return this.#connect();
    if (this.#world.isDraining || client.waiting >= waitingMax) return;
    if (this.#held.length > 0 && this.#world.random.chance(0.5)) this.#ack(client);
    else this.#read(client);
  }

  #connect(): void {
    const link = this.#world.connect("redis");
    if (link === null) return;
    this.#held = [];
    this.#client = new RedisClient(link);
    this.#client.call(["XGROUP", "CREATE", this.stream.name, this.name, "0", "MKSTREAM"], () => {});
  }

  #read(client: RedisClient): void {
    const consumer = this.#world.random.pick(["one", "two"]);
    const count = this.#world.random.between(1, 6);
    client.call(
      ["XREADGROUP", "GROUP", this.name, consumer, "COUNT", count, "STREAMS", this.stream.name, ">"],
      (reply, isLost) => {
        if (isLost) this.model.hasLostRead = true;
        else if (reply instanceof Error) {
          if (!isTemporary(reply) && !reply.message.startsWith("NOGROUP"))
            throw new Fault(`${this.name}: XREADGROUP answered ${reply.message}`);
        } else this.#take(reply, consumer);
      },
    );
  }

  #take(reply: RedisReply, consumer: string): void {
    for (const [id, fields] of entriesOf(reply)) {
      this.#world.count("entries read by a group");
      this.model.read(id, consumer);
      const body = fields?.[fields.indexOf("body") + 1];
      if (body !== undefined) this.stream.assertSent(body, this.name);
      this.#held.push(id);
    }
  }

  #ack(client: RedisClient): void {
    const [id] = this.#held.splice(this.#world.random.below(this.#held.length), 1) as [string];
    this.model.acking(id);
    client.call(["XACK", this.stream.name, this.name, id], (reply, isLost) => {
      if (isLost || isTemporary(reply)) return;
      if (reply !== 1 && !this.#world.isDamaged)
        throw new Fault(`${this.name}: XACK ${id} answered ${String(reply)}`);
      this.#world.count("entries acknowledged");
      this.model.acked(id);
    });
  }
}

/** Entries of the one stream of a reply to XREAD or XREADGROUP. */
function entriesOf(reply: RedisReply): [id: string, fields: string[] | null][] {
  if (reply === null) return [];
  const streams = reply as [string, [string, string[] | null][]][];
  return streams[0]?.[1] ?? [];
}
