/** The native forms in which records are stored: which protocol's bytes they are. Kept in every frame: never renumber. */
export const envelope = {
  none: 0,
  /** `amqp/record.ts` */
  amqp: 1,
  /** `redis/entry.ts` */
  redis: 2,
  /** One whole record batch, `kafka-batch.ts`: it holds several records. */
  kafka: 3,
} as const;

export type Envelope = (typeof envelope)[keyof typeof envelope];
