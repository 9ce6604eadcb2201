/** What a message costs a server in several states, in CPU time, round by round, and how the states compare. */
import type { Measurement } from "../contract.ts";
import type { GrowthFigures } from "../generators/growth-amqp.ts";

export class Costs {
  readonly #cost = new Map<string, number[]>();
  readonly #speed = new Map<string, number[]>();
  readonly #rssBytes = new Map<string, number[]>();
  readonly #notes = new Map<string, string>();

  add(name: string, { count, seconds, cpuSeconds, rssBytes, verified }: GrowthFigures): void {
    push(this.#cost, name, (cpuSeconds * 1e6) / count);
    push(this.#speed, name, count / seconds);
    push(this.#rssBytes, name, rssBytes);
    this.#notes.set(name, verified);
  }

  /** What was added after `baseline` must not cost more than `ratioMax` times as much. Default: what was added first. */
  measurements(ratioMax: number, baseline = ""): readonly Measurement[] {
    const found: Measurement[] = [];
    const names = [...this.#cost.keys()];
    const from = Math.max(names.indexOf(baseline), 0);
    for (const name of names) {
      const note = this.#notes.get(name)!;
      found.push({ what: `${name}: CPU for a message`, unit: "us", values: this.#cost.get(name)!, note });
      found.push({ what: `${name}: messages`, unit: "a second", values: this.#speed.get(name)! });
      found.push({ what: `${name}: RSS`, unit: "bytes", values: this.#rssBytes.get(name)! });
    }
    const compared = this.#cost.get(names[from]!)!;
    for (const name of names.slice(from + 1)) {
      const values = this.#cost.get(name)!.map((value, round) => value / compared[round]!);
      found.push({ what: `cost, ${name} to ${names[from]}`, unit: "times", values, atMost: ratioMax });
    }
    return found;
  }
}

function push(values: Map<string, number[]>, name: string, value: number): void {
  const present = values.get(name);
  if (present === undefined) values.set(name, [value]);
  else present.push(value);
}
