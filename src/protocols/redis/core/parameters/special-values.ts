/** Values of parameters that have a form of their own, in redis's words. Which parameters have them is in known-parameters.ts. */
import { historyRulesText, parseHistoryRules } from "../../../../broker/live/history/rules.ts";
import { classesText, parseClasses } from "../event-classes.ts";
import type { ServerSettings } from "../settings.ts";
import type { ParameterForm } from "./parameter-form.ts";
import { type ParsedValue, parseValue } from "./parameter-value.ts";

/** Stands for a secret. */
export const hiddenValue = "********";

/** Redis shows its password to whoever may ask; ours is in no dump. */
export function hidden(value: string): string {
  return value === "" ? "" : hiddenValue;
}

export function shownClasses(value: string): string {
  return classesText(parseClasses(value));
}

export function tooManyClients(value: string, { clientsLimit }: ServerSettings): string | null {
  return Number(value) > clientsLimit
    ? `The operating system is not able to handle the specified number of clients, try with ${clientsLimit}`
    : null;
}

export function otherPort(value: string, _settings: ServerSettings, own: number): string | null {
  return value === String(own)
    ? null
    : "Unable to listen on this port: the ports are chosen when the broker starts (--redis-port)";
}

export function parseEventClasses(text: string): ParsedValue {
  const classes = parseClasses(text);
  if (classes < 0) return { problem: "Invalid event class character. Use 'Ag$lshzxeKEtmdn'." };
  // Redis's text of them leaves out `n` beside `A`, so what acts is what was given.
  return { value: text };
}

export function parseHistory(text: string): ParsedValue {
  const rules = parseHistoryRules(text);
  return "problem" in rules ? rules : { value: historyRulesText(rules) };
}

export function wordsOf(text: string): string[] {
  return text.split(/\s+/).filter((word) => word !== "");
}

export function parsePercentiles(text: string): ParsedValue {
  const words = wordsOf(text);
  for (const word of words) {
    const number = Number(word);
    if (Number.isNaN(number)) return { problem: "Invalid latency-tracking-info-percentiles parameters" };
    if (number < 0 || number > 100)
      return { problem: "latency-tracking-info-percentiles parameters should sit between [0.0,100.0]" };
  }
  return { value: words.map((word) => String(Number(word))).join(" ") };
}

export function parseSave(text: string): ParsedValue {
  const words = wordsOf(text);
  const isValid =
    words.length % 2 === 0 &&
    words.every((word, at) => /^-?\d{1,18}$/.test(word) && Number(word) >= (at % 2 === 0 ? 1 : 0));
  return isValid ? { value: words.join(" ") } : { problem: "Invalid save parameters" };
}

const bufferClasses = ["normal", "slave", "pubsub"];
const byteForm: ParameterForm = { type: "memory", least: 0n, most: 2n ** 63n - 1n };

/** Groups of class, hard limit, soft limit, seconds. Only the hard limit of subscribers acts, so only that may differ. */
export function parseOutputLimits(text: string, current: string): ParsedValue {
  const words = wordsOf(text);
  const problem = "in buffer limit configuration.";
  if (words.length % 4 !== 0) return { problem: `Wrong number of arguments ${problem}` };
  const merged = wordsOf(current);
  for (let at = 0; at < words.length; at += 4) {
    const group = outputClass(words[at]!);
    if (group < 0) return { problem: `Invalid client class specified ${problem}` };
    const hard = parseValue(byteForm, words[at + 1]!);
    const soft = parseValue(byteForm, words[at + 2]!);
    const seconds = words[at + 3]!;
    if (!("value" in hard) || !("value" in soft) || !/^\d{1,18}$/.test(seconds))
      return { problem: `Error in hard, soft or soft_seconds setting ${problem}` };
    merged.splice(group * 4 + 1, 3, hard.value, soft.value, String(Number(seconds)));
  }
  const value = merged.join(" ");
  const own = /^normal 0 0 0 slave 268435456 67108864 60 pubsub [1-9]\d* 0 0$/;
  if (own.test(value)) return { value };
  return { problem: "only the hard limit of pubsub can be set here, to more than 0 bytes" };
}

function outputClass(name: string): number {
  const lower = name.toLowerCase();
  return bufferClasses.indexOf(lower === "replica" ? "slave" : lower);
}

export function subscriberLimit(value: string): number {
  return Number(wordsOf(value)[9]);
}
