/**
 * Commands as Redis reads them, made ahead. Pure.
 *
 *     command := "*" count CRLF bulk{count}
 *     bulk    := "$" bytes CRLF byte{bytes} CRLF
 */
import { payloadHeaderBytes } from "./payload.ts";

export function encodeCommand(...args: readonly (string | number | Uint8Array)[]): Buffer {
  const pieces: Uint8Array[] = [Buffer.from(`*${args.length}\r\n`)];
  for (const arg of args) pieces.push(encodeBulk(arg));
  return Buffer.concat(pieces);
}

export function encodeBulk(arg: string | number | Uint8Array): Buffer {
  const bytes = arg instanceof Uint8Array ? arg : Buffer.from(String(arg));
  return Buffer.concat([Buffer.from(`$${bytes.length}\r\n`), bytes, Buffer.from("\r\n")]);
}

/** One command after the other in one buffer, all of one length, of which only the payload's header differs. */
export interface CommandBatch {
  readonly bytes: Buffer;
  readonly commands: number;
  readonly commandBytes: number;
  /** Of the payload in the first command; in the next it is `commandBytes` further. Undefined: there is none. */
  readonly payloadOffset: number | undefined;
}

/** @param words the command up to its last argument, which is the payload, or with `payloadBytes` of 0 all of it */
export function commandBatch(
  words: readonly string[],
  { payloadBytes, commands }: { payloadBytes: number; commands: number },
): CommandBatch {
  const hasPayload = payloadBytes > 0;
  if (hasPayload && payloadBytes < payloadHeaderBytes)
    throw new Error(`a payload needs ${payloadHeaderBytes} bytes for sequence and time`);
  const payload = new Uint8Array(payloadBytes).fill(0x78);
  const command = encodeCommand(...words, ...(hasPayload ? [payload] : []));
  const bytes = Buffer.concat(Array.from({ length: commands }, () => command));
  return {
    bytes,
    commands,
    commandBytes: command.length,
    payloadOffset: hasPayload ? command.length - payloadBytes - "\r\n".length : undefined,
  };
}
