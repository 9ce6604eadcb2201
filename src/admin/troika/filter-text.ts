/** A filter that a request gives (broker/look/filter.ts), or the refusal that says what is wrong with it. */
import { BrokerError } from "../../base/errors.ts";
import { type MessageFilter, parseFilter } from "../../broker/look/filter.ts";
import { badRequest } from "../api/body.ts";

/** Null: none is given. @throws Refusal */
export function filterOf(text: string | null | undefined): MessageFilter | null {
  if (text === null || text === undefined || text === "") return null;
  try {
    return parseFilter(text);
  } catch (error) {
    if (error instanceof BrokerError) throw badRequest(error.message);
    throw error;
  }
}
