/**
 * Runs scripts and functions for the commands of this family: one machine, one run at a time.
 *
 * Not here: what the commands take and answer (../eval.ts, ../function/). A run is whole within one turn, so its changes are in one
 * group of the journal; one that takes long may be suspended while it has changed nothing (time-limit.ts). Invariants: a run ends
 * with one reply; while one is suspended, `busy` is set and no other begins; a broken machine is replaced before the next run.
 */
import type { Job } from "../../../../base/turn-work.ts";
import { limits } from "../../../../base/limits.ts";
import { slicesOfCommand } from "../../core/claims/command-slices.ts";
import type { CommandContext } from "../../core/context.ts";
import { RedisError } from "../../core/errors.ts";
import type { LaterReply, LaterWork } from "../../core/later-reply.ts";
import type { RedisServer } from "../../server.ts";
import type { ReplyWriter } from "../../wire/reply-writer.ts";
import { writeError, writeLuaValue, type ReplyTarget } from "../api/lua-to-reply.ts";
import { globalsIndex, luaStatus, registryIndex, type State } from "../lua/raw-api.ts";
import { RandomNumbers } from "../lua/random-numbers.ts";
import { FunctionLibraries } from "../function/libraries.ts";
import { GivenUpMemory } from "./given-up-memory.ts";
import { Machine, type MachineParts } from "./machine.ts";
import { ScriptCache, type Script } from "./script-cache.ts";
import { failureOf, withPlace, type ScriptFailure } from "./script-error.ts";
import { ScriptRun, type RunOptions } from "./script-run.ts";
import { RunCutOff, TimeLimit } from "./time-limit.ts";

const unitsOfMs = 1000;

/** Which arguments of the request are the script's keys, and which are its others: from `keys` on, from `keys + count` on. */
export interface ScriptArguments {
  readonly keys: number;
  readonly keyCount: number;
}

export class ScriptEngine {
  readonly #server: RedisServer;
  readonly cache = new ScriptCache((script) => this.#forget(script));
  readonly libraries: FunctionLibraries;
  readonly #limit: TimeLimit;
  readonly #parts: MachineParts;
  #machine: Machine | null = null;
  #suspended: ScriptRun | null = null;

  constructor(server: RedisServer) {
    this.#server = server;
    this.#limit = new TimeLimit(server.broker.clock, server.settings);
    this.#parts = {
      server,
      watch: this.#limit,
      random: new RandomNumbers(),
      givenUp: new GivenUpMemory(server.broker.timers),
    };
    this.libraries = new FunctionLibraries(this.#parts, this.#limit);
  }

  /** The run that is suspended, for others to see. */
  get suspended(): ScriptRun | null {
    return this.#suspended;
  }

  set suspended(run: ScriptRun | null) {
    this.#suspended = run;
    this.#server.busyScript = run;
  }

  /** What the values of scripts hold within it. */
  get heldBytes(): number {
    return this.#machine?.lua.heldBytes ?? 0;
  }

  /** Memory of the machine; 0 before the first script. */
  get memoryBytes(): number {
    return this.#machine?.lua.memoryBytes ?? 0;
  }

  machine(): Machine {
    if (this.#machine === null || this.#machine.isBroken) {
      this.dropMachine();
      this.#machine = new Machine(this.#parts, "scripts");
    }
    return this.#machine;
  }

  /** All compiled code goes: SCRIPT FLUSH, FUNCTION FLUSH. */
  dropMachine(): void {
    this.#machine?.giveUp();
    this.#machine = null;
  }

  #forget(script: Script): void {
    if (script.machine === this.#machine?.number) this.#machine.forget(script.reference);
  }

  /** The script compiled in the machine that is in use. Throws redis's error. */
  #compiled(script: Script): Machine {
    const machine = this.machine();
    if (script.machine === machine.number) return machine;
    const compiled = machine.compile(script.body, "@user_script");
    if (typeof compiled === "string")
      throw new RedisError(`ERR Error compiling script (new function): ${compiled}`);
    script.machine = machine.number;
    script.reference = compiled;
    return machine;
  }

  /** Throws redis's error where the script is no Lua. */
  assertCompiles(script: Script): void {
    this.#compiled(script);
  }

