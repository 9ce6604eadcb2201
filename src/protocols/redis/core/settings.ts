/**
 * CONFIG's settings: what the parameters (parameters/known-parameters.ts has a row for each) are set to, and who is told of a change.
 * Nothing is kept across restarts.
 *
 * Not here: CONFIG's replies (../server/config.ts). Invariant: no value is taken that promises something and does nothing.
 */
import { knownParameters } from "./parameters/known-parameters.ts";
import type { ParameterForm } from "./parameters/parameter-form.ts";
import { type ParsedValue, parseValue } from "./parameters/parameter-value.ts";

/** How a parameter is treated, for the page about Redis. */
export type Treatment = "acts" | "advice" | "shown";

/** What takes a value when it is set. The values are as `parseValue` gives them. */
export type SettingAct = (value: string) => void;

export class ServerSettings {
  readonly values = new Map<string, string>();
  /** By name, aliases too. */
  readonly #forms = new Map<string, ParameterForm>();
  /** The name of an alias's parameter, and the other way round. */
  readonly #others = new Map<string, string>();
  readonly #acts = new Map<string, SettingAct>();
  /** Records in a block of what `~` trims by. */
  streamNodeEntriesMax = 100;
  /** A HyperLogLog of more bytes is dense. */
  sketchSparseBytesMax = 3000;
  /** After this a script takes long; 0 for never. Two settings have it: the newer name is that of redis 7. */
  luaTimeLimitMs = 5000;
  /** A subscriber that is this far behind is disconnected. */
  subscriberOutputBytesMax = 32 << 20;
  /** Connections of this protocol, and how many it can be set to. */
  clientsMax = 10_000;
  clientsLimit = 9_999_999;
  /** Commands that write are refused: they ask for replicas, and there are none. */
  lacksReplicas = false;
  /** What INFO latencystats shows. */
  percentiles: readonly number[] = [50, 99, 99.9];
  /** Keys that are remembered with their readers (tracking/); 0 for as many as `limits` allow. */
  trackingKeysMax = 1_000_000;

  constructor() {
    for (const [name, value, form] of knownParameters) {
      this.#know(name, value, form);
      if (form.alias === undefined) continue;
      this.#know(form.alias, value, form);
      this.#others.set(name, form.alias).set(form.alias, name);
    }
  }

  #know(name: string, value: string, form: ParameterForm): void {
    this.values.set(name, form.ours ?? value);
    this.#forms.set(name, form);
  }

  /** It is shown to who names it, not to a pattern. */
  isHidden(name: string): boolean {
    return this.#forms.get(name)!.isHidden === true;
  }

  treatmentOf(name: string): Treatment {
    const { acts, advice } = this.#forms.get(name)!;
    if (acts === true) return "acts";
    return advice === undefined ? "shown" : "advice";
  }

  /** `act` is told of each new value, by whichever of its names it is set. */
  onSet(name: string, act: SettingAct): void {
    this.#acts.set(name, act);
    const other = this.#others.get(name);
    if (other !== undefined) this.#acts.set(other, act);
  }

  /** Why the parameter is never set by a client, in redis's words; null if it may be. */
  fixedProblem(name: string): string | null {
    const { isFixed, isProtected } = this.#forms.get(name)!;
    if (isFixed) return "can't set immutable config";
    return isProtected ? "can't set protected config" : null;
  }

  /** The value in redis's form, or why it cannot be set. `own` is the port by which the client has come. */
  parse(name: string, text: string, own = 0): ParsedValue {
    const form = this.#forms.get(name)!;
    const parsed = form.parse?.(text, this.values.get(name)!) ?? parseValue(form, text);
    if (form.refuses !== undefined && "value" in parsed) {
      const problem = form.refuses(parsed.value, this, own);
      return problem === null ? parsed : { problem };
    }
    if ("problem" in parsed || this.treatmentOf(name) !== "shown" || parsed.value === this.values.get(name))
      return parsed;
    return {
      problem: `this server has no use for it, so its value stays '${this.values.get(name)}' (see docs/redis.md)`,
    };
  }

  /** Takes a value that `parse` gave. */
  set(name: string, value: string): void {
    const form = this.#forms.get(name)!;
    const shown = form.shows?.(value) ?? value;
    this.values.set(name, shown);
    const other = this.#others.get(name);
    if (other !== undefined) this.values.set(other, shown);
    form.act?.(this, value);
    this.#acts.get(name)?.(value);
  }

  /** Either setting switches the other off by being 0. */
  minReplicasChanged(): void {
    this.lacksReplicas =
      this.values.get("min-replicas-to-write") !== "0" && this.values.get("min-replicas-max-lag") !== "0";
  }
}
