/**
 * One message as positions in the bytes it is stored in: the canonical message without its objects. A reader for each
 * envelope fills it (convert-read-*.ts), a view of each protocol writes from it (as-*.ts); so three readers and three
 * writers make all conversions, and none allocates.
 *
 * One for each view, filled again for each record. A start of -1 means null or absent.
 * Invariant: routing key, text properties, header names and values lie in `buffer`; a header's value is bytes (tag text
 * or bytes: `[start, end)` is the run) or a typed AMQP value (`[start, end)` begins with the tag).
 */
import { propertyCode, textPropertyNames } from "./names.ts";
import { parseDecimal } from "./values.ts";

const nothing = Buffer.alloc(0);
/** The last moment that JavaScript and Java clients can show; a timestamp beyond it is none. */
export const timestampMsMax = 8_640_000_000_000_000;
const octetMax = 255;
const shortTextBytesMax = 255;

export class MessageParts {
  buffer: Buffer = nothing;
  keyBuffer: Buffer = nothing;
  keyStart = -1;
  keyEnd = -1;
  /** Only where it differs from the key. */
  routingKeyStart = -1;
  routingKeyEnd = -1;
  bodyBuffer: Buffer = nothing;
  /** -1: a null body, a tombstone. */
  bodyStart = -1;
  bodyEnd = -1;
  /** The body is a JSON object made of the entry's fields. */
  isJsonObject = false;
  /** Milliseconds. */
  timestamp = 0;
  /** The timestamp property, where the publisher gave one; -1 without. */
  timestampSeconds = -1;
  deliveryMode = -1;
  priority = -1;
  /** Text properties in the order of `textPropertyNames`. */
  textCount = 0;
  readonly textStarts = new Int32Array(textPropertyNames.length);
  readonly textEnds = new Int32Array(textPropertyNames.length);
  headerCount = 0;
  nameStarts = new Int32Array(16);
  nameEnds = new Int32Array(16);
  valueTags = new Uint8Array(16);
  valueStarts = new Int32Array(16);
  valueEnds = new Int32Array(16);

  clear(buffer: Buffer): void {
    this.buffer = this.keyBuffer = this.bodyBuffer = buffer;
    this.keyStart = this.keyEnd = -1;
    this.routingKeyStart = this.routingKeyEnd = -1;
    this.bodyStart = this.bodyEnd = -1;
    this.isJsonObject = false;
    this.timestamp = 0;
    this.timestampSeconds = this.deliveryMode = this.priority = -1;
    this.textCount = 0;
    this.textStarts.fill(-1);
    this.headerCount = 0;
  }

  addHeader(nameStart: number, nameEnd: number, tag: number, valueStart: number, valueEnd: number): void {
    const index = this.headerCount++;
    if (index === this.nameStarts.length) this.#growHeaders();
    this.nameStarts[index] = nameStart;
    this.nameEnds[index] = nameEnd;
    this.valueTags[index] = tag;
    this.valueStarts[index] = valueStart;
    this.valueEnds[index] = valueEnd;
  }

  removeHeader(index: number): void {
    const from = index + 1;
    const to = this.headerCount--;
    this.nameStarts.copyWithin(index, from, to);
    this.nameEnds.copyWithin(index, from, to);
    this.valueTags.copyWithin(index, from, to);
    this.valueStarts.copyWithin(index, from, to);
    this.valueEnds.copyWithin(index, from, to);
  }

  #growHeaders(): void {
    const capacity = this.nameStarts.length * 2;
    this.nameStarts = grown(this.nameStarts, new Int32Array(capacity));
    this.nameEnds = grown(this.nameEnds, new Int32Array(capacity));
    this.valueTags = grown(this.valueTags, new Uint8Array(capacity));
    this.valueStarts = grown(this.valueStarts, new Int32Array(capacity));
    this.valueEnds = grown(this.valueEnds, new Int32Array(capacity));
  }

  setText(index: number, start: number, end: number): void {
    this.textStarts[index] = start;
    this.textEnds[index] = end;
    this.textCount++;
  }

  /**
   * Takes a property from its text `[start, end)` in `buffer`. False where the property is there already or the text
   * cannot be its value: then it stays a header like others.
   */
  setPropertyFromText(code: number, start: number, end: number): boolean {
    if (code === propertyCode.deliveryMode || code === propertyCode.priority) {
      const value = parseDecimal(this.buffer, start, end);
      const present = code === propertyCode.priority ? this.priority : this.deliveryMode;
      if (value < 0 || value > octetMax || present >= 0) return false;
      if (code === propertyCode.priority) this.priority = value;
      else this.deliveryMode = value;
      return true;
    }
    if (code === propertyCode.timestamp) {
      const value = parseDecimal(this.buffer, start, end);
      if (value < 0 || this.timestampSeconds >= 0) return false;
      this.timestampSeconds = value;
      return true;
    }
    if (end - start > shortTextBytesMax) return false;
    if (code === propertyCode.routingKey) {
      if (this.routingKeyStart >= 0) return false;
      this.routingKeyStart = start;
      this.routingKeyEnd = end;
      return true;
    }
    if (this.textStarts[code]! >= 0) return false;
    this.setText(code, start, end);
    return true;
  }
}

function grown<Values extends Int32Array | Uint8Array>(values: Values, larger: Values): Values {
  larger.set(values);
  return larger;
}
