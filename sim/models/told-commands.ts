/**
 * Operations on Redis keys, what they answer and what is told of them, for told-keys.ts. A key's first letter is its type: s(tring),
 * h(ash), l(ist), x (stream).
 */
import type { RedisReply } from "../clients/redis-client.ts";
import type { Seeded } from "../seeded.ts";
import type { Change, Held, Operation } from "./told-keys.ts";

type Keys = Map<string, Held>;

export const strings: readonly string[] = ["sa", "sb", "sc", "sd", "se", "sf"];
export const hashes: readonly string[] = ["ha", "hb"];
export const lists: readonly string[] = ["la", "lb"];
export const streams: readonly string[] = ["xa"];
export const toldNames: readonly string[] = [...strings, ...hashes, ...lists, ...streams];

/** Makes an operation of the words; `ways` gives what it did, none where the answer does not fit. */
function operation(
  words: readonly (string | number)[],
  names: readonly string[],
  ways: (held: Keys, reply: RedisReply) => (Change | null)[],
): Operation {
  return {
    words: words.map(String),
    names,
    // Of two keys the second one is looked at where the first has something.
    stopsAtFirst: (reply) => reply === null || reply === 0 || reply instanceof Error,
    ways: (held, reply) => ways(held, reply).filter((way) => way !== null),
  };
}

function changed(events: readonly string[], apply: () => void = () => {}): Change {
  return { events, apply };
}

function madeBefore(held: Keys, name: string): string[] {
  return held.has(name) ? [] : [`new ${name}`];
}

function set(name: string, text: string, at: number | null): Operation {
  const words = ["SET", name, text, ...(at === null ? [] : ["PXAT", at])];
  return operation(words, [name], (held, reply) => [
    reply === "OK"
      ? changed([...madeBefore(held, name), `set ${name}`, ...(at === null ? [] : [`expire ${name}`])], () =>
          held.set(name, { value: text, at }),
        )
      : null,
  ]);
}

function append(name: string, text: string): Operation {
  return operation(["APPEND", name, text], [name], (held, reply) => {
    const before = held.get(name);
    const value = `${before?.value ?? ""}${text}`;
    return [
      reply === value.length
        ? changed([...madeBefore(held, name), `append ${name}`], () =>
            held.set(name, { value, at: before?.at ?? null }),
          )
        : null,
    ];
  });
}

function get(name: string, removes: boolean): Operation {
  return operation([removes ? "GETDEL" : "GET", name], [name], (held, reply) => {
    const before = held.get(name);
    if (reply === null) return [before === undefined ? changed([`keymiss ${name}`]) : null];
    if (before?.value !== reply) return [null];
    return [removes ? changed([`del ${name}`], () => held.delete(name)) : changed([])];
  });
}

function del(name: string, command: string): Operation {
  return operation([command, name], [name], (held, reply) => {
    if (reply === 0) return [held.has(name) ? null : changed([])];
    return [held.has(name) ? changed([`del ${name}`], () => held.delete(name)) : null];
  });
}

function expireAt(name: string, at: number): Operation {
  return operation(["PEXPIREAT", name, at], [name], (held, reply) => {
    const before = held.get(name);
    if (reply === 0) return [before === undefined ? changed([]) : null];
    if (before === undefined) return [null];
    return [
      changed([`expire ${name}`], () => held.set(name, { value: before.value, at })),
      // Its time had come by then.
      changed([`del ${name}`], () => held.delete(name)),
    ];
  });
}

function persist(name: string): Operation {
  return operation(["PERSIST", name], [name], (held, reply) => {
    const before = held.get(name);
    if (reply === 0) return [before === undefined || before.at === null ? changed([]) : null];
    if (before === undefined || before.at === null) return [null];
    return [changed([`persist ${name}`], () => held.set(name, { value: before.value, at: null }))];
  });
}

