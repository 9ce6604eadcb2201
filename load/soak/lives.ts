/**
 * What was seen of each life of the broker, and whether the later ones needed more than those before. Pure but for
 * looking at the process.
 *
 * Not here: what was told and verified. Invariant: between lives only samples of equal age are compared.
 */
import { median } from "../../bench/base/statistics.ts";
import { megabytes } from "../base/scenario.ts";
import { descriptorsOf, rssOf } from "../base/usage.ts";
import type { Files } from "./clean-up.ts";

const growthShareMax = 0.1;
/** Lives whose descriptors may be counted while a file is opened and another not closed yet. */
const descriptorsMore = 4;
/** Two minutes: in less than that memory has not settled. */
const samplesToCompareWithin = 24;
const livesPerThirdLeast = 1;
/** What is left is the journal's newest file, which may be anything up to the soak's 16 MiB; twice that is growth. */
const leftBytesMore = 32 << 20;

interface Life {
  /** At its start, before any client came. */
  readonly rssAtStart: number;
  readonly descriptorsAtStart: number;
  /** One for each age. */
  readonly rss: number[];
  readonly descriptors: number[];
  told: Readonly<Record<string, number>>;
  filesFull: Files;
  filesLeft: Files;
}

const noFiles: Files = { count: 0, bytes: 0 };

export class Lives {
  readonly #lives: Life[] = [];

  begin(pid: number): void {
    this.#lives.push({
      rssAtStart: rssOf(pid),
      descriptorsAtStart: descriptorsOf(pid),
      rss: [],
      descriptors: [],
      told: {},
      filesFull: noFiles,
      filesLeft: noFiles,
    });
  }

  sample(pid: number): void {
    const life = this.#lives.at(-1)!;
    life.rss.push(rssOf(pid));
    life.descriptors.push(descriptorsOf(pid));
  }

  end(told: Readonly<Record<string, number>>, filesFull: Files, filesLeft: Files): void {
    Object.assign(this.#lives.at(-1)!, { told, filesFull, filesLeft });
  }

  lastLine(): string {
    const { told, rss, rssAtStart, descriptors, filesFull, filesLeft } = this.#lives.at(-1)!;
    return [
      `life ${this.#lives.length}: ${rss.length} samples`,
      Object.entries(told)
        .map(([name, count]) => `${name} ${count}`)
        .join(" "),
      `RSS ${megabytes(rssAtStart)}, in thirds of its life ${thirds(rss).map(megabytes).join(", ")}, at most ${megabytes(Math.max(...rss))}`,
      `descriptors ${Math.max(...descriptors)}`,
      `files ${filesFull.count} (${megabytes(filesFull.bytes)}), left ${filesLeft.count} (${megabytes(filesLeft.bytes)})`,
    ].join("; ");
  }

  /** Of lives `[from, to)`: the median at each age that all of them reached. */
  #atEqualAges(from: number, to: number, of: (life: Life) => readonly number[], ages: number): number[] {
    const lives = this.#lives.slice(from, to);
    return Array.from({ length: ages }, (_, age) => median(lives.map((life) => of(life)[age]!)));
  }

  summary(): { rows: string[][]; breaches: string[] } {
    const breaches: string[] = [];
    const third = Math.floor(this.#lives.length / 3);
    const ages = Math.min(...this.#lives.map(({ rss }) => rss.length));
    const rows = this.#toldRows();
    if (third < livesPerThirdLeast || ages < 1) {
      breaches.push(`only ${this.#lives.length} lives: too few to compare; give more --minutes`);
      return { rows, breaches };
    }
    const last = this.#lives.length;
    const compare = (what: string, of: (life: Life) => readonly number[]): [number, number] => {
      const before = median(this.#atEqualAges(third, last - third, of, ages));
      const after = median(this.#atEqualAges(last - third, last, of, ages));
      rows.push([what, `second third of ${last} lives`, String(Math.round(before)), ""]);
      return [before, after];
    };
    const [rssBefore, rssAfter] = compare("RSS, bytes", ({ rss }) => rss);
    const rssMax = rssBefore * (1 + growthShareMax);
    rows.push([
      "RSS, bytes",
      "last third, at equal ages",
      String(Math.round(rssAfter)),
      `<= ${Math.round(rssMax)}`,
    ]);
    if (rssAfter > rssMax) breaches.push(`RSS grew from ${megabytes(rssBefore)} to ${megabytes(rssAfter)}`);
    const [openBefore, openAfter] = compare("descriptors", ({ descriptors }) => descriptors);
    rows.push([
      "descriptors",
      "last third, at equal ages",
      String(openAfter),
      `<= ${openBefore + descriptorsMore}`,
    ]);
    if (openAfter > openBefore + descriptorsMore)
      breaches.push(`descriptors grew from ${openBefore} to ${openAfter}`);
    breaches.push(...this.#growthWithin(rows), ...this.#fileBreaches(rows, third));
    return { rows, breaches };
  }

  /** Whether a life's last third needs more memory than its second: the first is where caches fill. */
  #growthWithin(rows: string[][]): string[] {
    const growths = this.#lives
      .filter(({ rss }) => rss.length >= samplesToCompareWithin)
      .map(({ rss }) => thirds(rss)[2]! / thirds(rss)[1]! - 1);
    if (growths.length === 0) return [];
    const growth = median(growths);
    const least = percent(Math.min(...growths));
    rows.push([
      "RSS, from the second third of a life to its last",
      `${growths.length} lives: least, median, most`,
      `${least}, ${percent(growth)}, ${percent(Math.max(...growths))}`,
      `median <= ${percent(growthShareMax)}`,
    ]);
    return growth > growthShareMax ? [`RSS grew within a life, by ${percent(growth)}`] : [];
  }

  #toldRows(): string[][] {
    const names = Object.keys(this.#lives[0]?.told ?? {});
    const rows = [["kills", "all verified", String(this.#lives.length), ""]];
    for (const name of names) {
      const sum = this.#lives.reduce((total, { told }) => total + (told[name] ?? 0), 0);
      rows.push([`${name} messages`, "told to clients, verified after a kill", String(sum), ""]);
    }
    const all = this.#lives.flatMap(({ rss }) => rss);
    rows.push(["RSS", "least, median and most of all samples", spread(all), ""]);
    return rows;
  }

  /** What is left on the disk when all was deleted must not become more from life to life. */
  #fileBreaches(rows: string[][], third: number): string[] {
    const left = this.#lives.map(({ filesLeft }) => filesLeft);
    const before = Math.max(...left.slice(third, left.length - third).map(({ bytes }) => bytes));
    const after = Math.min(...left.slice(-third).map(({ bytes }) => bytes));
    const full = Math.max(...this.#lives.map(({ filesFull }) => filesFull.bytes));
    rows.push(["files", "most before all was deleted", megabytes(full), ""]);
    rows.push([
      "files",
      "left after, least of the last third",
      megabytes(after),
      `<= ${megabytes(before + leftBytesMore)}`,
    ]);
    return after > before + leftBytesMore ? [`files left grew from ${before} to ${after} bytes`] : [];
  }
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`;
}

/** The medians of the first, second and last third. */
function thirds(values: readonly number[]): number[] {
  const third = values.length / 3;
  return [0, 1, 2].map((i) =>
    median(values.slice(Math.floor(i * third), Math.max(Math.ceil((i + 1) * third), 1))),
  );
}

function spread(values: readonly number[]): string {
  return `${megabytes(Math.min(...values))}, ${megabytes(median(values))}, ${megabytes(Math.max(...values))}`;
}
