/**
 * Runs mutated inputs against a target and says which one broke a promise: no throw that is not expected, no input that
 * takes `inputMsMax`, none that allocates beyond the target's bound.
 *
 * A failing input is cut down by halving, and is told as a chain: all that a fresh subject has to be given for it to
 * fail, since a session's failure may need what came before.
 *
 *     vector = *( size:u32 input )
 *
 * Invariant: input `i` of a seed is the same in every run and on both runtimes.
 */
import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Seeded } from "../sim/seeded.ts";
import { mutate, type Seed } from "./mutate.ts";
import type { Subject, Target } from "./target.ts";
import { bytesAllocated, stopwatch } from "./watch.ts";

const inputMsMax = 100;
const reruns = 5;
const shrinkMsMax = 20_000;
const vectorsDirectory = join(import.meta.dirname, "../test/vectors/fuzz");

export interface Failure {
  readonly target: string;
  readonly seed: number;
  readonly problem: string;
  readonly chain: readonly Buffer[];
}

/** Every version of every api is encoded once. */
const seedsByTarget = new Map<string, readonly Seed[]>();

function seedsFor(target: Target): readonly Seed[] {
  let seeds = seedsByTarget.get(target.name);
  if (seeds === undefined) seedsByTarget.set(target.name, (seeds = target.seeds()));
  return seeds;
}

export class Runner {
  readonly target: Target;
  readonly #seed: number;
  readonly #random: Seeded;
  #subject: Subject | null = null;
  /** What the subject has been given. */
  #history: Buffer[] = [];
  inputs = 0;
  /** The most of the thread's time that one input took from everybody else, ms. */
  slowestMs = 0;

  constructor(target: Target, seed: number) {
    this.target = target;
    this.#seed = seed;
    this.#random = new Seeded(seed);
  }

  /** Runs so many inputs, or fewer when time is up. Null: all promises were kept. */
  async run(count: number, isTimeUp: () => boolean = () => false): Promise<Failure | null> {
    const { target } = this;
    const seeds = seedsFor(target);
    for (let i = 0; i < count && !isTimeUp(); i++) {
      const random = this.#random;
      const input = mutate(random.pick(seeds), seeds, target.format, random);
      if (this.#subject === null || this.#subject.isSpent === true) await this.#renew();
      this.#history.push(input);
      this.inputs++;
      const problem = await this.#problemWith(this.#subject!, input);
      if (problem !== null) return this.#failure(problem);
    }
    return null;
  }

  async #renew(): Promise<void> {
    this.#subject?.close?.();
    this.#subject = await this.target.open();
    this.#history = [];
  }

  close(): void {
    this.#subject?.close?.();
    this.#subject = null;
  }

  async #problemWith(subject: Subject, input: Buffer): Promise<string | null> {
    const { bytesAllocatedMax } = this.target;
    const before = bytesAllocated();
    const msOfWork = stopwatch();
    try {
      const running = subject.run(input);
      if (running !== undefined) await running;
    } catch (error) {
      return error instanceof Error ? (error.stack ?? error.message) : String(error);
    }
    const ms = msOfWork();
    this.slowestMs = Math.max(this.slowestMs, ms);
    if (ms > inputMsMax && (await this.#isSlow(input))) return `an input took ${ms.toFixed(0)} ms`;
    const allocated = bytesAllocated() - before;
    const most = bytesAllocatedMax[0] + bytesAllocatedMax[1] * input.length;
    return allocated > most ? `${input.length} bytes made it allocate ${allocated}, at most ${most}` : null;
  }

  /** Slow by itself, not because something was compiled or collected just then: the quickest of some fresh runs. */
  async #isSlow(input: Buffer): Promise<boolean> {
    for (let i = 0; i < reruns; i++) {
      const subject = await this.target.open();
      const msOfWork = stopwatch();
      try {
        await subject.run(input);
      } catch {
        return true;
      } finally {
        subject.close?.();
      }
      if (msOfWork() <= inputMsMax) return false;
    }
    return true;
  }

  async #failure(problem: string): Promise<Failure> {
    const whole = this.#history;
    this.#history = [];
    this.#subject = null;
    const chain = await this.#shrink(whole);
    return { target: this.target.name, seed: this.#seed, problem, chain };
  }

  async #fails(chain: readonly Buffer[]): Promise<boolean> {
    return (await replay(this.target, chain)) !== null;
  }

  /** Halves the chain, then its inputs, for as long as it still fails. */
  async #shrink(whole: readonly Buffer[]): Promise<readonly Buffer[]> {
    const until = performance.now() + shrinkMsMax;
    const last = [whole.at(-1)!];
    let chain = (await this.#fails(last)) ? last : whole;
    const attempt = async (shorter: readonly Buffer[]): Promise<boolean> => {
      if (performance.now() > until || !(await this.#fails(shorter))) return false;
      chain = shorter;
      return true;
    };
    for (let size = chain.length >> 1; size > 0; size >>= 1) {
      for (let at = 0; at < chain.length - 1;) {
        if (!(await attempt([...chain.slice(0, at), ...chain.slice(at + size)]))) at += size;
      }
    }
    for (let i = 0; i < chain.length; i++) {
      for (let size = chain[i]!.length >> 1; size > 0; size >>= 1) {
        for (let at = 0; at < chain[i]!.length;) {
          const input = chain[i]!;
          const shorter = Buffer.concat([input.subarray(0, at), input.subarray(at + size)]);
          if (!(await attempt(chain.with(i, shorter)))) at += size;
        }
      }
    }
    return chain;
  }
}

/** Gives a fresh subject all of the chain; what went wrong, or null. */
export async function replay(target: Target, chain: readonly Buffer[]): Promise<string | null> {
  const subject = await target.open();
  const [constant, perByte] = target.bytesAllocatedMax;
  try {
    for (const input of chain) {
      const before = bytesAllocated();
      const msOfWork = stopwatch();
      await subject.run(input);
      const ms = msOfWork();
      if (ms > inputMsMax * 2) return `an input took ${ms.toFixed(0)} ms`;
      const allocated = bytesAllocated() - before;
      if (allocated > constant + perByte * input.length) return `allocated ${allocated} bytes`;
    }
    return null;
  } catch (error) {
    return error instanceof Error ? (error.stack ?? error.message) : String(error);
  } finally {
    subject.close?.();
  }
}

/** Keeps the chain where the test replays it; says where. */
export function keep({ target, chain }: Failure): string {
  const parts = chain.flatMap((input) => {
    const size = Buffer.alloc(4);
    size.writeUInt32BE(input.length);
    return [size, input];
  });
  const bytes = Buffer.concat(parts);
  const hash = createHash("sha256").update(bytes).digest("hex").slice(0, 16);
  const directory = join(vectorsDirectory, target);
  mkdirSync(directory, { recursive: true });
  const path = join(directory, `${hash}.bin`);
  writeFileSync(path, bytes);
  return path;
}

/** The chains that were found for a target, by file name. */
export function keptChains(target: string): Map<string, Buffer[]> {
  const directory = join(vectorsDirectory, target);
  const chains = new Map<string, Buffer[]>();
  let names: string[] = [];
  try {
    names = readdirSync(directory).toSorted();
  } catch {
    return chains;
  }
  for (const name of names) {
    const bytes = readFileSync(join(directory, name));
    const chain: Buffer[] = [];
    for (let at = 0; at < bytes.length;) {
      const end = at + 4 + bytes.readUInt32BE(at);
      chain.push(bytes.subarray(at + 4, end));
      at = end;
    }
    chains.set(name, chain);
  }
  return chains;
}
