/**
 * Makes what a document of definitions says, in RabbitMQ's order and with its texts for what cannot be made.
 *
 * Users, policies and parameters that are there are set anew; queues, exchanges and bindings that are there stay as they are, whatever
 * the document says of them. It is done in slices, item by item, and twice: all are checked before the first is made, so a document
 * that is refused leaves nothing behind, where RabbitMQ leaves what came before the fault. What only the making shows (a virtual host that was
 * deleted meanwhile, a limit that the document itself sets) still ends it in the middle. Not here: the items (items.ts), and what is left
 * out (base/definitions/foreign.ts). Invariant: a refusal names its entry.
 */
import {
  calledOf,
  type DefinitionItem,
  definitionCategories,
  type DefinitionCategory,
  type Definitions,
  vhostCategories,
} from "../../base/definitions/document.ts";
import { withoutForeign } from "../../base/definitions/foreign.ts";
import { BrokerError } from "../../base/errors.ts";
import { matchingUnits } from "../../base/patterns/regex.ts";
import type { Job } from "../../base/turn-work.ts";
import type { Broker } from "../../broker/broker.ts";
import { shownName } from "../../broker/names.ts";
import type { Vhost } from "../../broker/vhost.ts";
import { Refusal } from "../answers.ts";
import { badRequest } from "../api/body.ts";
import { namedVhost } from "../rabbitmq/lookups.ts";
import { brokerName } from "../rabbitmq/names.ts";
import { type ImportOptions, isMade, readers, type Target, targetOf } from "./items.ts";

/** What reading and making an item costs, besides matching names, and looking at one. */
const unitsOfReading = 2;
const unitsOfItem = 12;
const unitsOfLook = 1;
const looksOfPiece = 100;
/** More of them are one line in the log. */
const leftOutLoggedMax = 20;

const nothingDone =
  "nothing is changed: mend this entry, or take it out of the document, and import it again";
const partDone = "the entries before it are made: mend this one, and import the document again";

/** @throws Refusal */
export function* importing(broker: Broker, document: Definitions, options: ImportOptions): Job<void> {
  const { kept, leftOut } = withoutForeign(document);
  const target = targetOf(broker, options);
  yield* assertingQueuesFit(target, kept);
  for (const [category, item] of itemsOf(kept, options.vhost)) {
    const unitsBefore = matchingUnits();
    refusing(category, item, nothingDone, () => void readers[category](target, item));
    yield unitsOfReading + matchingUnits() - unitsBefore;
  }
  for (const [category, item] of itemsOf(kept, options.vhost)) {
    const unitsBefore = matchingUnits();
    refusing(category, item, partDone, () => readers[category](target, item)());
    yield unitsOfItem + matchingUnits() - unitsBefore;
  }
  for (const entry of leftOut.slice(0, leftOutLoggedMax))
    broker.logger.warn("an entry of the definitions is left out", { entry });
  if (leftOut.length > leftOutLoggedMax)
    broker.logger.warn("further entries are left out", { entries: leftOut.length - leftOutLoggedMax });
}

function* itemsOf(
  document: Definitions,
  vhost: Vhost | null,
): Generator<readonly [DefinitionCategory, DefinitionItem], void> {
  for (const category of vhost === null ? definitionCategories : vhostCategories)
    for (const item of document[category] ?? []) yield [category, item];
}

/** What the broker refuses is refused as a request. */
function refusing(category: DefinitionCategory, item: DefinitionItem, advice: string, act: () => void): void {
  try {
    act();
  } catch (error) {
    const refusal = error instanceof BrokerError ? badRequest(error.message) : error;
    throw refusal instanceof Refusal ? refusal.ofEntry(calledOf(category, item), advice) : error;
  }
}

/** RabbitMQ looks before it begins. */
function* assertingQueuesFit(target: Target, { queues = [] }: Definitions): Job<void> {
  const added = new Map<Vhost, Set<string>>();
  let looks = 0;
  for (const item of queues) {
    if (++looks % looksOfPiece === 0) yield unitsOfLook * looksOfPiece;
    const given = item["vhost"];
    const vhost = target.vhost ?? (typeof given === "string" ? namedVhost(target.broker, given) : undefined);
    const name = item["name"];
    if (vhost === undefined || typeof name !== "string" || !isMade(vhost, brokerName(name))) continue;
    added.set(vhost, (added.get(vhost) ?? new Set()).add(name));
  }
  for (const [{ name, queues: there, queuesMax }, { size: count }] of added) {
    if (there.size + count <= queuesMax) continue;
    throw new Refusal(
      400,
      "bad_request",
      `Adding ${count} queue(s) to virtual host "${shownName(name)}" would exceed the limit of ${queuesMax} queue(s).\n\n` +
        `This virtual host currently has ${there.size} queue(s) defined.\n\nImport aborted!`,
    );
  }
}
