/**
 * A collection that a run reads, or takes from: filled before the measured time, and left alone where it is whole already.
 */
import { call, callRaw } from "./client.ts";
import { encodeCommand } from "./commands.ts";
import type { Connection } from "./connection.ts";

export interface Fill {
  /** Its command up to the items, for example `HSET key`. */
  readonly command: readonly string[];
  /** What each item adds to it; `__item__` becomes its number, with 12 digits as redis-benchmark's. */
  readonly item: readonly string[];
  readonly items: number;
  /** Asks how many items are there, for example `HLEN key`. */
  readonly size: readonly string[];
}

const itemsPerCommand = 100;
const commandsPerBatch = 100;
export const itemPlace = "__item__";

export async function fill(connection: Connection, filled: Fill): Promise<void> {
  const { items, size } = filled;
  if ((await call(connection, ...size)) === items) return;
  await call(connection, "FLUSHALL");
  for (let start = 0; start < items; start += itemsPerCommand * commandsPerBatch) {
    const commands: Buffer[] = [];
    const end = Math.min(items, start + itemsPerCommand * commandsPerBatch);
    for (let from = start; from < end; from += itemsPerCommand)
      commands.push(commandFor(filled, from, Math.min(end, from + itemsPerCommand)));
    await callRaw(connection, Buffer.concat(commands), commands.length);
  }
  const found = await call(connection, ...size);
  if (found !== items) throw new Error(`${size.join(" ")} is ${String(found)}, expected ${items}`);
}

function commandFor({ command, item }: Fill, from: number, to: number): Buffer {
  const words = [...command];
  for (let index = from; index < to; index++) {
    const number = String(index).padStart(12, "0");
    for (const word of item) words.push(word.replace(itemPlace, number));
  }
  return encodeCommand(...words);
}
