/**
 * Which channels keep a history, and how much of it: the text of a setting as rules.
 *
 *     rules = rule { "," rule }
 *     rule  = pattern window-ms messages bytes [ "memory" ]
 *
 * Not here: the messages (live-histories.ts). Invariant: every rule has bounds on age, number and bytes, all above 0.
 */
import { compileGlob } from "../../../base/patterns/glob.ts";
import { limits } from "../../../base/limits.ts";

export interface HistoryRule {
  /** A glob in latin1, which the channel's name must match. It cannot have a blank or a comma: `?` stands for them. */
  readonly pattern: string;
  readonly windowMs: number;
  readonly messages: number;
  readonly bytes: number;
  /** The history is on the disk and survives a restart. */
  readonly isDurable: boolean;
}

const form = "use: pattern window-ms messages bytes [memory], and a comma before the next rule";

/** The rules, or what is wrong with the text. */
export function parseHistoryRules(text: string): readonly HistoryRule[] | { readonly problem: string } {
  const rules: HistoryRule[] = [];
  for (const part of text.split(",")) {
    const words = part.split(/\s+/).filter((word) => word !== "");
    if (words.length === 0) continue;
    const rule = parseRule(words);
    if (rule === undefined) return { problem: form };
    if (rules.some(({ pattern }) => pattern === rule.pattern))
      return { problem: `there are two rules for the pattern ${rule.pattern}` };
    rules.push(rule);
  }
  if (rules.length > limits.liveHistoriesMax)
    return { problem: `there are ${rules.length} rules; the most is ${limits.liveHistoriesMax}` };
  return rules;
}

function parseRule(words: readonly string[]): HistoryRule | undefined {
  const [pattern, windowMs, messages, bytes, storage] = words;
  if (words.length < 4 || words.length > 5 || (storage !== undefined && storage !== "memory"))
    return undefined;
  const numbers = [windowMs, messages, bytes].map((word) =>
    /^[1-9]\d{0,14}$/.test(word!) ? Number(word) : 0,
  );
  if (numbers.includes(0) || pattern!.length > limits.channelBytesMax || !isGlob(pattern!)) return undefined;
  return {
    pattern: Buffer.from(pattern!).latin1Slice(),
    windowMs: numbers[0]!,
    messages: numbers[1]!,
    bytes: numbers[2]!,
    isDurable: storage === undefined,
  };
}

function isGlob(pattern: string): boolean {
  try {
    compileGlob(Buffer.from(pattern));
    return true;
  } catch {
    return false;
  }
}

/** The text of rules, in the form that `parseHistoryRules` takes. */
export function historyRulesText(rules: readonly HistoryRule[]): string {
  return rules
    .map(({ pattern, windowMs, messages, bytes, isDurable }) =>
      [
        Buffer.from(pattern, "latin1").toString(),
        windowMs,
        messages,
        bytes,
        ...(isDurable ? [] : ["memory"]),
      ].join(" "),
    )
    .join(", ");
}
