/**
 * All function libraries: kept as definitions, and loaded into a machine of their own when somebody asks after them first.
 *
 * Not here: the FUNCTION commands (commands.ts), what a payload looks like (payload.ts). A library's code runs when it is loaded,
 * and then sees `redis.register_function` and logging, nothing else. Invariants: each function's name is in one library; libraries
 * that are loaded are those that are defined, except in the middle of a change.
 */
import { limits } from "../../../../base/limits.ts";
import { BrokerError } from "../../../../base/errors.ts";
import { definitionKey, namesOfKey } from "../../../../broker/names.ts";
import type { RedisServer } from "../../server.ts";
import { RedisError } from "../../core/errors.ts";
import { loadingLibrary } from "../api/redis-library.ts";
import { defineFields } from "../lua/define.ts";
import { globalsIndex, luaStatus, registryIndex } from "../lua/raw-api.ts";
import { protectMissing } from "../lua/sandbox.ts";
import { Machine, type MachineParts, type RunWatch } from "../run/machine.ts";
import { failureOf } from "../run/script-error.ts";
import { functionKey, readLibraryLine, type Library, type LibraryFunction } from "./library.ts";
import { registerFunction } from "./registration.ts";

export interface FoundFunction {
  readonly library: Library;
  readonly machine: Machine;
  readonly found: LibraryFunction;
}

/** What libraries see: an empty table of globals, which finds names in one of two others. */
interface Environment {
  /** References to the table, its metatable, and the globals while a library is loaded. */
  readonly table: number;
  readonly metatable: number;
  readonly loading: number;
}

/** Cuts a load off that takes long, as redis does after half a second. */
export interface LoadLimit extends RunWatch {
  begin(run: null, canSuspend: boolean): void;
  end(): void;
}

export class FunctionLibraries {
  readonly #server: RedisServer;
  readonly #parts: MachineParts;
  readonly #limit: LoadLimit;
  #machine: Machine | null = null;
  #environment: Environment | null = null;
  readonly #libraries = new Map<string, Library>();
  readonly #functions = new Map<string, Library>();
  /** What the library that is loaded has registered so far. */
  #registered: Map<string, LibraryFunction> | null = null;
  #bytes = 0;

  constructor(parts: MachineParts, limit: LoadLimit) {
    this.#parts = parts;
    this.#server = parts.server;
    this.#limit = limit;
  }

  get all(): Library[] {
    this.#load();
    return [...this.#libraries.values()];
  }

  /** Of all code. */
  get bytes(): number {
    return this.#bytes;
  }

  get functionCount(): number {
    return this.#functions.size;
  }

  find(name: string): FoundFunction | undefined {
    this.#load();
    const key = functionKey(name);
    const library = this.#functions.get(key);
    if (library === undefined) return undefined;
    return { library, machine: this.#machine!, found: library.functions.get(key)! };
  }

  library(name: string): Library | undefined {
    this.#load();
    return this.#libraries.get(name);
  }

  /** Adds a library. Throws redis's error; nothing has changed then. */
  add(code: Buffer, replace: boolean): Library {
    this.#load();
    const { name, body } = readLibraryLine(code);
    const old = this.#libraries.get(name);
    if (old !== undefined && !replace) throw new RedisError(`ERR Library '${name}' already exists`);
    if (this.#bytes + code.length - (old?.code.length ?? 0) > limits.luaLibrariesBytesMax)
      throw new RedisError("OOM function libraries take too much memory; delete some");
    const functions = this.#run(body);
    if (functions.size === 0) throw this.#forgotten(functions, "No functions registered");
    for (const [key, taken] of functions) {
      const other = this.#functions.get(key);
      if (other !== undefined && other !== old)
        throw this.#forgotten(functions, `Function ${taken.name} already exists`);
    }
    const library: Library = { name, code, functions };
    if (old !== undefined) this.#remove(old);
    this.#put(library);
    this.#server.broker.storage.definitions.put(definitionKey("function", name), code);
    return library;
  }

  delete(library: Library): void {
    this.#remove(library);
    this.#server.broker.storage.definitions.delete(definitionKey("function", library.name));
  }

  clear(): void {
    for (const library of this.all) this.delete(library);
    this.#machine?.giveUp();
    this.#machine = null;
  }

  #forgotten(functions: ReadonlyMap<string, LibraryFunction>, text: string): RedisError {
    for (const { reference } of functions.values()) this.#machine!.forget(reference);
    return new RedisError(`ERR ${text}`);
  }

  #put(library: Library): void {
    this.#libraries.set(library.name, library);
    for (const name of library.functions.keys()) this.#functions.set(name, library);
    this.#bytes += library.code.length;
  }

  #remove(library: Library): void {
    this.#libraries.delete(library.name);
    for (const [key, { reference }] of library.functions) {
      this.#functions.delete(key);
      this.#machine?.forget(reference);
    }
    this.#bytes -= library.code.length;
  }

