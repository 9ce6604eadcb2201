/**
 * The keys of SET and GET: the same names in every run, written once and then only overwritten, so that memory does
 * not grow from run to run. They are named as redis-benchmark names random keys: a prefix and 12 digits.
 */
import { call, callRaw } from "./client.ts";
import { encodeCommand } from "./commands.ts";
import type { Connection } from "./connection.ts";

export interface Keyspace {
  readonly prefix: string;
  readonly keys: number;
  readonly valueBytes: number;
}

const batchCommands = 1000;
const sampledKeys = 1000;

function keyOf({ prefix }: Keyspace, index: number): string {
  return `${prefix}${String(index).padStart(12, "0")}`;
}

/** Does nothing where the keys are there already: the server's work of a run is to be the run's. */
export async function fillKeyspace(connection: Connection, keyspace: Keyspace): Promise<void> {
  const { keys, valueBytes } = keyspace;
  if ((await call(connection, "EXISTS", keyOf(keyspace, 0), keyOf(keyspace, keys - 1))) === 2) return;
  await call(connection, "FLUSHALL");
  const value = Buffer.alloc(valueBytes, "x");
  for (let start = 0; start < keys; start += batchCommands) {
    const count = Math.min(batchCommands, keys - start);
    const commands = Array.from({ length: count }, (_, index) =>
      encodeCommand("SET", keyOf(keyspace, start + index), value),
    );
    await callRaw(connection, Buffer.concat(commands), count);
  }
}

/**
 * Looks at keys spread over all of them.
 * @returns the share of them that a run of SET with this value wrote
 * @throws when one is missing, or has a value of another length
 */
export async function writtenShare(
  connection: Connection,
  keyspace: Keyspace,
  value: string,
): Promise<number> {
  let written = 0;
  for (let sample = 0; sample < sampledKeys; sample++) {
    const key = keyOf(keyspace, Math.floor((sample * keyspace.keys) / sampledKeys));
    const found = await call(connection, "GET", key);
    if (typeof found !== "string" || found.length !== keyspace.valueBytes)
      throw new Error(`${key} is ${JSON.stringify(found)}`);
    if (found === value) written += 1;
  }
  return written / sampledKeys;
}
