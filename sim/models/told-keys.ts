/**
 * Redis keys that one client writes, and of which a subscriber is told: each change once, in order, and which keys expire or are evicted.
 *
 * Events and answers come by different connections. What the subscriber hears is the order in which all happened: it is followed event by
 * event, and each operation, once its answer is known, must fit in where it stands. Knows nothing of the broker; the operations are in
 * told-commands.ts. Invariant: `held` is what the keys were after the last event that was followed.
 */
import { Fault } from "../model.ts";
import type { RedisReply } from "../clients/redis-client.ts";

export interface Held {
  /** Of a value: text as JSON. */
  value: string;
  /** When it expires. */
  at: number | null;
}

export interface Change {
  /** In order: `set a`. */
  readonly events: readonly string[];
  readonly apply: () => void;
}

export interface Operation {
  readonly words: readonly string[];
  readonly names: readonly string[];
  /** It looks at the first key alone where it answers so, since that one is missing. */
  readonly stopsAtFirst?: (reply: RedisReply) => boolean;
  /** What it does where it answers so: ways in which it may have gone. None: some key must be gone before. */
  readonly ways: (held: Map<string, Held>, reply: RedisReply) => Change[];
}

interface Pending {
  readonly operation: Operation;
  readonly sentAt: number;
  readonly number: number;
  reply: RedisReply | undefined;
}

export interface Rules {
  /** Whether keys are evicted that do not expire, and that do. */
  readonly evictsLasting: boolean;
  readonly evictsExpiring: boolean;
}

const unasked = new Set(["expired", "evicted"]);

export class ToldKeys {
  readonly held = new Map<string, Held>();
  readonly #name: string;
  readonly #rules: Rules;
  #pending: Pending[] = [];
  #events: string[] = [];
  /** How many events of the first operation were told. */
  #told = 0;
  #change: Change | null = null;
  #number = 0;
  #done = 0;
  evicted = 0;
  expired = 0;
  followed = 0;

  constructor(name: string, rules: Rules) {
    this.#name = name;
    this.#rules = rules;
  }

  /** Begins anew with these keys. */
  begin(keys: ReadonlyMap<string, Held>): void {
    this.held.clear();
    for (const [name, held] of keys) this.held.set(name, { ...held });
    this.#pending = [];
    this.#events = [];
    this.#told = 0;
    this.#change = null;
    this.#done = this.#number;
  }

  /** Nothing was asked for that has not been followed. */
  get isSettled(): boolean {
    return this.#pending.length === 0;
  }

  /** Keys of operations that have not been followed. */
  get pendingNames(): string[] {
    return this.#pending.flatMap(({ operation }) => operation.names);
  }

  sent(operation: Operation, now: number): (reply: RedisReply | null, isRefused: boolean) => void {
    const pending: Pending = { operation, sentAt: now, number: ++this.#number, reply: undefined };
    this.#pending.push(pending);
    return (reply, isRefused) => {
      if (isRefused) {
        const at = this.#pending.indexOf(pending);
        if (at === 0 && this.#told > 0)
          throw new Fault(`${this.#name}: ${describe(pending)} was refused, and told of`);
        if (at >= 0) this.#pending.splice(at, 1);
      } else pending.reply = reply;
    };
  }

  get lastAnswered(): number {
    let last = this.#done;
    for (const { number, reply } of this.#pending) {
      if (reply === undefined) break;
      last = number;
    }
    return last;
  }

  hears(event: string, now: number): void {
    this.#events.push(event);
    this.follow(now);
  }

  /** All events were told up to here: what was answered by then has happened. */
  mustHaveHeard(number: number, now: number): void {
    this.follow(now);
    const first = this.#pending[0];
    if (first !== undefined && first.number <= number)
      throw new Fault(
        `${this.#name}: ${describe(first)} answered ${JSON.stringify(first.reply)}, but of it was told only ${this.#told} of ${JSON.stringify(this.#change?.events ?? "nothing that fits")}; ${this.#describeKeys(first)}`,
      );
  }

  /** As far as events and answers are known. */
  follow(now: number): void {
    for (;;) {
      const first = this.#pending[0];
      const event = this.#events[0];
      if (first === undefined || first.reply === undefined) {
        if (event === undefined) return;
        const isUnasked = unasked.has(event.split(" ")[0]!);
        if (!isUnasked && first === undefined)
          throw new Fault(`${this.#name}: "${event}" was told, and nobody did that`);
        // An operation that changes nothing may come before it: its answer will tell.
        if (first !== undefined) return;
        this.#goes(event, now);
        continue;
      }
      if (this.#told === 0) {
        const ways = lookedAt(first).some((name) => this.#isOver(name, first.sentAt))
          ? []
          : first.operation.ways(this.held, first.reply);
        const silent = ways.find(({ events }) => events.length === 0);
        const fitting = silent ?? ways.find(({ events }) => events[0] === event);
        this.#change = fitting ?? ways[0] ?? null;
        if (silent !== undefined) {
          this.#doneWith(silent);
          continue;
        }
      }
      if (event === undefined) return;
      if (unasked.has(event.split(" ")[0]!)) {
        this.#goes(event, now);
        continue;
      }
      if (event !== this.#change?.events[this.#told])
        throw new Fault(
          `${this.#name}: "${event}" was told where ${describe(first)} answered ${JSON.stringify(first.reply)} and tells ${JSON.stringify(this.#change?.events ?? "nothing that fits")}, ${this.#told} of which were told; ${this.#describeKeys(first)}`,
        );
      this.#events.shift();
      this.#told++;
      if (this.#told === this.#change.events.length) this.#doneWith(this.#change);
    }
  }

  #describeKeys({ operation }: Pending): string {
    return operation.names
      .map((name) => `${name} is ${JSON.stringify(this.held.get(name) ?? null)}`)
      .join(", ");
  }

  /** It was due before the operation was sent: `expired` comes first. */
  #isOver(name: string, sentAt: number): boolean {
    const at = this.held.get(name)?.at ?? null;
    return at !== null && at < sentAt;
  }

  #doneWith(change: Change): void {
    change.apply();
    this.#done = this.#pending.shift()!.number;
    this.#told = 0;
    this.#change = null;
    this.followed++;
  }

  /** A key goes of which nobody has asked that. */
  #goes(event: string, now: number): void {
    this.#events.shift();
    const [what, name] = event.split(" ") as [string, string];
    const held = this.held.get(name);
    if (held === undefined) throw new Fault(`${this.#name}: "${event}" was told of a key that is not there`);
    if (what === "expired") {
      this.expired++;
      if (held.at === null || held.at > now)
        throw new Fault(`${this.#name}: "${event}" was told at ${now}, and its time is ${held.at}`);
    } else {
      this.evicted++;
      const { evictsLasting, evictsExpiring } = this.#rules;
      if (!(held.at === null ? evictsLasting : evictsExpiring))
        throw new Fault(
          `${this.#name}: "${event}" was told, which the policy forbids; it expires at ${held.at}`,
        );
    }
    this.held.delete(name);
  }
}

function lookedAt({ operation: { names, stopsAtFirst }, reply }: Pending): readonly string[] {
  return stopsAtFirst?.(reply!) === true ? names.slice(0, 1) : names;
}

function describe({ operation: { words } }: Pending): string {
  return words.join(" ").slice(0, 120);
}