function rename(from: string, to: string): Operation {
  return operation(["RENAME", from, to], [from, to], (held, reply) => {
    const before = held.get(from);
    if (reply instanceof Error) return [before === undefined ? changed([]) : null];
    if (before === undefined) return [null];
    return [
      changed([`new ${to}`, `rename_from ${from}`, `rename_to ${to}`], () => {
        held.delete(from);
        held.set(to, before);
      }),
    ];
  });
}

function copy(from: string, to: string): Operation {
  return operation(["COPY", from, to, "REPLACE"], [from, to], (held, reply) => {
    const before = held.get(from);
    if (reply === 0) return [before === undefined ? changed([`keymiss ${from}`]) : null];
    if (before === undefined) return [null];
    return [changed([`new ${to}`, `copy_to ${to}`], () => held.set(to, { ...before }))];
  });
}

type Fields = Record<string, string>;

function hset(name: string, field: string, text: string): Operation {
  return operation(["HSET", name, field, text], [name], (held, reply) => {
    const before = held.get(name);
    const fields = JSON.parse(before?.value ?? "{}") as Fields;
    if (reply !== (field in fields ? 0 : 1)) return [null];
    return [
      changed([...madeBefore(held, name), `hset ${name}`], () =>
        held.set(name, { value: hashText({ ...fields, [field]: text }), at: before?.at ?? null }),
      ),
    ];
  });
}

function hdel(name: string, field: string): Operation {
  return operation(["HDEL", name, field], [name], (held, reply) => {
    const before = held.get(name);
    const fields = JSON.parse(before?.value ?? "{}") as Fields;
    if (reply !== (field in fields ? 1 : 0)) return [null];
    if (reply === 0) return [changed([])];
    const { [field]: _, ...rest } = fields;
    if (Object.keys(rest).length === 0)
      return [changed([`hdel ${name}`, `del ${name}`], () => held.delete(name))];
    return [changed([`hdel ${name}`], () => held.set(name, { value: hashText(rest), at: before!.at }))];
  });
}

function hashText(fields: Fields): string {
  return JSON.stringify(Object.fromEntries(Object.entries(fields).toSorted(([a], [b]) => (a < b ? -1 : 1))));
}

function hgetall(name: string): Operation {
  return operation(["HGETALL", name], [name], (held, reply) => {
    const text = hashOf(reply);
    if (text === null) return [held.has(name) ? null : changed([`keymiss ${name}`])];
    return [held.get(name)?.value === text ? changed([]) : null];
  });
}

function hashOf(reply: RedisReply): string | null {
  const words = reply as string[];
  if (words.length === 0) return null;
  return hashText(
    Object.fromEntries(words.flatMap((word, i) => (i % 2 === 0 ? [[word, words[i + 1]!]] : []))),
  );
}

function itemsOf(held: Held | undefined): string[] {
  return JSON.parse(held?.value ?? "[]") as string[];
}

function push(name: string, text: string): Operation {
  return operation(["LPUSH", name, text], [name], (held, reply) => {
    const before = held.get(name);
    const items = [text, ...itemsOf(before)];
    if (reply !== items.length) return [null];
    return [
      changed([...madeBefore(held, name), `lpush ${name}`], () =>
        held.set(name, { value: JSON.stringify(items), at: before?.at ?? null }),
      ),
    ];
  });
}

function takeLast(held: Keys, name: string): void {
  const before = held.get(name)!;
  const rest = itemsOf(before).slice(0, -1);
  if (rest.length === 0) held.delete(name);
  else held.set(name, { value: JSON.stringify(rest), at: before.at });
}

function pop(name: string): Operation {
  return operation(["RPOP", name], [name], (held, reply) => {
    const items = itemsOf(held.get(name));
    if (reply === null) return [items.length === 0 ? changed([]) : null];
    if (items.at(-1) !== reply) return [null];
    const gone = items.length === 1 ? [`del ${name}`] : [];
    return [changed([`rpop ${name}`, ...gone], () => takeLast(held, name))];
  });
}

