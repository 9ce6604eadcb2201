/** Globs and the configuration: text from outside that is no protocol. */
import { resolveConfig } from "../../src/base/config/config.ts";
import { optionNames, options, fileKeyOf, flagOf } from "../../src/base/config/options.ts";
import { StartError } from "../../src/base/errors.ts";
import { compileGlob } from "../../src/base/patterns/glob.ts";
import { limits } from "../../src/base/limits.ts";
import { Regex } from "../../src/base/patterns/regex.ts";
import { plainFormat, type Format } from "../mutate.ts";
import { codecAllocation, promise, refusable, seedsOf, type Target } from "../target.ts";

/** Pattern, line feed, text. */
export const globs: Target = {
  name: "globs",
  weight: 10,
  format: plainFormat,
  seeds: () =>
    seedsOf(
      plainFormat,
      [
        "a*c\nabc",
        "[a-z]?\\*\nq**",
        "*a*b*c*d*\naxbxcxdx",
        "[^a-c]*[\nzz",
        `${"a*".repeat(60)}b\n${"a".repeat(400)}`,
      ].map((text) => Buffer.from(text)),
    ),
  bytesAllocatedMax: codecAllocation,
  open: () => ({
    run(input) {
      const line = input.indexOf(0x0a);
      const pattern = input.subarray(0, line < 0 ? input.length : line);
      const text = input.subarray(line + 1);
      refusable(() => {
        const glob = compileGlob(pattern);
        const isMatch = glob.matches(text);
        promise(
          isMatch === compileGlob(pattern).matches(Buffer.concat([input, text]), input.length),
          "it matters where the text lies",
        );
        if (glob.isLiteral)
          promise(
            isMatch === (text.compare(Buffer.from(glob.prefix)) === 0),
            "a literal matches another text",
          );
      });
    },
  }),
};

/** Pattern, line feed, name. */
export const regexes: Target = {
  name: "regexes",
  weight: 5,
  format: plainFormat,
  seeds: () =>
    seedsOf(
      plainFormat,
      [
        "^(amq\\.gen.*|[a-z]{2,3})$\namq.gen-1",
        "(?i)^(?!amq\\.)(?:a|b)+?\\d*\nab1",
        "^(a+)+$\naaaaaaaaaaaaaaaaaaaaaaaa!",
        "[[:alpha:]\\w-.^]\\x61\\Qa.b\\E\\b\nx",
      ].map((text) => Buffer.from(text)),
    ),
  bytesAllocatedMax: [4 << 20, 256],
  open: () => ({
    run(input) {
      const line = input.indexOf(0x0a);
      const pattern = input.latin1Slice(0, line < 0 ? input.length : line);
      const name = input.latin1Slice(line + 1);
      if (pattern.length > limits.regexBytesMax) return;
      refusable(() => {
        const regex = new Regex(pattern);
        regex.test(name);
        const bytes = Math.min(name.length, limits.regexNameBytesMax) + 1;
        promise(regex.steps <= 4 * bytes * limits.regexStepsMax, "more steps than bytes times instructions");
      }, ["INVALID"]);
    },
  }),
};

const lines: Format = {
  split(input) {
    const units: Buffer[] = [];
    for (let start = 0; start < input.length;) {
      const found = input.indexOf(0x0a, start);
      const end = found < 0 ? input.length : found + 1;
      units.push(input.subarray(start, end));
      start = end;
    }
    return units.length === 0 ? [input] : units;
  },
};

/** The same bytes as a file and as flags. */
export const config: Target = {
  name: "config",
  weight: 2,
  format: lines,
  seeds: () => {
    const file = optionNames.map((name) => `${fileKeyOf(name)}: ${options[name].default ?? "x"}\n`).join("");
    const flags = optionNames.map((name) => `${flagOf(name)}=${options[name].default ?? "x"}\n`).join("");
    return seedsOf(lines, [Buffer.from(file), Buffer.from(flags), Buffer.from("a: [1, {b: &x 2}]\nb: *x\n")]);
  },
  bytesAllocatedMax: [1 << 20, 256],
  open: () => ({
    async run(input) {
      const text = input.toString("utf8");
      const argv = text.split("\n").filter((line) => line !== "");
      const environment = { TROIKAMQ_HOST: argv[0], TROIKAMQ_REDIS_PORT: argv[1] };
      const readFile = async () => text;
      for (const sources of [
        { argv, environment: {} },
        { argv: ["--config", "f"], environment: {} },
        { argv: [], environment },
      ]) {
        try {
          await resolveConfig({ ...sources, readFile, memoryBytesTotal: 2 ** 33 });
        } catch (error) {
          if (!(error instanceof StartError)) throw error;
        }
      }
    },
  }),
};