  /** Loads what is defined into a machine, if there is none or the last one was given up. */
  #load(): void {
    if (this.#machine !== null && !this.#machine.isBroken) return;
    const { definitions } = this.#server.broker.storage;
    const codes =
      this.#machine === null
        ? Array.from(definitions.entries("function/"), ([key, code]) => [namesOfKey(key)[0]!, code] as const)
        : Array.from(this.#libraries.values(), ({ name, code }) => [name, code] as const);
    this.#machine?.giveUp();
    this.#machine = null;
    this.#machine = new Machine(this.#parts, "functions");
    this.#environment = this.#prepare(this.#machine);
    this.#libraries.clear();
    this.#functions.clear();
    this.#bytes = 0;
    for (const [name, code] of codes) this.#restore(name, Buffer.from(code));
  }

  #restore(name: string, code: Buffer): void {
    try {
      this.#put({ name, code, functions: this.#run(readLibraryLine(code).body) });
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      this.#server.broker.logger.error("a function library cannot be loaded; load it again", {
        name,
        reason,
      });
    }
  }

  #prepare(machine: Machine): Environment {
    const { lua } = machine;
    const { raw, state } = lua;
    raw.lua_createtable(state, 0, 1);
    raw.lua_createtable(state, 0, 12);
    defineFields(lua, {
      register_function: (caller) => registerFunction(lua, caller, this.#registered),
      ...loadingLibrary(lua, machine.caller),
    });
    protectMissing(lua);
    lua.setReadOnly(-1);
    lua.setField(state, "redis");
    protectMissing(lua);
    lua.setReadOnly(-1);
    const loading = raw.luaL_ref(state, registryIndex);
    raw.lua_createtable(state, 0, 0);
    raw.lua_createtable(state, 0, 1);
    raw.lua_pushvalue(state, -1);
    const metatable = raw.luaL_ref(state, registryIndex);
    raw.lua_setmetatable(state, -2);
    lua.setReadOnly(-1);
    return { table: raw.luaL_ref(state, registryIndex), metatable, loading };
  }

  /** Names are found among what libraries see while they are loaded, or among what functions see. */
  #show({ lua }: Machine, loading: boolean): void {
    const { raw, state } = lua;
    const { metatable, loading: reference } = this.#environment!;
    raw.lua_rawgeti(state, registryIndex, metatable);
    if (loading) raw.lua_rawgeti(state, registryIndex, reference);
    else raw.lua_pushvalue(state, globalsIndex);
    lua.setWritable(-2);
    lua.setField(state, "__index");
    lua.setReadOnly(-1);
    lua.pop(state);
  }

  /** Runs a library's code. Returns what it has registered, or throws redis's error. */
  #run(body: Buffer): Map<string, LibraryFunction> {
    const machine = this.#machine!;
    const { lua } = machine;
    const { raw } = lua;
    const compiled = machine.compile(body, "@user_function");
    if (typeof compiled === "string") throw new RedisError(`ERR Error compiling function: ${compiled}`);
    const registered = new Map<string, LibraryFunction>();
    this.#registered = registered;
    machine.isLoading = true;
    this.#show(machine, true);
    this.#limit.begin(null, false);
    const thread = machine.thread();
    try {
      raw.lua_rawgeti(thread, registryIndex, compiled);
      raw.lua_rawgeti(thread, registryIndex, this.#environment!.table);
      raw.lua_setfenv(thread, -2);
      const status = raw.lua_resume(thread, 0);
      if (status !== luaStatus.ok) {
        const { text } = failureOf(lua, thread, status, null);
        machine.dropThread();
        throw this.#forgotten(registered, `Error registering functions: ${text}`);
      }
      raw.lua_settop(thread, 0);
      return registered;
    } catch (error) {
      if (error instanceof RedisError) throw error;
      machine.isBroken = true;
      if (error instanceof BrokerError || !(error instanceof Error)) throw error;
      throw new RedisError("ERR Error registering functions: ERR FUNCTION LOAD timeout");
    } finally {
      this.#limit.end();
      this.#registered = null;
      machine.isLoading = false;
      if (!machine.isBroken) {
        this.#show(machine, false);
        machine.forget(compiled);
      }
    }
  }
}
