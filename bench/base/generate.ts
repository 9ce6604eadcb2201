/** Starts a generator on its core and waits for its figures. Not here: what it generates (generators/). */
import path from "node:path";
import type { Figures } from "../contract.ts";
import { startPinned } from "./process.ts";
import { bunProgram } from "./programs.ts";

/** A run that takes longer hangs: it is ended, and the scenario fails. */
const generateMsMax = 180_000;

export async function generate(name: string, options: Readonly<Record<string, unknown>>): Promise<Figures> {
  const program = path.join(import.meta.dirname, "../generate.ts");
  const started = startPinned(bunProgram(), [program, name, JSON.stringify(options)], { core: 1 });
  const timer = setTimeout(() => started.child.kill("SIGKILL"), generateMsMax);
  let text = "";
  started.child.stdout!.setEncoding("utf8").on("data", (piece: string) => (text += piece));
  const code = await started.exited;
  clearTimeout(timer);
  if (code !== 0) throw new Error(`generator ${name} ended with code ${code}\n${started.log()}`);
  return JSON.parse(text) as Figures;
}
