/** Function libraries (to come). */
import type { ScriptEngine } from "../run/engine.ts";

export class FunctionLibraries {
  readonly engine: ScriptEngine;
  constructor(engine: ScriptEngine) {
    this.engine = engine;
  }
}
