/**
 * Where subscribers that have a name stopped: a client that comes back under its name goes on from there.
 *
 *     reader/[pattern, user, name, channel] -> {} while it is connected, { offset, unsent } once it is gone
 *
 * `offset` is the history's end when it went, `unsent` how many bytes were on their way to it that the system had not taken. Of one
 * that was connected when the broker was killed, the end of the history is taken; one that is being caught up keeps its place in
 * there until it has all (`live`). Not here: the messages. Invariants: a reader that
 * is connected more than once has no position before the last connection ends; there are at most `liveReadersMax`.
 */
import { limits } from "../../../base/limits.ts";
import type { Storage } from "../../../storage/index.ts";
import { definitionKey, namesOfKey } from "../../names.ts";
import type { CatchUpFrom } from "./catch-up.ts";
import type { ChannelHistory } from "./channel-history.ts";

const nothing: ReadonlyMap<string, number> = new Map();

interface NamedReader {
  readonly isDurable: boolean;
  /** Connections that listen under this name. */
  connections: number;
  /** Null while it is connected. */
  position: CatchUpFrom | null;
}

/** Who reads: the user and the name that the connection has given itself. */
export interface ReaderName {
  readonly user: string;
  readonly name: string;
}

type Definitions = Storage["definitions"];

export class NamedReaders {
  readonly #definitions: Definitions;
  /** By the keys of their definitions, the one that changed last in the end. */
  readonly #readers = new Map<string, NamedReader>();

  constructor(definitions: Definitions) {
    this.#definitions = definitions;
  }

  get size(): number {
    return this.#readers.size;
  }

  /** Histories that have just been made: their readers of an earlier run. Those of histories on the disk without a rule stay there. */
  restore(made: ReadonlyMap<string, ChannelHistory>): void {
    const gone: string[] = [];
    const cutOff: string[] = [];
    for (const [key, value] of this.#definitions.entries("reader/")) {
      const history = made.get(namesOfKey(key)[0]!);
      if (history === undefined) continue;
      if (!history.rule.isDurable) {
        gone.push(key);
        continue;
      }
      const known = JSON.parse(value.toString()) as Partial<CatchUpFrom>;
      const { offset = history.seal(), unsent = 0 } = known;
      if (known.offset === undefined) cutOff.push(key);
      // Of the other channels nothing is known any more: rather twice than not at all.
      const among = unsent > 0 ? new Map([[namesOfKey(key)[3]!, 0]]) : nothing;
      this.#readers.set(key, { isDurable: true, connections: 0, position: { offset, unsent, among } });
    }
    for (const key of gone) this.#definitions.delete(key);
    // What comes from now on is for them, also when the broker ends once more before they are back.
    for (const key of cutOff) this.#store(key, this.#readers.get(key)!);
  }

  /** A connection listens to a channel under a name. Returns where the last one under this name stopped, if that is known. */
  came({ rule }: ChannelHistory, { user, name }: ReaderName, channel: string): CatchUpFrom | null {
    const key = definitionKey("reader", rule.pattern, user, name, channel);
    const known = this.#readers.get(key);
    const position = known?.position ?? null;
    const connections = (known?.connections ?? 0) + 1;
    const reader = { isDurable: rule.isDurable, connections, position: null };
    this.#set(key, reader);
    if (known === undefined && reader.isDurable) this.#store(key, reader);
    return position;
  }

  /** It has been told all from where it had stopped. */
  live({ rule }: ChannelHistory, { user, name }: ReaderName, channel: string): void {
    const key = definitionKey("reader", rule.pattern, user, name, channel);
    const known = this.#readers.get(key);
    if (known?.isDurable === true) this.#store(key, known);
  }

  /** A connection of it is gone. */
  went({ rule }: ChannelHistory, { user, name }: ReaderName, channel: string, position: CatchUpFrom): void {
    const key = definitionKey("reader", rule.pattern, user, name, channel);
    // It may have been forgotten, as the one that changed longest ago, and may have come again since by another connection.
    const connections = Math.max((this.#readers.get(key)?.connections ?? 1) - 1, 0);
    const reader = { isDurable: rule.isDurable, connections, position: connections === 0 ? position : null };
    this.#set(key, reader);
    if (reader.isDurable && connections === 0) this.#store(key, reader);
  }

  /** It does not listen to the channel any more, of its own will. */
  left({ rule }: ChannelHistory, { user, name }: ReaderName, channel: string): void {
    const key = definitionKey("reader", rule.pattern, user, name, channel);
    const known = this.#readers.get(key);
    if (known === undefined) return;
    if (known.connections > 1) known.connections--;
    else this.#forget(key, known);
  }

  /** The history of a pattern is deleted. */
  forgetPattern(pattern: string): void {
    for (const [key, reader] of this.#readers) if (namesOfKey(key)[0] === pattern) this.#forget(key, reader);
  }

  #set(key: string, reader: NamedReader): void {
    this.#readers.delete(key);
    this.#readers.set(key, reader);
    if (this.#readers.size <= limits.liveReadersMax) return;
    const [oldest] = this.#readers;
    this.#forget(oldest![0], oldest![1]);
  }

  #store(key: string, { position }: NamedReader): void {
    const { offset, unsent } = position ?? {};
    this.#definitions.put(key, JSON.stringify({ offset, unsent }));
  }

  #forget(key: string, { isDurable }: NamedReader): void {
    this.#readers.delete(key);
    if (isDurable) this.#definitions.delete(key);
  }
}
