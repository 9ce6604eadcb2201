/**
 * What clients were told, and what must therefore be true. Knows nothing of the broker.
 *
 * Levels: `durable` survives a power failure, `written` a killed process. The journal is one sequence, so whoever was told
 * that a message is durable knows the same of everything that anybody had been told before that message was sent.
 * A fault is thrown at once, at the step where it shows.
 */

export class Fault extends Error {}

export type Level = "written" | "durable";
export type Crash = "kill" | "power";

/** Numbers what is told, and knows up to which number all is durable. */
export class Promises {
  #next = 1;
  #durableBelow = 0;
  /** How often somebody was told that something is durable. */
  durableAnswers = 0;

  /** Call it when something is told, or when a message is sent whose answer will mean durable. */
  number(): number {
    return this.#next++;
  }

  /** A message that was sent as number `sent` is durable: so is all that was told before. */
  durable(sent: number): void {
    this.durableAnswers++;
    this.#durableBelow = Math.max(this.#durableBelow, sent);
  }

  survives(told: number, level: Level, crash: Crash): boolean {
    return crash === "kill" || level === "durable" || told < this.#durableBelow;
  }
}

interface Told {
  readonly number: number;
  readonly level: Level;
  /** Its entry id, if whoever sent it was told. */
  readonly id?: string;
}

/** A log that keeps its records: a stream, a topic. Bodies are `producer/sequence`, each sent under one name only. */
export class HistoryModel {
  readonly name: string;
  /** What Kafka calls it. */
  readonly topic: string;
  readonly partition: number;
  readonly #promises: Promises;
  readonly #sent = new Set<string>();
  /** To any partition of its topic: where damage has taken one, keys lead to others. */
  readonly #sentToTopic: Set<string>;
  readonly #required = new Map<string, Told>();
  readonly #removing = new Set<string>();
  readonly #removed = new Map<string, Told>();
  /** What readers saw at an offset. */
  #seen = new Map<number, string>();
  /** Bytes of files were damaged: records may be missing, but none may be wrong. */
  isDamaged = false;

  constructor(
    name: string,
    promises: Promises,
    place = { topic: name, partition: 0, sentToTopic: new Set<string>() },
  ) {
    this.name = name;
    this.#sentToTopic = place.sentToTopic;
    this.topic = place.topic;
    this.partition = place.partition;
    this.#promises = promises;
  }

  get toldCount(): number {
    return this.#required.size;
  }

  /** Whether it was acknowledged and nobody has asked for its deletion. */
  isRequired(body: string): boolean {
    return this.#required.has(body);
  }

