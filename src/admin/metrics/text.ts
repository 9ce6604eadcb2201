/**
 * Families of numbers as Prometheus reads them, over things of one kind: one line for each thing, or one with their sum.
 *
 * Not here: which families there are. Invariant: the text is made in pieces, so a page of 20,000 queues stops nobody.
 */
import { labelsText } from "../../base/metrics.ts";
import type { Job } from "../../base/turn-work.ts";

export interface Family<Thing> {
  readonly name: string;
  readonly kind: "counter" | "gauge" | "untyped";
  readonly help: string;
  readonly read: (thing: Thing) => number;
}

export interface Things<Thing> {
  readonly things: readonly Thing[];
  readonly labelsOf: (thing: Thing) => Readonly<Record<string, string>>;
  readonly families: readonly Family<Thing>[];
}

const thingsOfPiece = 100;
const unitsOfLine = 1;

function headOf(prefix: string, { name, kind, help }: Family<never>): string {
  return `# TYPE ${prefix}${name} ${kind}\n# HELP ${prefix}${name} ${help}\n`;
}

/** A line for each thing in each family. */
export function* linesOf<Thing>(prefix: string, { things, labelsOf, families }: Things<Thing>): Job<string> {
  const labels: string[] = [];
  for (let from = 0; from < things.length; from += thingsOfPiece) {
    for (const thing of things.slice(from, from + thingsOfPiece)) labels.push(labelsText(labelsOf(thing)));
    yield thingsOfPiece * unitsOfLine;
  }
  const parts: string[] = [];
  for (const family of families) {
    parts.push(headOf(prefix, family));
    for (let from = 0; from < things.length; from += thingsOfPiece) {
      let text = "";
      for (let i = from; i < Math.min(from + thingsOfPiece, things.length); i++)
        text += `${prefix}${family.name}{${labels[i]}} ${family.read(things[i]!)}\n`;
      parts.push(text);
      yield thingsOfPiece * unitsOfLine;
    }
  }
  return parts.join("");
}

/** One line for each family, with the sum over all things. `labels`: of all of them. */
export function* sumsOf<Thing>(
  prefix: string,
  things: Iterable<Thing>,
  families: readonly Family<Thing>[],
  labels: Readonly<Record<string, string>> = {},
): Job<string> {
  const sums = families.map(() => 0);
  let seen = 0;
  for (const thing of things) {
    for (const [i, { read }] of families.entries()) sums[i] = sums[i]! + read(thing);
    if (++seen % thingsOfPiece === 0) yield thingsOfPiece * unitsOfLine * families.length * 0.1;
  }
  const label = labelsText(labels);
  const braces = label === "" ? "" : `{${label}}`;
  return families
    .map((family, i) => `${headOf(prefix, family)}${prefix}${family.name}${braces} ${sums[i]}\n`)
    .join("");
}
