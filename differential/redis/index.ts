/**
 * `npm run differential -- --redis [--seed S] [--runs N] [--steps N] [--minutes M] [--profile P] [--verbose]`: random commands on TroikaMQ and
 * on a real redis-server, of several connections in RESP2 and RESP3, step by step, until they answer differently, or tell a subscriber or
 * a cache something else. A difference prints the seed and what led to it.
 *
 * What may differ stands in known.ts, with the reason.
 */
import { startTestBroker, type TestBroker } from "../../test/support/broker.ts";
import type { Word } from "../../test/support/raw-redis.ts";
import { noRealRedis, RealRedis } from "../../test/support/real-redis.ts";
import { seededRandom } from "../random.ts";
import { isSame, pushedText } from "./known.ts";
import { Pool, type Profile, profiles, readGrammar, type Step } from "./pool.ts";
import { settingNames } from "./settings.ts";
import { connectionCount, Side } from "./side.ts";

export interface RedisOptions {
  readonly seed: number;
  readonly runs: number;
  readonly steps: number;
  readonly minutes: number;
  /** Each run draws its own, if absent. */
  readonly profile?: Profile | undefined;
  readonly isVerbose: boolean;
}

const shownMax = 40;
/** All but `d`, which no command tells: beside `A` redis forgets `n` where a CONFIG SET fails (known.ts). */
const events = "KEg$lshzxetmn";

/** Returns how many runs found a difference. */
export async function compareRedis(options: RedisOptions): Promise<number> {
  if (noRealRedis !== false) {
    console.log(`skipped: ${noRealRedis}`);
    return 0;
  }
  const real = await RealRedis.start(["--maxmemory-policy", "noeviction"]);
  let ours: TestBroker | null = null;
  let differences = 0;
  try {
    ours = await startTestBroker({ dataDir: "memory", args: ["--log-level", "error"] });
    const asking = new Side(real.port);
    await asking.open();
    await readGrammar(async (name) => (await asking.control(["command", "info", name])).length > 20);
    const defaults = await defaultsOf(asking);
    asking.close();
    const end = performance.now() + options.minutes * 60_000;
    for (let at = 0; at < options.runs && performance.now() < end; at++) {
      const seed = options.seed + at;
      const sides = [new Side(ours.ports.redis), new Side(real.port)] as const;
      try {
        const difference = await new Run(seed, sides, defaults, options).run();
        if (difference === null) continue;
        differences++;
        console.log(
          `DIFFERENT: ${difference}\n  again: npm run differential -- --redis --seed ${seed} --runs 1`,
        );
      } finally {
        for (const side of sides) side.close();
      }
    }
  } finally {
    await ours?.stop();
    await real.stop();
  }
  console.log(differences === 0 ? "no difference" : `${differences} runs differ`);
  return differences;
}

async function defaultsOf(side: Side): Promise<readonly string[]> {
  const found: string[] = [];
  for (const name of settingNames) {
    const words = (await side.control(["config", "get", name])).split("\r\n");
    found.push(name, words.at(-2)!);
  }
  return found;
}

class Run {
  readonly #sides: readonly [Side, Side];
  readonly #defaults: readonly string[];
  readonly #options: RedisOptions;
  readonly #seed: number;
  readonly #pool: Pool;
  readonly #said: string[] = [];
  /** By connection: the commands of its transaction; null for none. */
  readonly #queued: (string[] | null)[] = Array.from({ length: connectionCount }, () => null);
  /** By connection: what it waits for. */
  readonly #waitsFor: string[] = Array.from({ length: connectionCount }, () => "");

  constructor(
    seed: number,
    sides: readonly [Side, Side],
    defaults: readonly string[],
    options: RedisOptions,
  ) {
    this.#seed = seed;
    this.#sides = sides;
    this.#defaults = defaults;
    this.#options = options;
    const random = seededRandom(seed);
    const profile = options.profile ?? profiles[Math.floor(random() * profiles.length)]!;
    this.#pool = new Pool(random, profile);
  }

