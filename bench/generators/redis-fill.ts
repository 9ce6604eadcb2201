/** Loads values into an empty server, and afterwards deletes most of them: what a server holds is looked up in between. */
import type { Figures } from "../contract.ts";
import { encodeCommand } from "./redis/commands.ts";
import { callRaw } from "./redis/client.ts";
import { Connection } from "./redis/connection.ts";
import { itemPlace } from "./redis/fill.ts";

export interface RedisFillOptions {
  readonly port: number;
  /** With `__item__`, which becomes the number of the item. */
  readonly command: readonly string[];
  readonly items: number;
  /** Every item, or those whose number is no multiple of ten: 90 of 100. */
  readonly which: "all" | "nine of ten";
}

const batchCommands = 1000;

export async function generate({ port, command, items, which }: RedisFillOptions): Promise<Figures> {
  const failed = (error: unknown) => {
    throw error;
  };
  const connection = await Connection.open({ port, failed });
  const startMs = performance.now();
  let count = 0;
  for (let start = 0; start < items; start += batchCommands) {
    const commands: Buffer[] = [];
    for (let item = start; item < Math.min(items, start + batchCommands); item++) {
      if (which === "nine of ten" && item % 10 === 0) continue;
      const number = String(item).padStart(12, "0");
      commands.push(encodeCommand(...command.map((word) => word.replace(itemPlace, number))));
    }
    await callRaw(connection, Buffer.concat(commands), commands.length);
    count += commands.length;
  }
  connection.close();
  return { count, seconds: (performance.now() - startMs) / 1000, verified: `${count} replies, no error` };
}
