/**
 * The native CRC-32C of `@node-rs/crc32`. Its own loader reads files and may ask for a process report to learn which
 * binary fits, for more than a megabyte. So the likely binary is asked for first.
 */
import { createRequire } from "node:module";

type Crc32c = (bytes: Uint8Array) => number;

const load = createRequire(import.meta.url) as (name: string) => { readonly crc32c: Crc32c };

function loadNative(): Crc32c {
  const library = { linux: "-gnu", win32: "-msvc" }[process.platform as string] ?? "";
  try {
    return load(`@node-rs/crc32-${process.platform}-${process.arch}${library}`).crc32c;
  } catch {
    // Another C library, or a machine for which there is only the portable one.
    return load("@node-rs/crc32").crc32c;
  }
}

export const nativeCrc32c: Crc32c = loadNative();