  async run(): Promise<string | null> {
    await Promise.all(this.#sides.map((side) => this.#begin(side)));
    for (let at = 0; at < this.#options.steps; at++) {
      const [ours] = this.#sides;
      const step = this.#pool.next(
        (connection) => ours.isBlocked(connection),
        (connection) => this.#queued[connection] !== null,
      );
      if (step === null) continue;
      const difference = await this.#take(step);
      if (difference !== null) return this.#report(at, difference);
    }
    return null;
  }

  async #begin(side: Side): Promise<void> {
    await side.open();
    for (const words of [
      ["config", "set", ...this.#defaults],
      ["config", "set", "notify-keyspace-events", events],
      ["flushall"],
      ["function", "flush"],
      ["script", "flush"],
    ])
      await side.control(words);
    await side.settle();
    side.taken();
  }

  async #take(step: Step): Promise<string | null> {
    const { connection, requests } = step;
    const texts = requests.map((words) => words.map(String).join(" "));
    this.#said.push(
      `${connection}> ${step.reopens === true ? "closed and opened again" : texts.join(" ; ")}`,
    );
    if (this.#options.isVerbose) console.log(this.#said.at(-1));
    if (step.reopens === true) {
      this.#queued[connection] = null;
      await Promise.all(this.#sides.map((side) => side.reopen(connection)));
    }
    this.#waitsFor[connection] = texts.join(" ");
    for (const side of this.#sides) {
      const isInMulti = this.#queued[connection] !== null || texts.includes("multi");
      if (isInMulti && !/^(exec|discard)$/.test(texts[0] ?? "")) side.quietMarks.add(connection);
      else side.quietMarks.delete(connection);
      for (const words of requests) side.send(connection, words, 1);
    }
    await Promise.all(this.#sides.map((side) => side.settle()));
    return this.#compare(step, texts);
  }

  #compare({ connection }: Step, texts: readonly string[]): string | null {
    const [ours, theirs] = this.#sides.map((side) => side.taken());
    for (let i = 0; i < connectionCount; i++) {
      const asked = i === connection ? texts : [this.#waitsFor[i]!];
      const queued = this.#queued[i] ?? [];
      const about = [...asked, ...queued].join(" ");
      const [a, b] = [ours!.replies[i]!, theirs!.replies[i]!];
      const count = Math.max(a.length, b.length);
      for (let at = 0; at < count; at++)
        if (!isSame(about, a[at] ?? "nothing", b[at] ?? "nothing"))
          return `connection ${i} (${about.slice(0, 300)})\n    ours:   ${shown(a[at])}\n    theirs: ${shown(b[at])}`;
    }
    for (let i = 0; i <= connectionCount; i++) {
      const [a, b] = [ours!.pushes[i]!, theirs!.pushes[i]!].map((frames) =>
        pushedText(frames, [...texts, ...(this.#queued[connection] ?? [])].join(" ")),
      );
      if (a !== b)
        return `told to ${i === connectionCount ? "the subscriber" : `connection ${i}`}\n    ours:   ${shown(a)}\n    theirs: ${shown(b)}`;
    }
    this.#followMulti(connection, texts, theirs!.replies[connection]!);
    return null;
  }

  #followMulti(connection: number, texts: readonly string[], replies: readonly string[]): void {
    const queued = this.#queued[connection]!;
    const [text] = texts;
    if (queued === null) {
      if (text === "multi" && replies[0] === "+OK\r\n") this.#queued[connection] = [];
    } else if (text === "exec" || text === "discard") {
      this.#queued[connection] = null;
      for (const side of this.#sides) side.quietMarks.delete(connection);
    } else queued.push(...texts);
    if (this.#queued[connection] === null) for (const side of this.#sides) side.quietMarks.delete(connection);
  }

  #report(at: number, difference: string): string {
    const before = this.#options.isVerbose ? [] : this.#said.slice(-shownMax);
    return `seed ${this.#seed}, ${this.#pool.profile}, step ${at}\n${before.map((line) => line.slice(0, 300)).join("\n")}\n  ${difference}`;
  }
}

export type { Word };

function shown(text: string | undefined): string {
  return JSON.stringify(text ?? "nothing").slice(0, 600);
}
