/**
 * The Lua machine code: the file in engine/, patched and compiled when the first script runs, once for a process.
 *
 * Invariant: the file is exactly the one that was patched in tests (its hash is checked).
 */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { BrokerError } from "../../../../base/errors.ts";
import { fileHash, patchLua } from "./wasm-patch.ts";

const file = new URL("./engine/liblua5.1.wasm", import.meta.url);
let compiled: WebAssembly.Module | undefined;

/** Takes about 10 ms the first time. */
export function luaModule(): WebAssembly.Module {
  return (compiled ??= new WebAssembly.Module(patchLua(readLua())));
}

/** The file as it was published. */
export function readLua(): Buffer {
  let bytes: Buffer;
  try {
    bytes = readFileSync(file);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new BrokerError("UNAVAILABLE", `reads the Lua engine: ${reason}; install troikamq again`);
  }
  if (createHash("sha256").update(bytes).digest("hex") !== fileHash)
    throw new BrokerError("UNAVAILABLE", "the Lua engine's file was changed; install troikamq again");
  return bytes;
}
