import type { Job } from "../../../base/turn-work.ts";
import type { Channel } from "../channel/channel.ts";
import type { Transaction } from "../channel/transaction.ts";
import { transactionOf } from "./tx-select.ts";

const settlementsOfPiece = 512;
/** Putting one back under its tag. */
const unitsOfSettlement = 0.25;

/** Forgets the publishes; the settled deliveries are outstanding again. Spec tx.rollback: they are not redelivered. */
export function txRollback(channel: Channel): void {
  channel.session.work(channel, rollBack(channel, transactionOf(channel)));
}

/** Takes them from the end: should the channel end meanwhile, it finds those that are left. */
function* rollBack(channel: Channel, transaction: Transaction): Job<void> {
  const { settlements } = transaction;
  while (settlements.length > 0) {
    for (let i = 0; i < settlementsOfPiece && settlements.length > 0; i++)
      channel.restore(settlements.pop()!);
    yield settlementsOfPiece * unitsOfSettlement;
    if (channel.isClosing) return;
  }
  transaction.reset();
  channel.reply("tx.rollback-ok", {});
}
