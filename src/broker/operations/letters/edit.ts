/**
 * What a dead letter is changed to on its way home. What is left out stays.
 *
 * Not here: what an edit may say (admin/troika/deadletters.ts). Pure. Invariant: headers keep their order; those that are set come last.
 */
import type { FieldTable } from "../../../message/amqp/table.ts";
import { fromPlain, type PlainTable } from "../../../message/amqp/table-plain.ts";
import { nameOfText } from "../../names.ts";

export interface EditGiven {
  /** As JSON has them. */
  readonly headersSet: Readonly<Record<string, unknown>>;
  readonly headersRemoved: readonly string[];
  readonly body: Buffer | null;
  /** In the broker's form. */
  readonly routingKey: string | null;
}

export class Edit {
  readonly body: Buffer | null;
  readonly routingKey: string | null;
  readonly #set: FieldTable;
  /** By their bytes: those that are removed or replaced. */
  readonly #gone: ReadonlySet<string>;

  constructor({ headersSet, headersRemoved, body, routingKey }: EditGiven) {
    this.#set = fromPlain(headersSet as PlainTable);
    this.#gone = new Set([...Object.keys(headersSet), ...headersRemoved].map(nameOfText));
    this.body = body;
    this.routingKey = routingKey;
  }

  headersOf(headers: FieldTable): FieldTable {
    return [...headers.filter(({ name }) => !this.#gone.has(nameOfText(name))), ...this.#set];
  }
}
