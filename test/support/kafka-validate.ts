/** Checks a producer's batch to the end at once; `batch` shows it then. */
import type { KafkaBatch } from "../../src/message/kafka/batch.ts";
import { BatchCheck, type BatchFault, type BatchRules } from "../../src/message/kafka/batch-validate.ts";

const check = new BatchCheck();

export function validateProduced(
  batch: KafkaBatch,
  records: Buffer | null,
  rules: BatchRules,
): BatchFault | null {
  let found = check.begin(records, rules);
  while (found === "more") found = check.more();
  if (found === null) batch.reset(records!).next();
  return found;
}
