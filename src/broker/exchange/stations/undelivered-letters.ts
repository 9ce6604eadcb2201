/**
 * Dead letters of queues that dead-letter at least once, while no queue takes them: their exchange or a queue behind it is missing, or a queue
 * is full and refuses messages.
 *
 * They have left their queue, in the tick in which they came here, and wait on the disk in a timetable of their own, by the name of that queue. They
 * count for its bounds and are shown with it (`Queue.lettersWaiting`), a purge leaves them, and they are deleted with it, all as in RabbitMQ. Each is
 * tried again about once a second; where many wait, less often, so that trying costs a bounded part of the broker's time.
 * Not here: how a dead letter is made and published (queue/dead-letter.ts). Invariant: a letter is here or in all of its target queues.
 */
import { EntryId } from "../../../message/entry-id.ts";
import { envelope } from "../../../message/envelope.ts";
import type { Broker } from "../../broker.ts";
import { companionPrefixes } from "../../names.ts";
import { publishLetter } from "../../queue/dead-letter.ts";
import type { Queue } from "../../queue/queue.ts";
import type { RecordBytes } from "../../schedule/enter-stream.ts";
import { Timetable } from "../../schedule/timetable.ts";
import { AmqpRecordMessage } from "../outgoing-message.ts";
import type { QueuePlace } from "./station.ts";

const againMsMin = 1000;
/** What each of the letters that wait adds to the time until the next try. */
const againMsOfEach = 0.1;

const handle = new EntryId();

export class UndeliveredLetters {
  readonly #broker: Broker;
  readonly #timetable: Timetable;
  /** Where the letter is that is being published again. */
  #tried: Queue | null = null;

  constructor(broker: Broker) {
    this.#broker = broker;
    this.#timetable = new Timetable(broker, {
      vhostPrefix: companionPrefixes.undelivered,
      enter: (vhostName, queueName, record) => {
        this.#tried = this.#timetable.findIn(vhostName, queueName) ?? null;
        try {
          return this.#tryAgain(vhostName, record);
        } finally {
          this.#tried = null;
        }
      },
      againMs: (waiting) => againMsMin + waiting * againMsOfEach,
    });
    this.#timetable.begin();
  }

  has({ name, vhost }: QueuePlace): boolean {
    return this.#timetable.findIn(vhost.name, name) !== undefined;
  }

  countOf({ name, vhost }: QueuePlace): number {
    const letters = this.#timetable.findIn(vhost.name, name);
    if (letters === undefined) return 0;
    const { log } = letters;
    return log.length + log.store.openCountOf(log) - (letters === this.#tried ? 1 : 0);
  }

  bytesOf({ name, vhost }: QueuePlace): number {
    const log = this.#timetable.findIn(vhost.name, name)?.log;
    if (log === undefined) return 0;
    log.store.seal();
    return log.bytes;
  }

  keep({ name, vhost }: QueuePlace, buffer: Buffer, end: number): void {
    const target = this.#broker.vhost(vhost.name);
    if (target === undefined) return;
    const due = this.#broker.clock.now() + againMsMin;
    this.#timetable.add(target, name, { due, envelope: envelope.amqp, buffer, start: 0, end }, handle);
  }

  #tryAgain(vhostName: string, { buffer, start, end }: RecordBytes): boolean {
    const vhost = this.#broker.vhost(vhostName);
    // It went with its virtual host.
    if (vhost === undefined) return true;
    const record = Buffer.from(buffer.subarray(start, end));
    return publishLetter(vhost, new AmqpRecordMessage().show(record, 0, record.length), "surely");
  }
}
