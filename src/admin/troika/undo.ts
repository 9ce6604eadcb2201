/**
 * Takes back what an operation has moved and nobody has consumed: POST /api/troika/operations/{id}/undo.
 *
 * Not here: what is found and how it is moved (broker/operations/letters/undo.ts).
 */
import { limits } from "../../base/limits.ts";
import { mayUseLog } from "../../broker/access/rights.ts";
import type { Operation } from "../../broker/operations/operation.ts";
import { newUndoCounts, takenBackOf, undoing } from "../../broker/operations/letters/undo.ts";
import type { Queue } from "../../broker/queue/queue.ts";
import { json, Refusal } from "../answers.ts";
import { badRequest } from "../api/body.ts";
import { type Asked, endpoint, type Endpoint } from "../api/endpoint.ts";
import { exactObject } from "../api/schemas.ts";
import { shownName } from "../rabbitmq/names.ts";
import { mayTake } from "./deadletters.ts";
import { operationAt, operationStatus, started, waitMsIn, waitQuery } from "./operations.ts";

const hoursMax = limits.operationUndoMsMax / 3_600_000;

/** @throws Refusal */
function assertUndoable({ broker }: Asked<never>, { id, options, isRunning, startedAt }: Operation): void {
  const { kind, isDry } = options;
  if (kind !== "retry") throw badRequest(`operation '${id}' is of kind ${kind}: only a retry can be undone`);
  if (isDry === true) throw badRequest(`operation '${id}' was a dry run: it has moved nothing`);
  if (isRunning) throw badRequest(`operation '${id}' is still running: cancel it first`);
  if (broker.clock.now() - startedAt > limits.operationUndoMsMax)
    throw badRequest(`operation '${id}' was started more than ${hoursMax} hours ago: it cannot be undone`);
}

/** Where the dead letters lay, to which the caller may write. @throws Refusal */
function sourceOf({ broker, caller, remoteHost }: Asked<never>, { options }: Operation): Queue {
  const { vhost: vhostName, source: name } = options;
  const source = broker.vhost(vhostName)?.findQueue(name);
  if (source === undefined)
    throw Refusal.notFound(
      `queue '${shownName(name)}' is gone: declare it again, so that its messages can go back`,
    );
  if (!mayUseLog({ authorization: caller, host: remoteHost }, "write", source.vhost, name))
    throw new Refusal(
      401,
      "not_authorised",
      `ACCESS_REFUSED - write access to queue '${shownName(name)}' refused for user '${shownName(caller.name)}'`,
    );
  return source;
}

export const undoEndpoints: readonly Endpoint[] = [
  endpoint({
    method: "POST",
    path: "/api/troika/operations/{id}/undo",
    audience: "management",
    summary: `Takes back what a retry has moved and nobody has got yet, within ${hoursMax} hours; goes on as an operation behind the answer.`,
    body: exactObject({}),
    query: waitQuery,
    run: async (given) => {
      const asked = given as Asked<never>;
      const { broker, caller, remoteHost } = asked;
      const waitMs = waitMsIn(asked);
      const undone = operationAt(asked);
      assertUndoable(asked, undone);
      const source = sourceOf(asked, undone);
      const before = takenBackOf(undone);
      const asker = { authorization: caller, host: remoteHost };
      const may = (home: Queue): boolean =>
        mayTake(asked, home) && mayUseLog(asker, "settle", home.vhost, home.name);
      const { vhost, source: name } = undone.options;
      const operation = started(() =>
        broker.operations.start(
          {
            kind: "undo",
            vhost,
            source: name,
            startedBy: caller.name,
            rate: limits.undoRate,
            undoes: undone.id,
          },
          undoing(broker.operations, { undone, source, may }),
          newUndoCounts(),
          () => mayUseLog(asker, "write", source.vhost, name),
        ),
      );
      await broker.operations.ended(operation, waitMs);
      const { counts, id, state } = operation;
      const { matched: found, moved: taken_back, full, refused } = counts;
      // Until it has ended, what it will find is not known.
      const consumed = operation.isRunning ? null : Math.max(undone.counts.moved - before - found, 0);
      return json(operationStatus(operation), {
        found,
        taken_back,
        consumed,
        full,
        refused,
        operation: id,
        state,
      });
    },
  }),
];
