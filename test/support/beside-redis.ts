/** Our broker and the real redis-server side by side, in RESP2 and RESP3: the same commands to both, replies compared byte by byte. */
import assert from "node:assert/strict";
import { startTestBroker, type TestBroker } from "./broker.ts";
import { RawRedis, type Word } from "./raw-redis.ts";
import { RealRedis } from "./real-redis.ts";

/** `any`: replies of the commands that were named as having no order are compared by their lines, in any order. */
type Order = "exact" | "any";

const versions = [2, 3] as const;

export class BesideRedis {
  readonly #ours: TestBroker;
  readonly #real: RealRedis;
  readonly #pairs = new Map<number, { us: RawRedis; them: RawRedis }>();
  readonly #unordered: ReadonlySet<string>;

  private constructor(ours: TestBroker, real: RealRedis, unordered: readonly string[]) {
    this.#ours = ours;
    this.#real = real;
    this.#unordered = new Set(unordered);
  }

  /** `unordered` are commands whose order is chance in redis. */
  static async start(unordered: readonly string[], program?: string): Promise<BesideRedis> {
    return BesideRedis.of(await startTestBroker(), await RealRedis.start([], {}, program), unordered);
  }

  /** Of two that were started otherwise. */
  static async of(ours: TestBroker, real: RealRedis, unordered: readonly string[]): Promise<BesideRedis> {
    const beside = new BesideRedis(ours, real, unordered);
    for (const version of versions) {
      const pair = {
        us: await RawRedis.open(beside.#ours.ports.redis),
        them: await RawRedis.open(beside.#real.port),
      };
      await Promise.all([pair.us.call("hello", version), pair.them.call("hello", version)]);
      beside.#pairs.set(version, pair);
    }
    return beside;
  }

  async stop(): Promise<void> {
    for (const { us, them } of this.#pairs.values()) await Promise.all([us.close(), them.close()]);
    await this.#real.stop();
    await this.#ours.stop();
  }

  /** Of our broker, and of redis. */
  get ports(): readonly [number, number] {
    return [this.#ours.ports.redis, this.#real.port];
  }

  /** The connections to ours and to redis. */
  pair(version: 2 | 3): { readonly us: RawRedis; readonly them: RawRedis } {
    return this.#pairs.get(version)!;
  }

  async same(version: 2 | 3, words: readonly Word[], order: Order = "exact"): Promise<void> {
    const { us, them } = this.#pairs.get(version)!;
    const [got, wanted] = await Promise.all([us.call(...words), them.call(...words)]);
    const shown = `RESP${version}: ${words.map(String).join(" ").slice(0, 200)}`;
    if (order === "any" && this.#unordered.has(String(words[0])))
      assert.equal(inAnyOrder(got), inAnyOrder(wanted), shown);
    else assert.equal(got, wanted, shown);
  }

  /** A command on each line. `X64` and the like are so many letters, `""` is nothing. */
  async sameAll(lines: string, order: Order = "exact"): Promise<void> {
    for (const version of versions) {
      for (const line of lines.split("\n")) {
        const words = line.trim().split(" ");
        if (words[0] === "") continue;
        const sent = words.map((word) =>
          word === '""' ? "" : word.replace(/^X(\d+)$/, (_, size) => "x".repeat(Number(size))),
        );
        await this.same(version, sent, order);
      }
    }
  }
}

function inAnyOrder(reply: string): string {
  return reply.split("\r\n").toSorted().join("\r\n");
}
