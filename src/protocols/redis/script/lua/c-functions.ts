/**
 * Makes JavaScript functions callable by Lua: a WebAssembly function table takes only functions that a WebAssembly module exports,
 * so a small module imports them and exports them again.
 */
import { unsigned } from "./wasm-patch.ts";

const i32 = 0x7f;
const functionType = 0x60;
const header = [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0];
const functionKind = 0;

/** How many 32-bit arguments a function takes, and whether it returns one. */
export interface Signature {
  readonly arguments: number;
  readonly returns: boolean;
}

export interface CallableFunction extends Signature {
  readonly run: (...values: number[]) => number | void;
}

/** The functions as a WebAssembly table takes them, in the same order. */
export function asTableFunctions(functions: readonly CallableFunction[]): unknown[] {
  const types = functions.map(({ arguments: count, returns }) => [
    ...[functionType, count, ...Array.from({ length: count }, () => i32)],
    ...(returns ? [1, i32] : [0]),
  ]);
  const names = functions.map((_, index) => {
    const bytes = [...Buffer.from(String(index))];
    return [bytes.length, ...bytes];
  });
  const module = new WebAssembly.Module(
    Uint8Array.from([
      ...header,
      ...section(1, types),
      ...section(
        2,
        names.map((name, index) => [1, 0x66, ...name, functionKind, ...unsigned(index)]),
      ),
      ...section(
        7,
        names.map((name, index) => [...name, functionKind, ...unsigned(index)]),
      ),
    ]),
  );
  const imports = Object.fromEntries(functions.map(({ run }, index) => [String(index), run]));
  const { exports } = new WebAssembly.Instance(module, { f: imports });
  return functions.map((_, index) => exports[String(index)]!);
}

function section(id: number, elements: readonly (readonly number[])[]): number[] {
  const bytes = [...unsigned(elements.length), ...elements.flat()];
  return [id, ...unsigned(bytes.length), ...bytes];
}
