/** What is fuzzed: valid inputs, how they are cut, and what takes a mutated one and throws when a promise is broken. */
import { BrokerError } from "../src/base/errors.ts";
import type { Format, Seed } from "./mutate.ts";

export interface Subject {
  /** Throws, or rejects, when a promise is broken; expected refusals are its own to catch. */
  run(input: Buffer): void | Promise<void>;
  /** Whether this subject has had its fill: the next input gets a fresh one. */
  readonly isSpent?: boolean;
  close?(): void;
}

export interface Target {
  readonly name: string;
  /** Its part of the inputs that the test shares out. */
  readonly weight: number;
  readonly format: Format;
  /** Made on first use: encoding every version of every api takes its time. */
  seeds(): readonly Seed[];
  /** A subject with no history: the same inputs in the same order do the same to it. */
  open(): Subject | Promise<Subject>;
  /** What one input may allocate: the constant, and for each of its bytes. */
  readonly bytesAllocatedMax: readonly [constant: number, perByte: number];
}

/** Bounds of pure codecs: no announced size is believed. */
export const codecAllocation = [256 << 10, 64] as const;

export function seedsOf(format: Format, inputs: readonly Buffer[], preamble = 0): Seed[] {
  return inputs.map((input) => ({ units: format.split(input), preamble }));
}

/** Runs a decoder that may refuse its input by one of these codes, and by nothing else. */
export function refusable(
  decode: () => void,
  codes: readonly BrokerError["code"][] = ["MALFORMED", "LIMIT", "INVALID"],
): void {
  try {
    decode();
  } catch (error) {
    if (!(error instanceof BrokerError) || !codes.includes(error.code)) throw error;
  }
}

/** A promise was broken. */
export function promise(isKept: boolean, text: string): void {
  if (!isKept) throw new Error(text);
}
