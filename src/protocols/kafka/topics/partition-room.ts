/** How many partitions one request may still make, of all the topics that it names. */
import { limits } from "../../../base/limits.ts";
import { errorCodes } from "../wire/error-codes.ts";

/** Making a partition takes about so many µs. */
export const unitsOfPartition = 20;

export class PartitionRoom {
  #left: number = limits.kafkaRequestPartitionsMax;

  takes(count: number): boolean {
    // What a topic may not have is refused by itself, with its own error.
    return Math.min(count, limits.kafkaTopicPartitionsMax) <= this.#left;
  }

  taken(count: number): void {
    this.#left -= count;
  }

  get refusal(): { errorCode: number; errorMessage: string } {
    return {
      errorCode: errorCodes.POLICY_VIOLATION,
      errorMessage: `One request makes at most ${limits.kafkaRequestPartitionsMax} partitions; send several.`,
    };
  }
}
