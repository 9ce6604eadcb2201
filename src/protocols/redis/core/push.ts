/** Sending a client what it has not asked for just now: messages of channels, invalidations, lines of MONITOR. */
import type { ByteWriter } from "../../../base/bytes.ts";
import { isTooFarBehind } from "../../../base/connection.ts";
import type { Connection } from "../../contract.ts";

export interface PushTarget {
  readonly connection: Connection;
  /** Bytes for this connection that have not left. */
  readonly unsentBytes: number;
  /** Sends bytes outside of replies. */
  push(bytes: Buffer, length: number): void;
}

/** What has been written of a buffer: all of it, or a writer's. */
type PushedBytes = Pick<ByteWriter, "buffer" | "length">;

/** Who does not read is disconnected, past `bytesMax` at the latest: what is pushed is not kept for anybody. */
export function pushTo(target: PushTarget, { buffer, length }: PushedBytes, bytesMax: number): void {
  target.push(buffer, length);
  const { connection, unsentBytes } = target;
  if (isTooFarBehind(connection, unsentBytes, bytesMax)) connection.destroy();
}