function move(from: string, to: string): Operation {
  return operation(["RPOPLPUSH", from, to], [from, to], (held, reply) => {
    const items = itemsOf(held.get(from));
    if (reply === null) return [items.length === 0 ? changed([]) : null];
    if (items.at(-1) !== reply) return [null];
    const gone = items.length === 1 && from !== to ? [`del ${from}`] : [];
    const made = from === to ? [] : madeBefore(held, to);
    return [
      changed([...made, `lpush ${to}`, `rpop ${from}`, ...gone], () => {
        const before = held.get(to);
        const moved = JSON.stringify([reply, ...itemsOf(before)]);
        if (from === to) {
          held.set(to, { value: JSON.stringify([reply, ...items.slice(0, -1)]), at: before!.at });
          return;
        }
        held.set(to, { value: moved, at: before?.at ?? null });
        takeLast(held, from);
      }),
    ];
  });
}

function lrange(name: string): Operation {
  return operation(["LRANGE", name, "0", "-1"], [name], (held, reply) => {
    const items = reply as string[];
    if (items.length === 0) return [held.has(name) ? null : changed([`keymiss ${name}`])];
    return [held.get(name)?.value === JSON.stringify(items) ? changed([]) : null];
  });
}

/** Streams take no memory that is bounded, and none is evicted. Their value is how many entries they have. */
function xadd(name: string, text: string): Operation {
  return operation(["XADD", name, "*", "body", text], [name], (held, reply) => {
    const before = held.get(name);
    if (typeof reply !== "string") return [null];
    return [
      changed([...madeBefore(held, name), `xadd ${name}`], () =>
        held.set(name, { value: String(Number(before?.value ?? 0) + 1), at: before?.at ?? null }),
      ),
    ];
  });
}

function xlen(name: string): Operation {
  return operation(["XLEN", name], [name], (held, reply) => {
    if (reply === 0) return [held.has(name) ? null : changed([`keymiss ${name}`])];
    return [held.get(name)?.value === String(reply) ? changed([]) : null];
  });
}

const lifeMsMax = 400;

export function someOperation(random: Seeded, number: number, now: number): Operation {
  const text = `v${number}.`.padEnd(random.chance(0.5) ? random.below(300) : 0, "y");
  const at = now + (random.chance(0.6) ? random.between(1, lifeMsMax) : 10_000_000);
  const string = random.pick(strings);
  const hash = random.pick(hashes);
  const list = random.pick(lists);
  const stream = random.pick(streams);
  const any = random.pick(toldNames);
  const field = `f${random.below(5)}`;
  return random.pick<() => Operation>([
    () => set(string, text, null),
    () => set(string, text, random.chance(0.6) ? at : null),
    () => append(string, text),
    () => get(string, false),
    () => get(string, false),
    () => get(string, random.chance(0.3)),
    () => del(any, random.pick(["DEL", "UNLINK"])),
    () => expireAt(any, at),
    () => expireAt(any, at),
    () => persist(any),
    () => (string === "sa" ? get(string, false) : rename(string, "sa")),
    () => (string === "sb" ? get(string, false) : copy(string, "sb")),
    () => hset(hash, field, text),
    () => hset(hash, field, text),
    () => hdel(hash, field),
    () => hgetall(hash),
    () => push(list, text),
    () => push(list, text),
    () => pop(list),
    () => move(list, random.pick(lists)),
    () => lrange(list),
    () => xadd(stream, text.slice(0, 20)),
    () => xlen(stream),
  ])();
}

/** Reads a key, and says what it holds by the answer. */
export function lookAt(name: string): { words: string[]; held: (reply: RedisReply) => string | null } {
  switch (name[0]) {
    case "s":
      return { words: ["GET", name], held: (reply) => reply as string | null };
    case "h":
      return { words: ["HGETALL", name], held: hashOf };
    case "l":
      return {
        words: ["LRANGE", name, "0", "-1"],
        held: (reply) => ((reply as string[]).length === 0 ? null : JSON.stringify(reply)),
      };
    default:
      return { words: ["XLEN", name], held: (reply) => (reply === 0 ? null : String(reply)) };
  }
}
