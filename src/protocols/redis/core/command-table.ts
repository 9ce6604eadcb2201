/**
 * All commands, by id and by name: everything that is known about a command, and its handler, is found here. A name is looked up
 * from its bytes, without making a string.
 *
 * Not here: the rows (command-table.ts of each family), and which families there are (../command-table.ts). Invariants:
 * `all[spec.id] === spec`; the slots of an index are at most a quarter full, so every probe ends at an empty one.
 */
import { makeSpecs, type CommandRows, type CommandSpec } from "./command-spec.ts";

const slotsForEach = 4;

interface RequestedCommand {
  readonly buffer: Uint8Array;
  readonly argumentCount: number;
  readonly starts: Int32Array;
  readonly ends: Int32Array;
}

export class CommandTable {
  /** Every command and subcommand, by id. */
  readonly all: readonly CommandSpec[];
  /** The commands proper, without subcommands: what COMMAND lists. */
  readonly topLevel: readonly CommandSpec[];
  readonly #commands: NameIndex;
  /** By the container's id. */
  readonly #subcommands: (NameIndex | undefined)[] = [];

  constructor(families: readonly CommandRows[]) {
    this.all = makeSpecs(families);
    this.topLevel = this.all.filter((spec) => spec.container === undefined);
    this.#commands = new NameIndex(this.topLevel);
    for (const spec of this.all) {
      this.#subcommands.push(
        spec.subcommandSpecs.length > 0 ? new NameIndex(spec.subcommandSpecs) : undefined,
      );
    }
  }

  /** The command named by `buffer[start, end)` in any case. */
  find(buffer: Uint8Array, start: number, end: number): CommandSpec | undefined {
    return this.#commands.find(buffer, start, end);
  }

  findSubcommand(
    container: CommandSpec,
    buffer: Uint8Array,
    start: number,
    end: number,
  ): CommandSpec | undefined {
    return this.#subcommands[container.id]?.find(buffer, start, end);
  }

  /** The command of a request, or the subcommand if it is a container with one; undefined if either is unknown. */
  findRequested(request: RequestedCommand): CommandSpec | undefined {
    const { buffer, starts, ends } = request;
    const spec = this.#commands.find(buffer, starts[0]!, ends[0]!);
    if (spec === undefined || spec.subcommandSpecs.length === 0 || request.argumentCount === 1) return spec;
    return this.#subcommands[spec.id]!.find(buffer, starts[1]!, ends[1]!);
  }

  /** By text, as COMMAND INFO and ACL rules have it: "xadd", "XGROUP|CREATE". */
  findByName(fullName: string): CommandSpec | undefined {
    const bytes = Buffer.from(fullName, "latin1");
    const bar = bytes.indexOf(0x7c);
    if (bar < 0) return this.find(bytes, 0, bytes.length);
    const container = this.find(bytes, 0, bar);
    return container && this.findSubcommand(container, bytes, bar + 1, bytes.length);
  }
}

/** Whether the command takes a request of that many arguments, counting its name. */
export function isArityMet(spec: CommandSpec, argumentCount: number): boolean {
  return spec.arity >= 0 ? argumentCount === spec.arity : argumentCount >= -spec.arity;
}

class NameIndex {
  readonly #mask: number;
  readonly #slots: (CommandSpec | undefined)[];
  /** What was found last: mostly the next request is for the same. */
  #last: CommandSpec | undefined = undefined;

  constructor(specs: readonly CommandSpec[]) {
    let size = 8;
    while (size < specs.length * slotsForEach) size *= 2;
    this.#mask = size - 1;
    this.#slots = Array.from<CommandSpec | undefined>({ length: size }).fill(undefined);
    for (const spec of specs) {
      const name = Buffer.from(spec.name, "latin1");
      let slot = hashName(name, 0, name.length) & this.#mask;
      while (this.#slots[slot] !== undefined) slot = (slot + 1) & this.#mask;
      this.#slots[slot] = spec;
    }
  }

  find(buffer: Uint8Array, start: number, end: number): CommandSpec | undefined {
    const last = this.#last;
    if (last !== undefined && isName(last.name, buffer, start, end)) return last;
    return (this.#last = this.#lookUp(buffer, start, end));
  }

  #lookUp(buffer: Uint8Array, start: number, end: number): CommandSpec | undefined {
    let slot = hashName(buffer, start, end) & this.#mask;
    for (;;) {
      const spec = this.#slots[slot];
      if (spec === undefined || isName(spec.name, buffer, start, end)) return spec;
      slot = (slot + 1) & this.#mask;
    }
  }
}

/**
 * Of the length and four bytes, which tell most names apart: reading all would cost more. Names are letters, digits, "-" and "_": setting
 * bit 5 folds the case (and is the same on both sides).
 */
function hashName(buffer: Uint8Array, start: number, end: number): number {
  const size = end - start;
  if (size === 0) return 0;
  let hash = Math.imul(size, 31) + (buffer[start]! | 0x20);
  hash = Math.imul(hash, 31) + (buffer[start + (size > 1 ? 1 : 0)]! | 0x20);
  hash = Math.imul(hash, 31) + (buffer[start + (size >> 1)]! | 0x20);
  hash = Math.imul(hash, 31) + (buffer[end - 1]! | 0x20);
  return hash ^ (hash >>> 15);
}

function isName(name: string, buffer: Uint8Array, start: number, end: number): boolean {
  if (end - start !== name.length) return false;
  for (let i = 0; i < name.length; i++) {
    const byte = buffer[start + i]!;
    if ((byte >= 0x41 && byte <= 0x5a ? byte + 0x20 : byte) !== name.charCodeAt(i)) return false;
  }
  return true;
}
