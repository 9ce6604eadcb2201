/**
 * Incremental parser of RESP2 and RESP3 replies into a typed tree: for tests and tools, so it favours exactness over
 * speed. An attribute (`|`) is read and dropped. Streamed strings and aggregates are refused: redis sends none.
 *
 * Not here: matching replies to commands. Invariant: a reply is taken only when it is complete; bytes before
 * `#position` are in the open aggregates, and are read once.
 */
import { BrokerError } from "../../../base/errors.ts";
import { parseInteger, parseBigInteger } from "./numbers.ts";

export type Reply =
  | { readonly type: "simple" | "error"; readonly text: string }
  | { readonly type: "integer" | "bigNumber"; readonly value: bigint }
  | { readonly type: "bulk"; readonly bytes: Buffer }
  | { readonly type: "verbatim"; readonly format: string; readonly bytes: Buffer }
  | { readonly type: "null" | "nullBulk" | "nullArray" }
  | { readonly type: "double"; readonly value: number }
  | { readonly type: "boolean"; readonly value: boolean }
  | { readonly type: AggregateType; readonly items: readonly Reply[] };

/** A map's items are its keys and values in turn. */
type AggregateType = "array" | "map" | "set" | "push";

interface OpenAggregate {
  readonly type: AggregateType | "attribute";
  readonly items: Reply[];
  left: number;
}

const aggregates: Record<string, AggregateType | "attribute"> = {
  "*": "array",
  "%": "map",
  "~": "set",
  ">": "push",
  "|": "attribute",
};

export class ReplyParser {
  #bytes: Buffer = Buffer.alloc(0);
  #position = 0;
  /** What was fed and not looked at yet: a long bulk is put together once, when all of it is there. */
  #fed: Uint8Array[] = [];
  #fedBytes = 0;
  /** So many bytes from `#position` on make the next element; 0 where that is not known. */
  #needed = 0;
  readonly #open: OpenAggregate[] = [];

  feed(chunk: Uint8Array): void {
    this.#fed.push(chunk);
    this.#fedBytes += chunk.length;
  }

  /** Bytes that belong to no complete element yet. */
  get pendingBytes(): number {
    return this.#bytes.length - this.#position + this.#fedBytes;
  }

  #join(): void {
    if (this.#fedBytes === 0) return;
    this.#bytes = Buffer.concat([this.#bytes.subarray(this.#position), ...this.#fed]);
    this.#position = 0;
    this.#fed = [];
    this.#fedBytes = 0;
  }

  /** The next reply, or undefined until more is fed. Throws `MALFORMED`. */
  next(): Reply | undefined {
    if (this.pendingBytes < this.#needed) return undefined;
    this.#needed = 0;
    this.#join();
    for (;;) {
      const element = this.#element();
      if (element === undefined) return undefined;
      if (element === "opened") continue;
      const reply = this.#close(element);
      if (reply !== undefined) return reply;
    }
  }

  /** All complete replies. */
  all(): Reply[] {
    const replies: Reply[] = [];
    for (let reply = this.next(); reply !== undefined; reply = this.next()) replies.push(reply);
    return replies;
  }

  /** Puts an element where it belongs; gives the outermost one when it is complete. */
  #close(element: Reply): Reply | undefined {
    let done = element;
    for (;;) {
      const parent = this.#open.at(-1);
      if (parent === undefined) return done;
      parent.items.push(done);
      parent.left--;
      if (parent.left > 0) return undefined;
      this.#open.pop();
      if (parent.type === "attribute") return undefined;
      done = { type: parent.type, items: parent.items };
    }
  }

  #element(): Reply | "opened" | undefined {
    const bytes = this.#bytes;
    const start = this.#position;
    const lineEnd = bytes.indexOf("\r\n", start, "latin1");
    if (lineEnd < 0) return undefined;
    const mark = String.fromCharCode(bytes[start]!);
    const text = bytes.latin1Slice(start + 1, lineEnd);
    const after = lineEnd + 2;
    const aggregate = aggregates[mark];
    if (aggregate !== undefined)
      return this.#openAggregate(aggregate, this.#length(start + 1, lineEnd), after);
    switch (mark) {
      case "+":
        return this.#take(after, { type: "simple", text });
      case "-":
        return this.#take(after, { type: "error", text: bytes.utf8Slice(start + 1, lineEnd) });
      case ":": {
        const value = parseBigInteger(bytes, start + 1, lineEnd);
        if (value === undefined) throw malformed(`integer "${text}"`);
        return this.#take(after, { type: "integer", value });
      }
      case "(":
        // BigInt takes more than digits, and throws an error of its own for the rest.
        if (!/^[+-]?\d+$/.test(text)) throw malformed(`big number "${text}"`);
        return this.#take(after, { type: "bigNumber", value: BigInt(text) });
      case ",":
        return this.#take(after, { type: "double", value: doubleOf(text) });
      case "#":
        if (text !== "t" && text !== "f") throw malformed(`boolean "${text}"`);
        return this.#take(after, { type: "boolean", value: text === "t" });
      case "_":
        return this.#take(after, { type: "null" });
      case "$":
      case "=":
        return this.#bulk(mark, this.#length(start + 1, lineEnd), after);
      default:
        throw malformed(`reply type "${mark}"`);
    }
  }

  #bulk(mark: "$" | "=", length: number, after: number): Reply | undefined {
    if (length < 0) return this.#take(after, { type: "nullBulk" });
    const end = after + length;
    const bytes = this.#bytes;
    if (end + 2 > bytes.length) {
      this.#needed = end + 2 - this.#position;
      return undefined;
    }
    if (bytes[end] !== 0x0d || bytes[end + 1] !== 0x0a) throw malformed("bulk without its line end");
    if (mark === "$") {
      return this.#take(end + 2, { type: "bulk", bytes: Buffer.from(bytes.subarray(after, end)) });
    }
    if (length < 4 || bytes[after + 3] !== 0x3a) throw malformed("verbatim text without its format");
    const format = bytes.latin1Slice(after, after + 3);
    return this.#take(end + 2, {
      type: "verbatim",
      format,
      bytes: Buffer.from(bytes.subarray(after + 4, end)),
    });
  }

  #openAggregate(type: AggregateType | "attribute", count: number, after: number): Reply | "opened" {
    if (count < 0) {
      if (type !== "array") throw malformed(`${type} of length ${count}`);
      return this.#take(after, { type: "nullArray" });
    }
    const left = type === "map" || type === "attribute" ? 2 * count : count;
    this.#position = after;
    if (left > 0) this.#open.push({ type, items: [], left });
    else if (type !== "attribute") return { type, items: [] };
    return "opened";
  }

  #take(after: number, reply: Reply): Reply {
    this.#position = after;
    return reply;
  }

  #length(start: number, end: number): number {
    const length = parseInteger(this.#bytes, start, end);
    if (!(length >= -1)) throw malformed(`length "${this.#bytes.latin1Slice(start, end)}"`);
    return length;
  }
}

function doubleOf(text: string): number {
  if (text === "inf") return Infinity;
  if (text === "-inf") return -Infinity;
  if (text === "nan") return NaN;
  const value = Number(text);
  if (text === "" || Number.isNaN(value)) throw malformed(`double "${text}"`);
  return value;
}

function malformed(what: string): BrokerError {
  return new BrokerError("MALFORMED", `reads a RESP reply: bad ${what}; check the sender's framing`);
}
