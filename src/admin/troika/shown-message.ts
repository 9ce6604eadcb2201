/** A message that was looked at as the API shows it. Not here: finding it (broker/look/). */
import type { Holder } from "../../broker/look/holders.ts";
import type { Looked } from "../../broker/look/looked.ts";
import { shownName } from "../rabbitmq/names.ts";
import { channelName, connectionName } from "../rabbitmq/shown/connection-fields.ts";
import { shownContent } from "./message-page.ts";

export interface ShowManner {
  readonly holders: ReadonlyMap<number, Holder>;
  readonly encoding: string;
  /** It is shown as a dead letter of another queue. */
  readonly isDead: boolean;
}

function shownHolder(owner: number, holders: ReadonlyMap<number, Holder>): object | null {
  const holder = holders.get(owner);
  // It has closed since, or acknowledged within a transaction that has not ended.
  if (holder === undefined) return null;
  const { connection, channel, tag } = holder;
  return {
    consumer_tag: tag,
    channel_details: {
      connection_name: connectionName(connection),
      name: channelName(connection, channel),
      number: channel,
      peer_host: connection.remote.host,
      peer_port: connection.remote.port,
      user: connection.user,
    },
  };
}

/** Whether it comes, or came, marked as redelivered. */
function isAgain({ state, deliveryCount }: Looked): boolean {
  return (deliveryCount ?? 0) > (state === "unacked" ? 1 : 0);
}

export function shownMessage(looked: Looked, { holders, encoding, isDead }: ShowManner): object {
  const { queue, offset, time, state, deliveryCount, owner, waitsFor, at, handle, content } = looked;
  const place = {
    ...(state === "scheduled" ? { id: handle, due: at } : { offset }),
    time,
    ...(isDead ? { state: "dead", lies_in: shownName(queue), state_there: state } : { state }),
    delivery_count: deliveryCount,
    redelivered: isAgain(looked),
    ...(state === "unacked" ? { held_since: at, held_by: shownHolder(owner, holders) } : {}),
    ...(state === "waiting" ? { due: at, waits_for: waitsFor } : {}),
  };
  return { ...place, ...shownContent(content, encoding) };
}
