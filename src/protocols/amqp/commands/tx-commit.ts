import { BatchGuard } from "../../../broker/exchange/publication.ts";
import type { Channel } from "../channel/channel.ts";
import { AmqpError } from "../core/errors.ts";
import { amqpName } from "../core/names.ts";
import { type HeldPublish, messageOf } from "../channel/transaction.ts";
import { transactionOf } from "./tx-select.ts";

/** All publishes and settlements of the transaction, in one turn; answered when they are durable. */
export function txCommit(channel: Channel): void {
  const transaction = transactionOf(channel);
  const { settlements } = transaction;
  const publishes = transaction.publishesNow(channel.vhost);
  assertRoom(publishes, channel);
  channel.transaction = null;
  try {
    for (const held of publishes) channel.publisher.publishHeld(held);
    for (const { source, outcome } of settlements)
      if (outcome === "requeued" && source.takesRecords) channel.expectReturnsTo(source.queue);
    for (const { source, offset, outcome } of settlements) {
      source.uncommitted--;
      channel.finishSettlement(source, offset, outcome);
    }
    channel.endReturns();
  } finally {
    transaction.reset();
    channel.transaction = transaction;
  }
  const { connection } = channel.session;
  connection.holdUntilDurable(channel.broker.storage.pendingWithChanges);
  channel.reply("tx.commit-ok", {});
}

/**
 * A queue that refuses one publish (`x-overflow`) refuses the whole transaction: nothing of it happens. RabbitMQ says 406
 * "partial tx completion" then, after it has published the rest.
 */
function assertRoom(publishes: readonly HeldPublish[], channel: Channel): void {
  const guard = new BatchGuard();
  for (const held of publishes) if (held.route.hasGuards) guard.add(held.route, messageOf(held));
  const [full] = guard.fullQueues();
  if (full === undefined) return;
  throw new AmqpError(
    "PRECONDITION_FAILED",
    `queue '${amqpName(full.name)}' in vhost '${channel.vhost.name}' is full; nothing of the transaction was done`,
  );
}
