/**
 * Makes JavaScript functions callable by Lua: a WebAssembly function table takes only functions that a WebAssembly module exports,
 * so a small module imports them and exports them again.
 */
import { unsigned } from "./wasm-module.ts";

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
  const types = functions.map((one) => typeOf(one));
  const names = functions.map((_, index) => encodedName(String(index)));
  const module = new WebAssembly.Module(
    Uint8Array.from([
      ...header,
      ...section(1, types),
      ...section(
        2,
        names.map((name, index) => imported(name, index)),
      ),
      ...section(
        7,
        names.map((name, index) => exported(name, index)),
      ),
    ]),
  );
  const imports = Object.fromEntries(functions.map(({ run }, index) => [String(index), run]));
  const { exports } = new WebAssembly.Instance(module, { f: imports });
  return functions.map((_, index) => exports[String(index)]!);
}

function typeOf({ arguments: count, returns }: Signature): number[] {
  return [functionType, count].concat(
    Array.from({ length: count }, () => i32),
    returns ? [1, i32] : [0],
  );
}

function encodedName(name: string): number[] {
  const bytes = Buffer.from(name);
  return [bytes.length, ...bytes];
}

/** From the module "f". */
function imported(name: readonly number[], type: number): number[] {
  return [1, 0x66, ...name, functionKind, ...unsigned(type)];
}

function exported(name: readonly number[], index: number): number[] {
  return [...name, functionKind, ...unsigned(index)];
}

function section(id: number, elements: readonly (readonly number[])[]): number[] {
  const bytes = [...unsigned(elements.length), ...elements.flat()];
  return [id, ...unsigned(bytes.length), ...bytes];
}
