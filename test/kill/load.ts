/** Resolves when so many more messages may be sent. */
export type Pace = (messages: number) => Promise<void>;

export const asFastAsItGoes: Pace = () => Promise.resolve();

/** A load that runs until its broker is killed, and remembers what it was told. */
export interface Load {
  readonly name: string;
  /** Runs against a fresh broker until `stop` or until the broker is gone; never throws for that. */
  run(ports: { redis: number; amqp: number; kafka: number }): Promise<void>;
  /** Lets `run` end by itself after what it is doing. */
  stop(): void;
  /** With the broker up and no load: reads all that is there and returns what contradicts what was told. */
  verify(ports: { redis: number; amqp: number; kafka: number }): Promise<string[]>;
  /** How much was told so far, for the report. */
  readonly told: Readonly<Record<string, number>>;
}
