/**
 * The Lua machine that runs all scripts and functions of one server: its libraries, the compiled scripts, the coroutine they run in.
 *
 * A script runs in a coroutine, so that one that takes long can stop while the event loop goes on (time-limit.ts). Not here: which
 * scripts there are (script-cache.ts), what a reply looks like. Invariant: a machine in which a run was cut off from outside
 * (`isBroken`) is never used again: its owner makes a new one.
 */
import { limits } from "../../../../base/limits.ts";
import type { RedisServer } from "../../server.ts";
import { osLibrary } from "../api/os-library.ts";
import { redisLibrary } from "../api/redis-library.ts";
import { defineLibraries } from "../libraries/index.ts";
import { defineLibrary } from "../lua/define.ts";
import { LuaInstance } from "../lua/lua-instance.ts";
import type { RandomNumbers } from "../lua/random-numbers.ts";
import { globalsIndex, hookMask, luaStatus, registryIndex, type State } from "../lua/raw-api.ts";
import { hideCoroutine, openStandard, protect } from "../lua/sandbox.ts";
import type { GivenUpMemory } from "./given-up-memory.ts";
import { failedPlace, type Place } from "./script-error.ts";
import { ScriptCaller } from "./script-caller.ts";
import type { ScriptRun } from "./script-run.ts";

/** Instructions between two looks at the clock: about a millisecond. */
const hookInstructions = 100_000;
/** Steps of matching a pattern, or comparisons, between two looks at the clock. */
const budgetSteps = 128;

/** Who watches how long a run takes. Both throw to cut the run off. */
export interface RunWatch {
  /** Lua code runs. Returns whether it is to yield. */
  instructionsPassed(canYield: boolean): boolean;
  /** A C function runs, which cannot yield. */
  stepsPassed(): void;
}

/** What all machines of a server share. */
export interface MachineParts {
  readonly server: RedisServer;
  readonly watch: RunWatch;
  readonly random: RandomNumbers;
  readonly givenUp: GivenUpMemory;
}

let machinesMade = 0;

export class Machine {
  /** Tells machines apart without holding them; from 1. */
  readonly number = ++machinesMade;
  readonly lua: LuaInstance;
  readonly caller: ScriptCaller;
  run: ScriptRun | null = null;
  isLoading = false;
  isBroken = false;
  /** Where the run was when it was suspended last: told if it is killed then. */
  suspendedAt: Place | null = null;
  #thread: State = 0;
  #threadReference = 0;
  readonly #globalsPointer: number;
  readonly #givenUp: GivenUpMemory;

  /** Functions get keys and arguments as parameters, scripts as the globals KEYS and ARGV. */
  constructor({ server, watch, random, givenUp }: MachineParts, kind: "scripts" | "functions") {
    this.#givenUp = givenUp;
    givenUp.makeRoom();
    const lua = new LuaInstance({
      hook: (state) => {
        const canYield = state === this.#thread && lua.canYield(state);
        if (!watch.instructionsPassed(canYield)) return;
        this.suspendedAt = failedPlace(lua, state);
        lua.raw.lua_yield(state, 0);
      },
      budgetSpent: () => {
        lua.raw.budget.value = budgetSteps;
        watch.stepsPassed();
      },
    });
    this.lua = lua;
    lua.raw.budget.value = budgetSteps;
    this.caller = new ScriptCaller(server);
    openStandard(lua, random);
    hideCoroutine(lua, (state) => state === this.#thread);
    defineLibraries(lua);
    const parts = { lua, caller: this.caller, run: () => this.run, isLoading: () => this.isLoading };
    defineLibrary(lua, "redis", redisLibrary(parts, kind));
    defineLibrary(lua, "os", osLibrary(lua, server.host));
    for (const name of kind === "scripts" ? ["KEYS", "ARGV"] : []) {
      lua.raw.lua_createtable(lua.state, 0, 0);
      lua.setGlobal(name);
    }
    protect(lua);
    lua.raw.lua_pushvalue(lua.state, globalsIndex);
    this.#globalsPointer = lua.raw.lua_topointer(lua.state, -1);
    lua.pop(lua.state);
  }

  /** Whether so much memory is taken that the next run had better begin in a new machine. */
  get isLarge(): boolean {
    return this.lua.memoryBytes > limits.luaMemoryBytesKept;
  }

  /** Its owner drops it, and refers to it no more. */
  giveUp(): void {
    this.#givenUp.add(this.lua.memoryBytes);
  }

  /** The coroutine that the next run takes. */
  thread(): State {
    const { raw, state, hookPlace } = this.lua;
    if (this.#thread === 0) {
      this.#thread = raw.lua_newthread(state);
      this.#threadReference = raw.luaL_ref(state, registryIndex);
      raw.lua_sethook(this.#thread, hookPlace, hookMask.count, hookInstructions);
    }
    return this.#thread;
  }

  /** The coroutine's run has ended in an error or was given up: it cannot be used again. */
  dropThread(): void {
    const { raw, state } = this.lua;
    if (this.#thread === 0) return;
    raw.lua_sethook(this.#thread, 0, 0, 0);
    raw.luaL_unref(state, registryIndex, this.#threadReference);
    this.#thread = 0;
  }

  /** Compiles a text. Returns a reference to the function, or the error's text. */
  compile(text: Uint8Array, chunk: "@user_script" | "@user_function"): number | string {
    const { lua } = this;
    const { raw, state } = lua;
    const at = raw.malloc(text.length + 1);
    if (at === 0) return "not enough memory";
    lua.bytes.set(text, at);
    const status = raw.luaL_loadbuffer(state, at, text.length, lua.name(chunk));
    raw.free(at);
    if (status === luaStatus.ok) return raw.luaL_ref(state, registryIndex);
    const problem = lua.text(state, -1)!;
    lua.pop(state);
    return problem;
  }

  forget(reference: number): void {
    this.lua.raw.luaL_unref(this.lua.state, registryIndex, reference);
  }

  /** Runs `change` while globals can be set. */
  withGlobals(change: () => void): void {
    this.lua.unlock(this.#globalsPointer);
    change();
    this.lua.lock(this.#globalsPointer);
  }
}
