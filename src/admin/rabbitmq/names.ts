/** Names as the API shows and takes them: UTF-8 text, while the broker's are latin1 strings of their bytes. */
export { shownName } from "../../broker/names.ts";

export function brokerName(text: string): string {
  return Buffer.from(text).latin1Slice();
}

/** The name of the only node of the cluster that RabbitMQ's API tells of. */
export const nodeName = "rabbit@localhost";
