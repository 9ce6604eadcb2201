/**
 * The only look into members' metadata: which topics a consumer subscribes to.
 *
 *     subscription  int16 version, array of topic names, bytes user data, ...
 */
import { ByteReader } from "../../../base/bytes.ts";
import { BrokerError } from "../../../base/errors.ts";

export const consumerProtocolType = "consumer";

/** The topics of a subscription; none when it is of another form. */
export function subscribedTopics(metadata: Buffer): string[] {
  const reader = new ByteReader(metadata);
  const topics: string[] = [];
  try {
    reader.int16();
    for (let left = reader.int32(); left > 0; left--) topics.push(reader.utf8(reader.int16()));
  } catch (error) {
    if (!(error instanceof BrokerError)) throw error;
    return [];
  }
  return topics;
}
