import type { Channel } from "../channel.ts";
import { Transaction } from "../transaction.ts";
import { transactionOf } from "./tx-select.ts";

/** All publishes and settlements of the transaction, in one turn; answered when they are durable. */
export function txCommit(channel: Channel): void {
  const { publishes, settlements } = transactionOf(channel);
  channel.transaction = null;
  try {
    for (const held of publishes) channel.publisher.publishHeld(held);
    for (const { source, offset, outcome } of settlements) channel.finishSettlement(source, offset, outcome);
  } finally {
    channel.transaction = new Transaction();
  }
  const { connection } = channel.session;
  connection.holdUntilDurable(channel.broker.storage.pending);
  channel.reply("tx.commit-ok", {});
}
