/**
 * One Lua 5.1 machine in memory of its own, by its raw C API, with bytes for strings.
 *
 * It has no file, no clock, no environment: what the file imports for those fails. It does not know redis (../api) or limits
 * (../run). How errors travel: Lua's `error` throws `luaJump` through the frames up to the next `pcall`, which is `invoke` here;
 * whatever else is thrown passes through all of them, and leaves a machine that must not be used any more (`isBroken`).
 * Invariants: `bytes` and `words` are views of the memory as it is now, since only `#grow` replaces it; memory never grows above
 * `limits.luaMemoryBytesMax`, beyond which Lua says "not enough memory".
 */
import { limits } from "../../../../base/limits.ts";
import { asTableFunctions, type CallableFunction } from "./c-functions.ts";
import { truncatedLong } from "./numbers.ts";
import { globalsIndex, luaType, type RawLua, type State } from "./raw-api.ts";
import { luaModule } from "./wasm-file.ts";
import { budgetCallback, flagsOffset, readOnlyFlags } from "./wasm-patch.ts";

/** What `longjmp` throws. */
const luaJump = Infinity;
/** For `lua_gc`: how many KiB are in use. */
const gcCount = 3;
const pageBytes = 64 << 10;
const scratchBytesLeast = 16 << 10;
/** Scratch memory above this is given back after use. */
const scratchBytesKept = 256 << 10;
const failed = -1;
/** In lua_State: the stack's base, and how many C calls are open, now and where the coroutine began. */
const callsOffset = 52;
const baseCallsOffset = 54;

/** In lua_State: the top and the base of its stack. */
const topOffset = 8;
const baseOffset = 12;
/** A value on the stack: 16 bytes, its type behind its number or address. A string: its length, then its bytes. */
export const valueBytes = 16;
const typeOffset = 8;
const lengthOffset = 12;
const textOffset = 16;

type Import = (...values: (number | undefined)[]) => unknown;

/** A function in JavaScript that Lua calls: takes its arguments from the stack, returns how many results it has pushed. */
export type LuaFunction = (state: State) => number;

export interface MachineEvents {
  /** The hook that `lua_sethook` has set runs. */
  hook(state: State): void;
  /** The pattern budget is used up: set a new one, or throw. */
  budgetSpent(): void;
}

/** That functions in JavaScript return between two looks at the clock: at most some milliseconds of work. */
const bytesPerLook = 1 << 18;

export class LuaInstance {
  readonly raw: RawLua;
  /** The main state. Nothing runs in it but what sets up the machine. */
  readonly state: State;
  bytes!: Buffer;
  words!: Uint32Array;
  #doubles!: Float64Array;
  /** Where C functions leave lengths: 8 bytes. */
  readonly lengthAt: number;
  /** Place of the hook in the function table. */
  readonly hookPlace: number;
  readonly #events: MachineEvents;
  #bytesPushed = 0;
  readonly #table: WebAssembly.Table;
  #scratch = 0;
  #scratchBytes = 0;
  readonly #readOnlyText: number;
  readonly #names = new Map<string, number>();
  #places = 0;