  runScript(
    context: CommandContext,
    script: Script,
    given: ScriptArguments,
    rights: Pick<RunOptions, "readOnly" | "mayExceedMemory">,
  ): void {
    const machine = this.#compiled(script);
    const { sha, flags } = script;
    const mayCrossSlots = flags?.has("allow-cross-slot-keys") ?? true;
    const options: RunOptions = { name: sha, kind: "script", mayCrossSlots, ...rights };
    this.#run(context, machine, options, (thread) => {
      machine.withGlobals(() => {
        this.#pushKeys(machine, thread, context, given);
        machine.lua.raw.lua_setfield(thread, globalsIndex, machine.lua.name("KEYS"));
        this.#pushOthers(machine, thread, context, given);
        machine.lua.raw.lua_setfield(thread, globalsIndex, machine.lua.name("ARGV"));
      });
      machine.lua.raw.lua_rawgeti(thread, registryIndex, script.reference);
      return 0;
    });
  }

  /** Calls a function that `FUNCTION LOAD` has registered, by its reference in `machine`. */
  runFunction(
    context: CommandContext,
    machine: Machine,
    reference: number,
    options: RunOptions,
    given: ScriptArguments,
  ): void {
    this.#run(context, machine, options, (thread) => {
      machine.lua.raw.lua_rawgeti(thread, registryIndex, reference);
      this.#pushKeys(machine, thread, context, given);
      this.#pushOthers(machine, thread, context, given);
      return 2;
    });
  }

  #pushKeys(machine: Machine, thread: State, context: CommandContext, given: ScriptArguments): void {
    pushArguments(machine, thread, context, given.keys, given.keys + given.keyCount);
  }

  #pushOthers(machine: Machine, thread: State, context: CommandContext, given: ScriptArguments): void {
    pushArguments(machine, thread, context, given.keys + given.keyCount, context.request.argumentCount);
  }

  #run(
    context: CommandContext,
    machine: Machine,
    options: RunOptions,
    prepare: (thread: State) => number,
  ): void {
    const { broker, keyspace } = this.#server;
    keyspace.moment.fix();
    const run = new ScriptRun(context, options, broker.clock.monotonic());
    const { caller } = machine;
    machine.run = run;
    caller.outer = context.caller;
    caller.context.database = context.database;
    caller.context.usesFrom = context.usesFrom;
    this.#limit.begin(run, context.caller.later !== null);
    let isSuspended = false;
    try {
      const thread = machine.thread();
      const count = this.#attempt(machine, run, () => prepare(thread));
      const status = this.#attempt(machine, run, () => machine.lua.raw.lua_resume(thread, count));
      isSuspended = status === luaStatus.yield && this.#limit.hasYielded;
      if (isSuspended) new SuspendedRun(this, machine, run).start();
      else this.#answer(machine, run, status, context.reply);
    } finally {
      if (!isSuspended) this.#ended(machine);
    }
  }

  /** Lets Lua work. Throws an error reply where that was cut off, and gives the machine up. */
  #attempt<Result>(machine: Machine, run: ScriptRun, work: () => Result): Result {
    try {
      return work();
    } catch (error) {
      if (error instanceof RedisError) throw error;
      machine.isBroken = true;
      throw this.#replyOf(error, run);
    }
  }

  #replyOf(error: unknown, { options: { name } }: ScriptRun): RedisError {
    if (error instanceof RunCutOff)
      return new RedisError(
        `ERR Script ${name} was ended: it ran ${limits.luaTimeLimitsMax} times longer than lua-time-limit allows, ` +
          "and had written or was within a call that cannot be interrupted",
      );
    // Deep recursion within a C function. Node's own range errors have a code, and are faults of ours.
    if (error instanceof RangeError && !("code" in error))
      return new RedisError(`ERR Error running script ${name}, stack overflow`);
    if (error instanceof WebAssembly.RuntimeError)
      return new RedisError(`ERR Error running script ${name}, not enough memory`);
    throw error;
  }

  #answer(machine: Machine, run: ScriptRun, status: number, reply: ReplyWriter): void {
    const { lua } = machine;
    const { raw } = lua;
    const thread = machine.thread();
    if (status !== luaStatus.ok) {
      const failure = failureOf(lua, thread, status, run.options.name);
      machine.dropThread();
      return this.#answerFailure(run, failure, reply);
    }
    const target = this.#target(run, reply);
    try {
      // Without results there is a nil, of several the first.
      raw.lua_settop(thread, 1);
      // A result with the same table in many places may be endless, so the limits go on.
      this.#attempt(machine, run, () => writeLuaValue(lua, thread, target));
      this.#countFailure(run, target);
    } finally {
      if (!machine.isBroken) raw.lua_settop(thread, 0);
    }
  }

  #answerFailure(run: ScriptRun, { text, isCounted }: ScriptFailure, reply: ReplyWriter): void {
    const target = this.#target(run, reply);
    writeError(target, text, !isCounted);
    this.#countFailure(run, target);
  }

  #target({ version }: ScriptRun, reply: ReplyWriter): ReplyTarget {
    return { reply, version, countError: (text) => this.#server.countError(text), hasFailed: false };
  }

  /** As in redis, a call that answers an error has failed, whether its script raised or returned it. */
  #countFailure(run: ScriptRun, { hasFailed }: ReplyTarget): void {
    if (hasFailed) this.#server.observer.failed[run.outer.spec.id]!++;
  }

  #ended(machine: Machine): void {
    this.#limit.end();
    machine.run = null;
    machine.caller.release();
    machine.lua.trimScratch();
    if (machine.isLarge) machine.isBroken = true;
    // At once, since the next script may come much later.
    if (machine.isBroken && machine === this.#machine) this.dropMachine();
  }

  // Suspended runs: for `SuspendedRun` alone

  /** Runs another slice. Returns its status; undefined while the run goes on. */
  slice(machine: Machine, run: ScriptRun): number | undefined {
    this.#limit.resumed();
    const thread = machine.thread();
    const status = this.#attempt(machine, run, () => machine.lua.raw.lua_resume(thread, 0));
    return status === luaStatus.yield && this.#limit.hasYielded ? undefined : status;
  }

  killed(machine: Machine, run: ScriptRun): ScriptFailure {
    const text = "ERR Script killed by user with SCRIPT KILL...";
    machine.dropThread();
    return { text: withPlace(text, machine.suspendedAt, run.options.name), isCounted: false };
  }

  finish(machine: Machine, run: ScriptRun, outcome: number | ScriptFailure): void {
    const { reply } = run.outer;
    if (typeof outcome === "number") this.#answer(machine, run, outcome, reply);
    else this.#answerFailure(run, outcome, reply);
  }

  release(machine: Machine): void {
    this.suspended = null;
    this.#ended(machine);
  }
}

