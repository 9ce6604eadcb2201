/**
 * Whether a text is a value of a parameter, in redis's words, and how redis writes it.
 *
 * Not here: which parameters there are (known-parameters.ts), and what a value does (../settings.ts).
 */
import { memoryUnits } from "../../../../base/config/memory-amount.ts";
import type { ParameterForm } from "./parameter-form.ts";

/** The value as redis would show it, or why it is none. */
export type ParsedValue = { readonly value: string } | { readonly problem: string };

const unsignedEnd = 2n ** 64n;
const signedEnd = 2n ** 63n;

export function parseValue(form: ParameterForm, text: string): ParsedValue {
  switch (form.type) {
    case "text":
      return { value: text };
    case "bool":
      return /^(yes|no)$/i.test(text)
        ? { value: text.toLowerCase() }
        : { problem: "argument must be 'yes' or 'no'" };
    case "words":
      return parseWord(form.words!, text);
    default:
      return parseNumber(form, text);
  }
}

function parseWord(words: readonly string[], text: string): ParsedValue {
  const word = words.find((known) => known === text.toLowerCase());
  if (word !== undefined) return { value: word };
  return { problem: `argument(s) must be one of the following: ${words.join(", ")}` };
}

const numberProblems = {
  number: "argument couldn't be parsed into an integer",
  memory: "argument must be a memory value",
  octal: "argument couldn't be parsed as an octal number",
  percent: "argument must be a memory or percent value",
} as const;

function parseNumber({ type, least = 0n, most = 0n, isUnsigned }: ParameterForm, text: string): ParsedValue {
  const kind = type as keyof typeof numberProblems;
  const number = numberOf(kind, text);
  if (number === undefined) return { problem: numberProblems[kind] };
  if (kind === "percent" && number < 0n)
    return number < least
      ? { problem: `percentage argument must be less or equal to ${-least}` }
      : { value: `${-number}%` };
  const compared = isUnsigned ? BigInt.asUintN(64, number) : number;
  if (compared >= least && compared <= most) return { value: String(compared) };
  const radix = kind === "octal" ? 8 : 10;
  return {
    problem: `argument must be between ${least.toString(radix)} and ${most.toString(radix)} inclusive`,
  };
}

/** A percentage is a negative number. */
function numberOf(kind: keyof typeof numberProblems, text: string): bigint | undefined {
  if (kind === "number") return isPlainNumber(text) ? BigInt(text) : undefined;
  if (kind === "octal") return /^[0-7]+$/.test(text) ? BigInt(`0o${text}`) : undefined;
  // No digits are 0, as in redis.
  const amount = /^(\d{0,127})(b|kb?|mb?|gb?)?$/i.exec(text);
  if (amount !== null) {
    const digits = BigInt(amount[1]!);
    const whole =
      (digits < unsignedEnd ? digits : unsignedEnd - 1n) *
      BigInt(memoryUnits[(amount[2] ?? "").toLowerCase()]!);
    return BigInt.asIntN(64, whole);
  }
  const percent = kind === "percent" && text.endsWith("%") ? text.slice(0, -1) : "";
  return isPlainNumber(percent) && BigInt(percent) >= 0n ? -BigInt(percent) : undefined;
}

/** As redis's string2ll has it: no sign but `-`, no leading zero, 64 bits. */
function isPlainNumber(text: string): boolean {
  if (!/^(0|-?[1-9]\d{0,18})$/.test(text)) return false;
  const number = BigInt(text);
  return number < signedEnd && number >= -signedEnd;
}
