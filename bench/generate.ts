/**
 * The process that makes the load: `bun bench/generate.ts NAME OPTIONS-AS-JSON` runs generators/NAME.ts and prints
 * its figures as one line of JSON. The bench starts it on the core that the server does not have.
 */
import path from "node:path";
import type { Figures } from "./contract.ts";

/** What each generators/*.ts exports. */
export interface Generator<Options> {
  generate: (options: Options) => Promise<Figures>;
}

const [name, json] = process.argv.slice(2);
const file = path.join(import.meta.dirname, "generators", `${name}.ts`);
const { generate } = (await import(file)) as Generator<unknown>;
const figures = await generate(JSON.parse(json ?? "{}"));
process.stdout.write(`${JSON.stringify(figures)}\n`, () => process.exit(0));
