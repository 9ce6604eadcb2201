/**
 * Pieces of the schemas of bodies, with RabbitMQ's words for what does not fit.
 *
 * A message of a schema that `inWords` made is the reason of the refusal as it is (body.ts); of others valibot's text is shown.
 */
import {
  any,
  array,
  boolean,
  number,
  type ObjectEntries,
  optional,
  picklist,
  pipe,
  record,
  strictObject,
  string,
  transform,
  union,
} from "valibot";

const mark = "\0";

/** The reason of a refusal: a text, or a list as RabbitMQ shows it. */
export function inWords(reason: unknown): string {
  return mark + JSON.stringify(reason);
}

export function wordsOf(message: string): unknown {
  return message.startsWith(mark) ? JSON.parse(message.slice(mark.length)) : undefined;
}

const unknownMark = "\x01";

/**
 * An object that has these fields and no others. For bodies of TroikaMQ's own, which act on many messages: a misspelled bound or `dry_run`
 * would be none. RabbitMQ ignores what it does not know in those that it has.
 */
export function exactObject<const Entries extends ObjectEntries>(entries: Entries) {
  const known = Object.keys(entries);
  const which = known.length === 0 ? "there are none" : `there are ${known.join(", ")}`;
  return strictObject(entries, ({ message, expected }) =>
    expected === "never" ? `${unknownMark}${which}` : message,
  );
}

/** Which fields there are, where the message is of one that `exactObject` does not know. */
export function knownFieldsIn(message: string): string | undefined {
  return message.startsWith(unknownMark) ? message.slice(unknownMark.length) : undefined;
}

/** A boolean, or its text. */
const flag = pipe(
  union([boolean(), picklist(["true", "false"])], ({ input }) => inWords(["not_boolean", input])),
  transform((given) => given === true || given === "true"),
);

export const flagOf = (usual: boolean) => optional(flag, usual);

/** AMQP arguments; an empty list is none, as Erlang has it. */
export const argumentsGiven = optional(
  pipe(
    union([record(string(), any()), array(any())], () => inWords("not_json")),
    transform((given): Readonly<Record<string, unknown>> => (Array.isArray(given) ? {} : given)),
  ),
  {},
);

/** A whole number, or its digits. */
export const count = pipe(
  union([number(), string()], ({ input }) => inWords(["not_integer", input])),
  transform(Number),
);