  /** One of those that were acknowledged which is not among these. */
  missingFrom(bodies: ReadonlySet<string>): string | undefined {
    for (const body of this.#required.keys()) if (!bodies.has(body)) return body;
    return undefined;
  }

  sent(body: string): void {
    this.#sent.add(body);
    this.#sentToTopic.add(body);
  }

  /** It must not be there, now or later. */
  refused(body: string): void {
    this.#sent.delete(body);
    this.#sentToTopic.delete(body);
  }

  told(body: string, level: Level, id?: string): void {
    if (this.#removing.has(body)) return;
    const told = { number: this.#promises.number(), level };
    this.#required.set(body, id === undefined ? told : { ...told, id });
  }

  /** Ids of entries that must be there, which somebody was told before number `asked`. */
  *idsToldBefore(asked: number): Generator<string> {
    for (const { number, id } of this.#required.values()) if (id !== undefined && number < asked) yield id;
  }

  /** Its deletion was asked for: from here on it may be there or not. */
  removing(body: string): void {
    this.#removing.add(body);
    this.#required.delete(body);
  }

  removed(body: string): void {
    this.#removed.set(body, { number: this.#promises.number(), level: "written" });
  }

  crashed(crash: Crash): void {
    for (const map of [this.#required, this.#removed]) {
      for (const [body, { number, level }] of map)
        if (!this.#promises.survives(number, level, crash)) map.delete(body);
    }
    if (crash === "power") this.#seen = new Map();
  }

  /** A reader of any protocol found this body there, as it had asked at `asked` (a number of `Promises`). */
  observe(offset: number, body: string, who: string, asked: number): void {
    this.assertSent(body, who);
    // What was cut off with the damage may be read otherwise, or again.
    if (this.isDamaged) return;
    const before = this.#seen.get(offset);
    if (before !== undefined && before !== body)
      throw new Fault(`${who}: ${this.name} has ${body} at ${offset}, where ${before} was read before`);
    const removed = this.#removed.get(body);
    if (removed !== undefined && removed.number < asked)
      throw new Fault(`${who}: ${this.name} has ${body}, which was deleted`);
    this.#seen.set(offset, body);
  }

  assertSent(body: string, who: string): void {
    if (this.#sent.has(body) || (this.isDamaged && this.#sentToTopic.has(body))) return;
    throw new Fault(`${who}: ${this.name} has "${body}", which nobody sent`);
  }

  /** All that is there, in order, as one protocol tells it. */
  check(bodies: readonly string[], who: string): void {
    const present = new Set<string>();
    const last = new Map<string, number>();
    for (const body of bodies) {
      this.assertSent(body, who);
      if (present.has(body)) throw new Fault(`${who}: ${this.name} has ${body} twice`);
      if (this.#removed.has(body) && !this.isDamaged)
        throw new Fault(`${who}: ${this.name} has ${body}, which was deleted`);
      present.add(body);
      const [producer, sequence] = splitBody(body);
      if (sequence <= (last.get(producer) ?? -1))
        throw new Fault(`${who}: ${this.name} has ${body} after ${producer}/${last.get(producer)}`);
      last.set(producer, sequence);
    }
    if (this.isDamaged) return;
    for (const body of this.#required.keys())
      if (!present.has(body)) throw new Fault(`${who}: ${this.name} lost ${body}, which was acknowledged`);
  }
}

/** A queue: each message goes to somebody until it is acknowledged. */
export class QueueModel {
  readonly name: string;
  readonly #promises: Promises;
  readonly #sent = new Set<string>();
  readonly #required = new Set<string>();
  readonly #delivered = new Set<string>();
  readonly #settled = new Map<string, Told>();
  /** Delivered, and lost by a power failure before anybody was told that they are safe; or not. */
  readonly #unsure = new Set<string>();
  isDamaged = false;

  constructor(name: string, promises: Promises) {
    this.name = name;
    this.#promises = promises;
  }

  get toldCount(): number {
    return this.#required.size;
  }

  sent(body: string): void {
    this.#sent.add(body);
  }

  /** Persistent and confirmed. */
  told(body: string): void {
    this.#required.add(body);
  }

  delivered(body: string, who: string): void {
    if (!this.#sent.has(body)) throw new Fault(`${who}: ${this.name} delivered "${body}", which nobody sent`);
    if (this.#settled.has(body) && !this.isDamaged)
      throw new Fault(`${who}: ${this.name} delivered ${body} again after its acknowledgement was taken`);
    this.#delivered.add(body);
  }

  /** The broker answered something that came after the acknowledgement. */
  settled(body: string): void {
    this.#settled.set(body, { number: this.#promises.number(), level: "written" });
  }

  crashed(crash: Crash): void {
    for (const [body, { number, level }] of this.#settled)
      if (!this.#promises.survives(number, level, crash)) this.#settled.delete(body);
    if (crash === "kill") return;
    for (const body of this.#delivered) if (!this.#required.has(body)) this.#unsure.add(body);
  }

  /** Nothing that was confirmed is still on its way. */
  get hasDeliveredAll(): boolean {
    return this.isDamaged || [...this.#required].every((body) => this.#delivered.has(body));
  }

  /** The queue is empty. */
  checkDrained(): void {
    if (this.isDamaged) return;
    for (const body of this.#required)
      if (!this.#delivered.has(body))
        throw new Fault(`${this.name} lost ${body}, which was confirmed and never delivered`);
  }

  /** All or none of them, as one transaction published them. */
  checkTogether(bodies: readonly (readonly [queue: QueueModel, body: string])[]): void {
    if (bodies.some(([queue, body]) => queue.#unsure.has(body))) return;
    const there = bodies.filter(([queue, body]) => queue.#delivered.has(body));
    if (there.length > 0 && there.length < bodies.length && !this.isDamaged)
      throw new Fault(`of one transaction only ${there.map(([, body]) => body).join(" ")} arrived`);
  }
}

/** One key that one client writes, each value once: a value that is read must be the newest told one, or a later one. */
export class KeyModel {
  readonly name: string;
  /** The newest that was told, then what was asked for since without an answer. */
  #candidates: (string | null)[] = [null];
  readonly #ever = new Set<string | null>([null]);
  #mayGoBack = false;

  constructor(name: string) {
    this.name = name;
  }

  /** The value that it must have; undefined while that is not sure. */
  get known(): string | null | undefined {
    return this.#candidates.length === 1 && !this.#mayGoBack ? this.#candidates[0] : undefined;
  }

  setting(value: string | null): void {
    this.#candidates.push(value);
    this.#ever.add(value);
  }

  /** The answer to the oldest `setting` that had none. */
  set(value: string | null): void {
    const at = this.#candidates.indexOf(value, 1);
    this.#candidates.splice(0, at < 0 ? 1 : at);
    if (at < 0) this.#candidates.unshift(value);
    this.#mayGoBack = false;
  }

  crashed(crash: Crash): void {
    if (crash === "power") this.#mayGoBack = true;
  }

  read(value: string | null, isDamaged: boolean): void {
    if (!this.#ever.has(value)) throw new Fault(`${this.name} is "${value}", which nobody set`);
    if (this.#mayGoBack || isDamaged) return;
    if (!this.#candidates.includes(value))
      throw new Fault(`${this.name} is ${value}, told was ${this.#candidates.join(" or ")}`);
  }
}

export function splitBody(body: string): [producer: string, sequence: number] {
  const [producer = "", rest = ""] = body.split("/");
  return [producer, Number.parseInt(rest, 10)];
}
