/**
 * What an attack of `npm run faults -- --only stalls` is: one request, or a bounded number of them, by which one client
 * might make the others wait or the broker grow.
 *
 * How to add one: put a file into this folder whose default export is an `Attack` or a list of them. `index.ts` finds it
 * by itself; nothing else has to be changed.
 *
 *     import type { Attack } from "./attack.ts";
 *
 *     const attack: Attack = {
 *       name: "keys-many",
 *       what: "KEYS * over 100,000 keys",
 *       async prepare({ redis }) { … fill the broker; not measured … },
 *       async attack({ redis }) {
 *         const client = await redis();
 *         return await client.call("keys", "*");
 *       },
 *     };
 *     export default attack;
 *
 * Each attack gets a fresh broker with the default configuration. It must be bounded in count by itself: the harness ends
 * what takes longer than a minute or needs more than 2 GiB, and calls it failed. What it returns is shown as the answer;
 * long answers are cut; one that throws is a failure, so it catches the refusals that it expects. Clients that it opens through the context are closed for it. It looks at no clock: time is the
 * harness's part, and only loosely judged. What CI asserts are counts of work, in unit tests beside the code that is
 * bounded.
 */
import type { KafkaWireClient } from "../../test/support/kafka-wire-client.ts";
import type { RawClient } from "../../test/support/amqp-raw.ts";
import type { RawRedis } from "../../test/support/raw-redis.ts";
import type { TestBroker } from "../../test/support/broker.ts";

export interface AttackContext {
  readonly broker: TestBroker;
  /** Opens a connection that says what it is told to and gives the bytes of each reply. */
  readonly redis: () => Promise<RawRedis>;
  /** A connection of frames made by hand, with channel 1 open, as `guest`. */
  readonly amqp: () => Promise<RawClient>;
  readonly kafka: () => Promise<KafkaWireClient>;
  /** For clients of another kind: called when the attack has ended, however it did. */
  readonly atEnd: (close: () => unknown) => void;
}

export interface Attack {
  /** In the words of a file name; `--only "stalls: NAME"` picks it. */
  readonly name: string;
  /** One sentence: what the attacker does. */
  readonly what: string;
  /** More of the broker's command line; none if absent. */
  readonly args?: readonly string[];
  /** Most RSS that the broker may have while it is attacked; 1 GiB if absent. */
  readonly rssBytesMax?: number;
  /** How long others may wait, where the documentation says why it takes longer than `--wait-ms`. */
  readonly waitMsMax?: number;
  /** What has to be there before; others' waits are not measured meanwhile. */
  readonly prepare?: (context: AttackContext) => Promise<void>;
  /** Returns what the attacker was answered. */
  readonly attack: (context: AttackContext) => Promise<string>;
}
