/**
 * A few Redis keys of every type, in two databases, and commands that run on a copy of them: a pure function from keys and commands
 * to replies and other keys.
 *
 * Not here: the commands (small-redis-commands.ts), what a client was told (`Uncertain` holds the keys that are possible). Invariant: keys, members and fields are kept in one order, so that equal keys are equal JSON.
 */

export type Value =
  | { readonly type: "string"; text: string }
  | { readonly type: "list"; items: string[] }
  | { readonly type: "set"; members: string[] }
  /** Name, value, when it expires. */
  | { readonly type: "hash"; fields: [string, string, number | null][] }
  | { readonly type: "zset"; members: [string, number][] }
  /** Ids are `number-1`. One group, `g`, with one consumer, `c`. */
  | { readonly type: "stream"; entries: [number, string][]; group: Group | null };

export interface Group {
  last: number;
  pending: number[];
  /** A consumer that asked in vain was seen, which is not written, as in Redis's append-only file. */
  isSeenWritten: boolean;
}

export interface Key {
  value: Value;
  at: number | null;
}

/** By `database:name`. */
export type Keys = Readonly<Record<string, Key>>;

export type SmallReply = string | number | null | SmallReply[];

/** Any reply but null: the model does not know the bytes. */
export const something = "\0something";

export class Refused extends Error {}

/** An error's code is what is compared. */
export function errorReply(code: string): string {
  return `!${code}`;
}

export type Of<Type extends Value["type"]> = Extract<Value, { type: Type }>;

export const empty: { readonly [Type in Value["type"]]: () => Of<Type> } = {
  string: () => ({ type: "string", text: "" }),
  list: () => ({ type: "list", items: [] }),
  set: () => ({ type: "set", members: [] }),
  hash: () => ({ type: "hash", fields: [] }),
  zset: () => ({ type: "zset", members: [] }),
  stream: () => ({ type: "stream", entries: [], group: null }),
};

export function sizeOf(value: Value): number {
  switch (value.type) {
    case "string":
    case "stream":
      return 1;
    case "list":
      return value.items.length;
    case "hash":
      return value.fields.length;
    default:
      return value.members.length;
  }
}

/** What a command does; throws `Refused`. */
export type Handler = (redis: SmallRedis, key: string, rest: string[]) => SmallReply;
export type Commands = Readonly<Record<string, Handler>>;

/** Runs commands one after the other, as MULTI or a script does; all at one time. */
export class SmallRedis {
  readonly #keys: Record<string, Key>;
  readonly #now: number;
  readonly #dumped: ReadonlyMap<string, Value>;
  readonly #commands: Commands;
  #database: number;

  /** `dumped`: the values that payloads stand for. */
  constructor(
    commands: Commands,
    keys: Keys,
    now: number,
    database: number,
    dumped: ReadonlyMap<string, Value>,
  ) {
    this.#commands = commands;
    this.#keys = structuredClone(keys);
    this.#now = now;
    this.#database = database;
    this.#dumped = dumped;
    this.#expire();
  }

  /** What is left, in one order. */
  get keys(): Keys {
    return Object.fromEntries(Object.entries(this.#keys).toSorted(([a], [b]) => (a < b ? -1 : 1)));
  }

  run(words: readonly string[]): SmallReply {
    const [name, key = "", ...rest] = words as [string, ...string[]];
    try {
      const handler = this.#commands[name];
      if (handler === undefined) throw new Error(`the model has no ${name}`);
      return handler(this, key, rest);
    } catch (error) {
      if (error instanceof Refused) return errorReply(error.message);
      throw error;
    } finally {
      for (const [at, { value }] of Object.entries(this.#keys))
        if (sizeOf(value) === 0) delete this.#keys[at];
      this.#expire();
    }
  }

  #expire(): void {
    for (const [at, { value, at: end }] of Object.entries(this.#keys)) {
      if (end !== null && end < this.#now) delete this.#keys[at];
      else if (value.type === "hash") {
        value.fields = value.fields.filter(([, , due]) => due === null || due >= this.#now);
        if (value.fields.length === 0) delete this.#keys[at];
      }
    }
  }

  select(database: number): void {
    this.#database = database;
  }

  get now(): number {
    return this.#now;
  }

  entry(name: string, database: number = this.#database): Key | undefined {
    return this.#keys[`${database}:${name}`];
  }

  put(name: string, key: Key | null, database: number = this.#database): void {
    if (key === null || sizeOf(key.value) === 0) delete this.#keys[`${database}:${name}`];
    else this.#keys[`${database}:${name}`] = structuredClone(key);
  }

  /** The value, or undefined for none. Throws WRONGTYPE. */
  of<Type extends Value["type"]>(name: string, type: Type): Of<Type> | undefined {
    const value = this.entry(name)?.value;
    if (value !== undefined && value.type !== type) throw new Refused("WRONGTYPE");
    return value as Of<Type> | undefined;
  }

  /** The value, made where there is none. */
  made<Type extends Value["type"]>(name: string, type: Type): Of<Type> {
    const found = this.of(name, type);
    if (found !== undefined) return found;
    const value = empty[type]();
    this.#keys[`${this.#database}:${name}`] = { value, at: null };
    return value;
  }

  dumped(payload: string): Value {
    return this.#dumped.get(payload)!;
  }
}

/** When something is due between these times, both included. */
export function timesDue(keys: Keys, from: number, to: number): number[] {
  const all: (number | null)[] = [];
  for (const { value, at } of Object.values(keys)) {
    all.push(at);
    if (value.type === "hash") for (const [, , due] of value.fields) all.push(due);
  }
  return [...new Set(all)].filter((at): at is number => at !== null && at >= from && at <= to);
}

/** Whether all fields of a hash are due by then. */
export function hasDueHash(keys: Keys, time: number): boolean {
  return Object.values(keys).some(
    ({ value }) => value.type === "hash" && value.fields.every(([, , due]) => due !== null && due <= time),
  );
}
