import type { Channel } from "../channel/channel.ts";
import { AmqpError } from "../core/errors.ts";
import { Transaction } from "../channel/transaction.ts";

export function txSelect(channel: Channel): void {
  if (channel.confirms !== null) {
    throw new AmqpError("PRECONDITION_FAILED", "cannot switch from confirm to tx mode");
  }
  channel.transaction ??= new Transaction(channel.session.held);
  channel.reply("tx.select-ok", {});
}

/** The channel's transaction. Throws PRECONDITION_FAILED when it is not transactional. */
export function transactionOf(channel: Channel): Transaction {
  if (channel.transaction === null) {
    throw new AmqpError("PRECONDITION_FAILED", "channel is not transactional");
  }
  return channel.transaction;
}
