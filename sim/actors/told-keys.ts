/**
 * One client that changes Redis keys of several types, and a subscriber to their keyspace events: alone, in MULTI and in scripts, while
 * keys expire, and while they are evicted where the run has `maxmemory`. models/told-keys.ts follows what is heard.
 *
 * Where a connection is lost, all keys are looked at: what was there and not evicted is there, after a kill too; what was told to be gone is
 * gone. Not here: what each operation tells (models/told-commands.ts).
 */
import { RedisClient, type RedisReply } from "../clients/redis-client.ts";
import { type Crash, Fault } from "../model.ts";
import { lookAt, someOperation, toldNames } from "../models/told-commands.ts";
import { type Held, type Operation, ToldKeys } from "../models/told-keys.ts";
import type { Actor, World } from "../world.ts";
import { isTemporary } from "./stream-writer.ts";

const script = `
local replies = {}
for i, words in ipairs(cjson.decode(ARGV[1])) do replies[i] = redis.pcall(unpack(words)) end
return replies`;

const waitingMax = 4;

type Found = Map<string, Held>;

export class ToldKeysActor implements Actor {
  readonly name: string;
  readonly #world: World;
  readonly #database: number;
  readonly #model: ToldKeys;
  /** By the name of the key, else by that of the event. */
  readonly #isByKey: boolean;
  #client: RedisClient | null = null;
  #subscriber: RedisClient | null = null;
  /** Where all keys were looked at, by its mark in the messages; 0: it has still to be done. */
  #epoch = 0;
  #lastEpoch = 0;
  #isMarked = false;
  #found: Found | null = null;
  #isLooking = false;
  /** Keys of which it is not known what they were. */
  readonly #unsure = new Set<string>(toldNames);
  #jumps = 0;
  #isAsking = false;
  #number = 0;
  #isChecked = false;
  #counted = { evicted: 0, expired: 0, followed: 0 };