/** A run that goes on in later turns, until it ends or is killed. It has changed nothing so far. */
class SuspendedRun implements LaterWork {
  readonly isWork = true;
  readonly #engine: ScriptEngine;
  readonly #machine: Machine;
  readonly #run: ScriptRun;
  #later!: LaterReply;

  constructor(engine: ScriptEngine, machine: Machine, run: ScriptRun) {
    this.#engine = engine;
    this.#machine = machine;
    this.#run = run;
  }

  start(): void {
    const later = this.#run.outer.caller.later!;
    this.#engine.suspended = this.#run;
    later.keepRequest();
    this.#later = later.beginLater(this);
    const { outer } = this.#run;
    outer.broker.work.run(slicesOfCommand(outer, this.#work()), (ended) => {
      this.#later.answer(() => {
        try {
          if ("error" in ended) throw ended.error;
          this.#engine.finish(this.#machine, this.#run, ended.result);
        } finally {
          // Before the requests behind this one run.
          this.#release();
        }
      });
      // Nobody waits for the answer any more.
      this.#release();
    });
  }

  #release(): void {
    if (this.#engine.suspended === this.#run) this.#engine.release(this.#machine);
  }

  *#work(): Job<number | ScriptFailure> {
    for (;;) {
      yield limits.luaSliceMs * unitsOfMs;
      if (this.#run.isKilled) return this.#engine.killed(this.#machine, this.#run);
      const status = this.#engine.slice(this.#machine, this.#run);
      if (status !== undefined) return status;
    }
  }

  /** Nobody waits for the answer any more, and nothing was changed: the run may end. */
  abandon(): void {
    this.#run.isKilled = true;
  }
}

/** Pushes a table of the request's arguments `[first, end)`. */
function pushArguments(
  { lua }: Machine,
  thread: State,
  { request }: CommandContext,
  first: number,
  end: number,
): void {
  const { raw } = lua;
  const { buffer, starts, ends } = request;
  raw.lua_createtable(thread, end - first, 0);
  for (let index = first; index < end; index++) {
    lua.pushBytes(thread, buffer, starts[index], ends[index]);
    raw.lua_rawseti(thread, -2, index - first + 1);
  }
}

const engines = new WeakMap<RedisServer, ScriptEngine>();

/** The engine of a server, made at the first script. */
export function scriptsOf(server: RedisServer): ScriptEngine {
  let engine = engines.get(server);
  if (engine === undefined) engines.set(server, (engine = new ScriptEngine(server)));
  return engine;
}
