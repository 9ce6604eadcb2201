/**
 * Loads values into an empty server, and afterwards deletes most of them: what a server holds is looked up in between.
 *
 * One connection sends 1,000 commands at a time. They are copies of one command, of which only the numbers change, so that loading is the
 * server's time.
 */
import type { Figures } from "../contract.ts";
import { encodeCommand } from "./redis/commands.ts";
import { callRaw } from "./redis/client.ts";
import { Connection } from "./redis/connection.ts";
import { itemPlace } from "./redis/fill.ts";

export interface RedisFillOptions {
  readonly port: number;
  /** With `__item__`, which becomes the number of the item, of 12 digits. */
  readonly command: readonly string[];
  readonly items: number;
  /** Every item, or those whose number is no multiple of ten: 90 of 100. */
  readonly which: "all" | "nine of ten";
}

const batchCommands = 1000;
const digits = 12;

export async function generate({ port, command, items, which }: RedisFillOptions): Promise<Figures> {
  const failed = (error: unknown) => {
    throw error;
  };
  const connection = await Connection.open({ port, failed });
  const one = encodeCommand(...command.map((word) => word.replace(itemPlace, "#".repeat(digits))));
  const places = placesOf(one);
  const batch = Buffer.concat(Array.from({ length: batchCommands }, () => one));
  const startMs = performance.now();
  let count = 0;
  for (let item = 0; item < items;) {
    let commands = 0;
    for (; commands < batchCommands && item < items; item++) {
      if (which === "nine of ten" && item % 10 === 0) continue;
      for (const place of places) writeNumber(batch, commands * one.length + place, item);
      commands += 1;
    }
    await callRaw(connection, batch.subarray(0, commands * one.length), commands);
    count += commands;
  }
  const seconds = (performance.now() - startMs) / 1000;
  connection.close();
  return { count, seconds, verified: `${count} replies, no error` };
}

function placesOf(command: Buffer): readonly number[] {
  const places: number[] = [];
  const number = "#".repeat(digits);
  for (let at = command.indexOf(number); at >= 0; at = command.indexOf(number, at + digits)) places.push(at);
  return places;
}

function writeNumber(bytes: Buffer, at: number, value: number): void {
  for (let rest = value, place = at + digits - 1; place >= at; place--, rest = Math.floor(rest / 10))
    bytes[place] = 0x30 + (rest % 10);
}