  constructor(events: MachineEvents) {
    this.#events = events;
    const imports = this.#imports();
    const instance = new WebAssembly.Instance(luaModule(), {
      env: imports,
      wasi_snapshot_preview1: imports,
    });
    this.raw = instance.exports as unknown as RawLua;
    this.#viewMemory();
    const { raw } = this;
    (instance.exports["__wasm_call_ctors"] as () => void)();
    this.#table = instance.exports["__indirect_function_table"] as WebAssembly.Table;
    this.#places = this.#table.length;
    this.#addToTable([
      { arguments: 1, returns: false, run: (state) => this.#refuseWrite(state) },
      { arguments: 0, returns: false, run: () => events.budgetSpent() },
      { arguments: 2, returns: false, run: (state) => events.hook(state) },
    ]);
    this.hookPlace = budgetCallback + 1;
    this.state = raw.luaL_newstate();
    this.lengthAt = raw.malloc(8);
    this.#readOnlyText = this.name("Attempt to modify a readonly table");
  }

  /** What Lua's values hold, garbage that is not collected yet included; whole KiB. */
  get heldBytes(): number {
    return this.raw.lua_gc(this.state, gcCount, 0) * 1024;
  }

  /** Memory that the machine takes. It never shrinks. */
  get memoryBytes(): number {
    return this.bytes.length;
  }

  #viewMemory(): void {
    const { buffer } = this.raw.memory;
    this.bytes = Buffer.from(buffer);
    this.words = new Uint32Array(buffer);
    this.#doubles = new Float64Array(buffer);
  }

  /** What the file imports. All that reaches outside fails. */
  #imports(): Record<string, Import> {
    const none: Import = () => failed;
    const own: Record<string, Import> = {
      invoke_vii: (place = 0, first = 0, second = 0) => this.#invoke(place, first, second),
      _emscripten_throw_longjmp: () => {
        throw luaJump;
      },
      emscripten_memcpy_js: (to = 0, from = 0, size = 0) => this.bytes.copyWithin(to, from, from + size),
      emscripten_resize_heap: (bytes = 0) => this.#grow(bytes >>> 0),
      // There is no environment: no variable, no bytes.
      environ_sizes_get: (count = 0, size = 0) => {
        this.words[count >> 2] = 0;
        this.words[size >> 2] = 0;
        return 0;
      },
    };
    return new Proxy(own, { get: (known, name: string) => known[name] ?? none });
  }

  /** Calls a function that may do a `longjmp`. */
  #invoke(place: number, first: number, second: number): void {
    const { raw } = this;
    const at = raw.stackSave();
    try {
      (this.#table.get(place) as (a: number, b: number) => void)(first, second);
    } catch (error) {
      if (error !== luaJump) throw error;
      raw.stackRestore(at);
      raw.setThrew(1, 0);
    }
  }

  #grow(wanted: number): number {
    if (wanted > limits.luaMemoryBytesMax) return 0;
    const { memory } = this.raw;
    const now = memory.buffer.byteLength;
    // A tenth more than is wanted, so that growing is rare.
    const target = Math.min(wanted + Math.floor(wanted / 10), limits.luaMemoryBytesMax);
    try {
      memory.grow(Math.max(Math.ceil((target - now) / pageBytes), 0));
    } catch {
      return 0;
    }
    this.#viewMemory();
    return 1;
  }

  #refuseWrite(state: State): void {
    const { raw } = this;
    raw.luaL_where(state, 0);
    raw.lua_pushlstring(state, this.#readOnlyText, 34);
    raw.lua_concat(state, 2);
    raw.lua_error(state);
  }

  #addToTable(functions: readonly CallableFunction[]): void {
    const table = this.#table;
    table.grow(functions.length);
    for (const callable of asTableFunctions(functions)) table.set(this.#places++, callable);
  }

  /** Makes functions that Lua can call. Returns the first one's place; the others follow. */
  addFunctions(functions: readonly LuaFunction[]): number {
    const first = this.#places;
    this.#addToTable(functions.map((run) => ({ arguments: 1, returns: true, run: (state) => run(state) })));
    return first;
  }

  /** Whether the coroutine can yield here: no C function is between it and who resumed it. */
  canYield(state: State): boolean {
    const { bytes } = this;
    return bytes.readUInt16LE(state + callsOffset) <= bytes.readUInt16LE(state + baseCallsOffset);
  }

  /** The table at `index` of the main state refuses writes from now on. */
  setReadOnly(index: number): void {
    this.lock(this.raw.lua_topointer(this.state, index));
  }

  setWritable(index: number): void {
    this.unlock(this.raw.lua_topointer(this.state, index));
  }

  /** The same for the table at an address. */
  lock(table: number): void {
    this.bytes[table + flagsOffset] = readOnlyFlags;
  }

  unlock(table: number): void {
    this.bytes[table + flagsOffset] = 0;
  }

  // Strings

  /** A zero-terminated name that stays, for the few that code has. */
  name(text: string): number {
    let at = this.#names.get(text);
    if (at === undefined) {
      at = this.raw.malloc(text.length + 1);
      this.bytes.latin1Write(text, at);
      this.bytes[at + text.length] = 0;
      this.#names.set(text, at);
    }
    return at;
  }

  /** Memory of at least so many bytes for what is handed to Lua; valid until the next call. */
  scratch(size: number): number {
    if (size <= this.#scratchBytes) return this.#scratch;
    const { raw } = this;
    if (this.#scratch !== 0) raw.free(this.#scratch);
    const wanted = Math.max(size, scratchBytesLeast);
    this.#scratch = raw.malloc(wanted);
    this.#scratchBytes = this.#scratch === 0 ? 0 : wanted;
    if (this.#scratch === 0) throw new LuaMemoryError();
    return this.#scratch;
  }

  #scratchFor(state: State, size: number): number {
    try {
      return this.scratch(size);
    } catch (error) {
      if (error instanceof LuaMemoryError) this.raiseMemory(state);
      throw error;
    }
  }

  /** Gives back scratch memory that one huge string has taken. */
  trimScratch(): void {
    if (this.#scratchBytes <= scratchBytesKept) return;
    this.raw.free(this.#scratch);
    this.#scratch = 0;
    this.#scratchBytes = 0;
  }

  pushBytes(state: State, bytes: Uint8Array, start = 0, end: number = bytes.length): void {
    const size = end - start;
    this.#spend(size);
    const at = this.#scratchFor(state, size);
    // The memory may have been replaced.
    if (size <= 64) for (let i = 0; i < size; i++) this.bytes[at + i] = bytes[start + i]!;
    else this.bytes.set(start === 0 && end === bytes.length ? bytes : bytes.subarray(start, end), at);
    this.raw.lua_pushlstring(state, at, size);
  }

  /** Functions in JavaScript count by what they return: making a text of a table with a million elements takes 100 ms. */
  #spend(bytes: number): void {
    this.#bytesPushed += bytes;
    if (this.#bytesPushed < bytesPerLook) return;
    this.#bytesPushed = 0;
    this.#events.budgetSpent();
  }

  /** Latin-1 text: one byte for each unit. */
  pushText(state: State, text: string): void {
    const at = this.#scratchFor(state, text.length);
    this.bytes.latin1Write(text, at, text.length);
    this.raw.lua_pushlstring(state, at, text.length);
  }

  /** Where the string at `index` is; its length is in `stringBytes`. A number there becomes a string. 0 for what is neither. */
  string(state: State, index: number): number {
    return this.raw.lua_tolstring(state, index, this.lengthAt);
  }

  /** How long the string is that `string` found last. */
  get stringBytes(): number {
    return this.words[this.lengthAt >> 2]!;
  }

  /** The string or number at `index` as Latin-1 text; undefined for what is neither. */
  text(state: State, index: number): string | undefined {
    const at = this.string(state, index);
    return at === 0 ? undefined : this.bytes.latin1Slice(at, at + this.stringBytes);
  }

  // Arguments of the function that runs, read from Lua's stack itself: a call of C for each costs more than all else

  /** Where the first one is; the next is `valueBytes` further. */
  argumentsAt(state: State): number {
    return this.words[(state + baseOffset) >> 2]!;
  }

  argumentsEnd(state: State): number {
    return this.words[(state + topOffset) >> 2]!;
  }

  typeAt(at: number): number {
    return this.words[(at + typeOffset) >> 2]!;
  }

  numberAt(at: number): number {
    return this.#doubles[at >> 3]!;
  }

  /** Where the bytes of the string at `at` are. */
  textAt(at: number): number {
    return this.words[at >> 2]! + textOffset;
  }

  /** How long the string is whose bytes are there. */
  textLength(text: number): number {
    return this.words[(text - textOffset + lengthOffset) >> 2]!;
  }

  // Tables

  pop(state: State, count = 1): void {
    this.raw.lua_settop(state, -count - 1);
  }

  /** Pushes the field of that name of the table at `index`, without metamethods. Returns its type. */
  rawField(state: State, index: number, name: string): number {
    this.pushName(state, name);
    this.raw.lua_rawget(state, index < 0 && index > -10000 ? index - 1 : index);
    return this.raw.lua_type(state, -1);
  }

  pushName(state: State, name: string): void {
    this.raw.lua_pushlstring(state, this.name(name), name.length);
  }

  /** Sets a field of the table below the top to the value on top, which is taken. */
  setField(state: State, name: string): void {
    const { raw } = this;
    this.pushName(state, name);
    raw.lua_insert(state, -2);
    raw.lua_rawset(state, -3);
  }

  setGlobal(name: string): void {
    this.raw.lua_setfield(this.state, globalsIndex, this.name(name));
  }

  /** Raises what is on top of the stack. Never returns. */
  raise(state: State): never {
    return this.raw.lua_error(state);
  }

  /** Raises a text, with the place of the Lua function at `level` in front of it. */
  raiseText(state: State, text: string, level = 1): never {
    this.raw.luaL_where(state, level);
    this.pushText(state, text);
    this.raw.lua_concat(state, 2);
    return this.raise(state);
  }

  /** Raises what Lua raises where it has no memory left. */
  raiseMemory(state: State): never {
    this.pushName(state, "not enough memory");
    return this.raise(state);
  }

  /** Raises it once a value that is made outside of Lua's memory is larger than that may be. */
  assertFits(state: State, bytes: number): void {
    if (bytes > limits.luaMemoryBytesMax) this.raiseMemory(state);
  }

  /** Raises "bad argument #1 to 'name' (...)", where the name is the running function's. */
  argumentError(state: State, index: number, text: string): never {
    const at = this.scratch(text.length + 1);
    this.bytes.latin1Write(text, at);
    this.bytes[at + text.length] = 0;
    return this.raw.luaL_argerror(state, index, at);
  }

  /** The number at `index` as C's `long`; `otherwise` if there is none. luaL_checkinteger has the lower 32 bits alone. */
  long(state: State, index: number, otherwise?: number): number {
    const { raw } = this;
    if (otherwise !== undefined && raw.lua_type(state, index) <= luaType.nil) return otherwise;
    return truncatedLong(raw.luaL_checknumber(state, index));
  }

  typeName(state: State, index: number): string {
    const type = this.raw.lua_type(state, index);
    return typeNames[type + 1]!;
  }

  isTable(state: State, index: number): boolean {
    return this.raw.lua_type(state, index) === luaType.table;
  }
}

/** By `lua_type`, which begins at -1. */
const typeNames = "no value,nil,boolean,userdata,number,string,table,function,userdata,thread".split(",");

/** The machine's memory is at its bound. */
export class LuaMemoryError extends Error {}
