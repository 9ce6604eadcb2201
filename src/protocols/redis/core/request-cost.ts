/** The rough cost of one request of a pipeline, in units of work (base/turn-work.ts). */
const unitsOfOne = 0.25;
const unitsOfArgument = 0.25;
const unitsOfReplyByte = 1 / 1024;

/** A whole number: a fraction would be an object for each request. */
export function unitsOfRequest(argumentCount: number, replyBytes: number): number {
  return Math.ceil(unitsOfOne + unitsOfArgument * argumentCount + unitsOfReplyByte * replyBytes);
}
