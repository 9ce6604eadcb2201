/**
 * The Lua machine code: found in npm's wasmoon-lua5.1, patched and compiled when the first script runs, once for a process.
 *
 * The package's own JavaScript is not loaded: it takes strings for UTF-8. Invariant: the file is exactly the one that was patched
 * in tests (its hash is checked).
 */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { BrokerError } from "../../../../base/errors.ts";
import { fileHash, patchLua } from "./wasm-patch.ts";

const { resolve } = createRequire(import.meta.url);
let compiled: WebAssembly.Module | undefined;

/** Takes about 10 ms the first time. */
export function luaModule(): WebAssembly.Module {
  return (compiled ??= new WebAssembly.Module(patchLua(readLua())));
}

function readLua(): Buffer {
  let file: Buffer;
  try {
    file = readFileSync(resolve("wasmoon-lua5.1/dist/liblua5.1.wasm"));
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new BrokerError("UNAVAILABLE", `reads the Lua engine: ${reason}; install troikamq again`);
  }
  if (createHash("sha256").update(file).digest("hex") !== fileHash)
    throw new BrokerError(
      "UNAVAILABLE",
      "the Lua engine is not wasmoon-lua5.1 1.18.10; install troikamq again",
    );
  return file;
}
