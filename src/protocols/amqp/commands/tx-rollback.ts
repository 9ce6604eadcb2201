import type { Channel } from "../channel/channel.ts";
import { transactionOf } from "./tx-select.ts";

/** Forgets the publishes; the settled deliveries are outstanding again. Spec tx.rollback: they are not redelivered. */
export function txRollback(channel: Channel): void {
  const transaction = transactionOf(channel);
  for (const settlement of transaction.settlements) channel.restore(settlement);
  transaction.reset();
  channel.reply("tx.rollback-ok", {});
}
