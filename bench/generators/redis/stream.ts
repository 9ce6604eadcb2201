/**
 * A stream that is filled before a run, its entries numbered from 0 (payload.ts). It stays for the next run, which
 * reads it by a group of its own: to fill it again would be counted as the server's work of that run.
 */
import { call, callRaw } from "./client.ts";
import { commandBatch } from "./commands.ts";
import type { Connection } from "./connection.ts";
import { writePayloadHeader } from "./payload.ts";

export interface FilledStream {
  readonly stream: string;
  readonly entries: number;
  readonly payloadBytes: number;
}

const batchCommands = 500;

export async function fillStream(connection: Connection, filled: FilledStream): Promise<void> {
  const { stream, entries, payloadBytes } = filled;
  if ((await call(connection, "XLEN", stream)) === entries) return;
  await call(connection, "FLUSHALL");
  const batch = commandBatch(["XADD", stream, "*", "v"], { payloadBytes, commands: batchCommands });
  const view = new DataView(batch.bytes.buffer, batch.bytes.byteOffset, batch.bytes.byteLength);
  for (let sequence = 0; sequence < entries; sequence += batchCommands) {
    const commands = Math.min(batchCommands, entries - sequence);
    for (let index = 0; index < commands; index++) {
      const at = index * batch.commandBytes + batch.payloadOffset!;
      writePayloadHeader(view, at, { sequence: sequence + index, source: 0, timeMs: 0 });
    }
    await callRaw(connection, batch.bytes.subarray(0, commands * batch.commandBytes), commands);
  }
  const length = await call(connection, "XLEN", stream);
  if (length !== entries) throw new Error(`the stream has ${String(length)} entries, expected ${entries}`);
}