  constructor(world: World, name: string, database: number) {
    this.#world = world;
    this.name = name;
    this.#database = database;
    const policy = world.settings.policy ?? "noeviction";
    this.#model = new ToldKeys(name, {
      evictsLasting: policy.startsWith("allkeys"),
      evictsExpiring: policy !== "noeviction",
    });
    this.#isByKey = world.random.chance(0.5);
    world.crashListeners.push((crash) => this.#crashed(crash));
  }

  get isIdle(): boolean {
    return this.#isChecked || this.#world.isDamaged;
  }

  act(): void {
    if (this.#connect() || this.#world.isDamaged) return;
    const { random, isDraining } = this.#world;
    if (this.#hasJumped) return this.#forget(true);
    if (this.#epoch === 0) return this.#lookAtAll();
    if (this.#isLooking) return;
    if (isDraining) return this.#finish();
    if (!this.#isAsking && random.chance(0.2)) this.#ask();
    else if (random.chance(0.005)) random.pick([this.#client!, this.#subscriber!]).cut();
    else if (this.#client!.waiting < waitingMax) this.#change();
  }

  /** Somebody has set the clock: when a key is due is not known. */
  get #hasJumped(): boolean {
    return (this.#world.counts["clock jumps"] ?? 0) !== this.#jumps;
  }

  #crashed(crash: Crash): void {
    if (crash === "power") this.#forget(true);
  }

  /** The keys are to be looked at. `isAll`: nothing of what was known counts any more. */
  #forget(isAll: boolean): void {
    this.#count();
    this.#epoch = 0;
    this.#isChecked = false;
    this.#found = null;
    this.#jumps = this.#world.counts["clock jumps"] ?? 0;
    for (const name of isAll ? toldNames : this.#model.pendingNames) this.#unsure.add(name);
    // What is still under way belongs to what was before.
    if (isAll) {
      this.#client?.cut();
      this.#subscriber?.cut();
    }
    this.#model.begin(new Map(this.#model.held));
  }

  #connect(): boolean {
    const isLost = (client: RedisClient | null): boolean => client === null || client.isLost;
    if (!isLost(this.#client) && !isLost(this.#subscriber)) return false;
    if (this.#epoch !== 0) this.#forget(false);
    this.#isLooking = this.#isAsking = false;
    this.#client?.cut();
    this.#subscriber?.cut();
    const [link, other] = [this.#world.connect("redis"), this.#world.connect("redis")];
    if (link === null || other === null) return true;
    this.#client = new RedisClient(link);
    this.#client.call(["SELECT", this.#database], () => {});
    const subscriber = new RedisClient(other, (message) => {
      if (subscriber === this.#subscriber) this.#hears(message as string[]);
    });
    this.#subscriber = subscriber;
    const kind = this.#isByKey ? "keyspace" : "keyevent";
    subscriber.call(["PSUBSCRIBE", `__${kind}@${this.#database}__:*`, `mark ${this.name}`], () => {});
    // The second pattern is answered on its own.
    subscriber.expect(() => {});
    return true;
  }

  #hears([, , channel, text]: string[]): void {
    if (channel === `mark ${this.name}`) {
      if (Number(text) === this.#epoch) this.#isMarked = true;
      return this.#begin();
    }
    if (this.#epoch === 0 || !this.#isMarked || this.#hasJumped) return;
    const other = channel!.slice(channel!.indexOf(":") + 1);
    const event = this.#isByKey ? `${text} ${other}` : `${other} ${text}`;
    this.#world.note(`${this.name} hears ${event}`);
    // Until the answer has come it is not known what there was.
    if (this.#isLooking) this.#heard.push(event);
    else this.#model.hears(event, this.#world.time.now());
  }

  readonly #heard: string[] = [];

  /** Asks for all keys in one step, which has its place among the events. */
  #lookAtAll(): void {
    if (this.#isLooking || this.#isAsking || this.#client!.waiting > 0 || this.#subscriber!.waiting > 0)
      return;
    const client = this.#client!;
    const epoch = ++this.#lastEpoch;
    this.#epoch = epoch;
    this.#isLooking = true;
    this.#isMarked = false;
    this.#heard.length = 0;
    const from = this.#world.time.now();
    const looks = toldNames.flatMap((name) => [lookAt(name).words, ["PEXPIRETIME", name]]);
    const mark = ["PUBLISH", `mark ${this.name}`, String(epoch)];
    // Without memory a transaction is refused whatever is in it.
    client.call(
      ["EVAL", `#!lua flags=allow-oom${script}`, "0", JSON.stringify([...looks, mark])],
      (reply, isLost) => {
        if (epoch !== this.#epoch || isLost || this.#hasJumped) return;
        if (!Array.isArray(reply) || reply.some(isTemporary)) {
          this.#isLooking = false;
          this.#epoch = 0;
          return;
        }
        const found: Found = new Map();
        for (const [i, name] of toldNames.entries()) {
          const value = lookAt(name).held(reply[i * 2]!);
          const at = reply[i * 2 + 1] as number;
          if (value !== null) found.set(name, { value, at: at < 0 ? null : at });
        }
        this.#found = found;
        this.#check(found, from);
        this.#begin();
      },
    );
  }

  /** What is there against what was there, where that is known. */
  #check(found: Found, from: number): void {
    if (this.#world.isDamaged) return;
    const { policy } = this.#world.settings;
    for (const name of toldNames) {
      if (this.#unsure.has(name)) continue;
      const before = this.#model.held.get(name);
      const now = found.get(name);
      const isSame = before?.value === now?.value && (before?.at ?? null) === (now?.at ?? null);
      if (isSame) continue;
      const isOver = before !== undefined && before.at !== null && before.at <= this.#world.time.now();
      const canBeEvicted =
        before !== undefined &&
        name[0] !== "x" &&
        policy !== null &&
        policy !== "noeviction" &&
        (before.at !== null || policy.startsWith("allkeys"));
      if (now === undefined && (isOver || canBeEvicted)) continue;
      throw new Fault(
        `${this.name}: ${name} is ${JSON.stringify(now ?? null)}, and was ${JSON.stringify(before ?? null)} (asked at ${from})`,
      );
    }
    this.#world.count("looks at all keys that a subscriber hears of");
  }

  #begin(): void {
    const found = this.#found;
    if (found === null || !this.#isMarked) return;
    this.#isLooking = false;
    this.#found = null;
    this.#unsure.clear();
    this.#model.begin(found);
    for (const event of this.#heard.splice(0)) this.#model.hears(event, this.#world.time.now());
  }

  #change(): void {
    const { random, time } = this.#world;
    const choice = random.next();
    const count = choice < 0.6 ? 1 : random.between(1, 5);
    const operations = Array.from({ length: count }, () => someOperation(random, ++this.#number, time.now()));
    if (choice < 0.6)
      return this.#send(operations, (answer) =>
        this.#client!.call(operations[0]!.words, (reply, isLost) => answer([reply], isLost)),
      );
    if (choice < 0.8)
      return this.#send(operations, (answer) => {
        this.#client!.call(["MULTI"], () => {});
        for (const { words } of operations) this.#client!.call(words, () => {});
        this.#client!.call(["EXEC"], answer);
      });
    const all = JSON.stringify(operations.map(({ words }) => words));
    this.#send(operations, (answer) => this.#client!.call(["EVAL", script, "0", all], answer));
  }

  #send(
    operations: readonly Operation[],
    call: (answer: (reply: RedisReply, isLost: boolean) => void) => void,
  ): void {
    const { time } = this.#world;
    const epoch = this.#epoch;
    const answers = operations.map((operation) => this.#model.sent(operation, time.now()));
    this.#world.note(
      `${this.name}: ${operations
        .map(({ words }) => words.join(" "))
        .join("; ")
        .slice(0, 300)}`,
    );
    call((reply, isLost) => {
      if (isLost || epoch !== this.#epoch || this.#hasJumped) return;
      this.#world.note(
        `${this.name} is answered ${Array.isArray(reply) ? JSON.stringify(reply) : String(reply)}`.slice(
          0,
          200,
        ),
      );
      // Refused as a whole.
      if (reply instanceof Error && !isTemporary(reply) && !reply.message.startsWith("EXECABORT"))
        throw new Fault(`${this.name}: a transaction or script answered ${reply.message}`);
      for (const [i, answer] of answers.entries()) {
        const each = Array.isArray(reply) ? reply[i]! : reply;
        answer(each, isTemporary(each) || !Array.isArray(reply));
      }
      this.#model.follow(time.now());
    });
  }

  /** With its answer all that was answered before has been heard. */
  #ask(): void {
    const epoch = this.#epoch;
    const number = this.#model.lastAnswered;
    this.#isAsking = true;
    const subscriber = this.#subscriber!;
    subscriber.call(["PING"], (_reply, isLost) => {
      if (subscriber !== this.#subscriber) return;
      this.#isAsking = false;
      if (isLost || epoch !== this.#epoch || this.#hasJumped || this.#world.isDamaged) return;
      this.#model.mustHaveHeard(number, this.#world.time.now());
      this.#count();
    });
  }

  #count(): void {
    const { evicted, expired, followed } = this.#model;
    const before = this.#counted;
    for (let i = before.evicted; i < evicted; i++) this.#world.count("keys told to be evicted");
    for (let i = before.expired; i < expired; i++) this.#world.count("keys told to have expired");
    for (let i = before.followed; i < followed; i++)
      this.#world.count("operations on keys that were followed");
    this.#counted = { evicted, expired, followed };
  }

  /** All is heard, and memory is within its bound. */
  #finish(): void {
    const client = this.#client!;
    if (this.#isAsking || client.waiting > 0 || this.#isChecked) return;
    if (!this.#model.isSettled) return this.#ask();
    const epoch = this.#epoch;
    client.call(["INFO", "memory"], (reply, isLost) => {
      if (isLost || epoch !== this.#epoch || typeof reply !== "string") return;
      const [used, most] = ["used_memory", "maxmemory"].map((name) =>
        Number(new RegExp(`\\b${name}:(\\d+)`).exec(reply)![1]),
      ) as [number, number];
      const policy = this.#world.settings.policy ?? "noeviction";
      const mayGo = [...this.#model.held].some(
        ([name, { at }]) =>
          name[0] !== "x" && policy !== "noeviction" && (at !== null || policy.startsWith("allkeys")),
      );
      this.#world.note(`${this.name}: ${used} bytes of ${most} are used`);
      // It is removed in later turns.
      this.#isChecked = most === 0 || used <= most || !mayGo;
    });
  }
}
