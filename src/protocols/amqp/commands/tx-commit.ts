import type { Channel } from "../channel.ts";
import { Transaction, messageOf } from "../transaction.ts";
import { transactionOf } from "./tx-select.ts";

/** All publishes and settlements of the transaction, in one turn; answered when they are durable. */
export function txCommit(channel: Channel): void {
  const { publishes, settlements } = transactionOf(channel);
  channel.transaction = null;
  try {
    for (const publish of publishes) channel.publisher.republish(messageOf(publish));
    for (const { source, offset, outcome } of settlements) channel.finishSettlement(source, offset, outcome);
  } finally {
    channel.transaction = new Transaction();
  }
  const { connection } = channel.session;
  connection.holdUntilDurable(channel.broker.storage.pending);
  channel.reply("tx.commit-ok", {});
}
