/**
 * Requests made from what COMMAND DOCS says of each command's arguments: some right, and some with a word too many, too few or wrong, so
 * that the order of checks and the texts of errors are compared for every command of the table.
 */
import type { CommandArgument } from "../../src/protocols/redis/core/command-docs.ts";
import type { KeyCommands } from "../../test/support/key-commands.ts";

const wrongWords = [
  "",
  "abc",
  "-1",
  "0",
  "1.5",
  "nan",
  "99999999999999999999",
  "-0",
  " 1",
  "1 ",
  "+1",
  "0x10",
  "inf",
  "(1",
  "*",
  "-",
  "$",
];
const lateVersion = "7.1.0";
const repeatsMax = 3;

export class Grammar {
  readonly #keys: KeyCommands;
  readonly #random: () => number;

  constructor(keys: KeyCommands, random: () => number) {
    this.#keys = keys;
    this.#random = random;
  }

  #pick<Item>(items: readonly Item[]): Item {
    return items[Math.floor(this.#random() * items.length)]!;
  }

  /** `name`: in lower case, with a space before its subcommand. */
  request(name: string, args: readonly CommandArgument[]): string[] {
    const words = [...name.split(" "), ...this.#sequence(args)];
    return this.#random() < 0.45 ? words : this.#spoilt(words, name.split(" ").length);
  }

  #spoilt(words: readonly string[], fixed: number): string[] {
    const at = fixed + Math.floor(this.#random() * Math.max(words.length - fixed, 1));
    const spoilt = [...words];
    switch (Math.floor(this.#random() * 6)) {
      case 0:
        spoilt.splice(at, 1);
        break;
      case 1:
        spoilt.splice(at, 0, this.#pick(wrongWords));
        break;
      case 2:
        spoilt.length = fixed + Math.floor(this.#random() * (words.length - fixed + 1));
        break;
      case 3:
        spoilt.push(this.#pick([...wrongWords, ...words]));
        break;
      case 4:
        if (at < spoilt.length) spoilt.splice(at, 0, spoilt[at]!);
        break;
      default:
        if (at < spoilt.length) spoilt[at] = this.#pick(wrongWords);
    }
    return spoilt;
  }

  #sequence(args: readonly CommandArgument[]): string[] {
    return args.flatMap((argument) => this.#argument(argument));
  }

  #argument(argument: CommandArgument): string[] {
    if (argument.since !== undefined && argument.since >= lateVersion) return [];
    if (argument.isOptional === true && this.#random() < 0.6) return [];
    const times = argument.isMany === true ? 1 + Math.floor(this.#random() * repeatsMax) : 1;
    return Array.from({ length: times }, (_, i) => {
      const token =
        argument.token === undefined || (i > 0 && argument.hasManyTokens !== true) ? [] : [argument.token];
      return argument.type === "pure-token" ? [argument.token!] : [...token, ...this.#value(argument)];
    }).flat();
  }

  #value(argument: CommandArgument): string[] {
    const { type, name } = argument;
    switch (type) {
      case "block":
        return this.#sequence(argument.arguments ?? []);
      case "oneof":
        return this.#argument({ ...this.#pick(argument.arguments ?? []) });
      case "key":
        return [this.#keys.key()];
      case "integer":
        return [
          this.#pick(
            /numkeys|count|num/.test(name) ? ["1", "2", "0"] : ["0", "1", "2", "-1", "-2", "3", "7", "100"],
          ),
        ];
      case "double":
        return [this.#pick(["1", "2.5", "-3", "0", "inf", "-inf", "1e2"])];
      case "unix-time":
        return [this.#pick(["1", "33177117420", "33177117420000"])];
      case "pattern":
        return [this.#pick(["*", "s*", "w*", "h?sh*", "nosuch", "[a-z]*"])];
      default:
        if (/id|threshold|start|end|min|max/.test(name))
          return [
            this.#pick([
              "0",
              "1-1",
              "5-1",
              "$",
              "-",
              "+",
              "(1-1",
              "(1",
              "[f",
              "-inf",
              "+inf",
              "2",
              "-1",
              ">",
              "*",
            ]),
          ];
        return [this.#pick(["a", "b", "1", "2.5", "f", "g", "g1", "c1", "xyz", ""])];
    }
  }
}
