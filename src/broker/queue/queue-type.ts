/** RabbitMQ's type of a queue or stream, which its arguments say. Not here: what each type may have (policy/, declared-same.ts). */
export const queueTypes = ["classic", "quorum", "stream"] as const;
export type QueueType = (typeof queueTypes)[number];

interface Typed {
  readonly kind: string;
  readonly args: Readonly<Record<string, unknown>>;
}

/** A stream that another protocol made has no `x-queue-type`. */
export function queueTypeOf({ kind, args }: Typed): QueueType {
  if (kind === "stream") return "stream";
  return args["x-queue-type"] === "quorum" ? "quorum" : "classic";
}
