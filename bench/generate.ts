/**
 * The process that makes the load: `bun bench/generate.ts NAME OPTIONS-AS-JSON` runs generators/NAME.ts and prints
 * its figures as one line of JSON. The bench starts it on the core that the server does not have.
 *
 * Invariant: whatever is thrown, in a socket's or a timer's handler too, is told and ends the process with code 1.
 */
import path from "node:path";
import type { Figures } from "./contract.ts";

/** What each generators/*.ts exports. */
export interface Generator<Options> {
  generate: (options: Options) => Promise<Figures>;
}

// Left to itself Bun prints what a handler threw, and goes on while this module still awaits.
process.on("uncaughtException", (error) => {
  console.error(error);
  process.exit(1);
});

const [name, json] = process.argv.slice(2);
const file = path.join(import.meta.dirname, "generators", `${name}.ts`);
const { generate } = (await import(file)) as Generator<unknown>;
const figures = await generate(JSON.parse(json ?? "{}"));
process.stdout.write(`${JSON.stringify(figures)}\n`, () => process.exit(0));
