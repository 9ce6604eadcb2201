/**
 * Inline requests: a line typed by hand, split into arguments with redis-cli's quotes.
 *
 * Not here: finding the line. Invariant: unescaping never makes text longer, so one buffer of the line's size holds it.
 */
import type { RequestArguments } from "./request-arguments.ts";

const tab = 0x09;
const lineFeed = 0x0a;
const carriageReturn = 0x0d;
const blank = 0x20;
const doubleQuote = 0x22;
const singleQuote = 0x27;
const backslash = 0x5c;

/**
 * Splits a line as redis's sdssplitargs: double quotes know \n \r \t \b \a \xHH and take any other escaped byte as
 * itself, single quotes know \', and a closing quote must be followed by a blank. False: quotes do not balance.
 */
export function splitInline(input: Buffer, start: number, end: number, request: RequestArguments): boolean {
  const text = Buffer.allocUnsafe(end - start);
  request.buffer = text;
  request.canonical = false;
  request.clear();
  let size = 0;
  let at = start;
  for (;;) {
    while (at < end && isBlank(input[at]!)) at++;
    if (at === end || input[at] === 0) return true;
    if (request.argumentCount === request.starts.length) request.growArguments();
    request.starts[request.argumentCount] = size;
    let quote = 0;
    for (;;) {
      const byte = at < end ? input[at]! : 0;
      if (byte === 0) {
        // A zero byte ends the line here as it does in redis, whose strings end there.
        if (quote !== 0) return false;
        at = at < end ? end : at;
        break;
      }
      if (quote === 0) {
        if (byte === blank || byte === lineFeed || byte === carriageReturn || byte === tab) break;
        if (byte === doubleQuote || byte === singleQuote) quote = byte;
        else text[size++] = byte;
      } else if (byte === backslash && quote === doubleQuote && isHexEscape(input, at, end)) {
        text[size++] = (hexValue(input[at + 2]!) << 4) | hexValue(input[at + 3]!);
        at += 3;
      } else if (byte === backslash && quote === doubleQuote && at + 1 < end) {
        text[size++] = unescaped(input[++at]!);
      } else if (
        byte === backslash &&
        quote === singleQuote &&
        at + 1 < end &&
        input[at + 1] === singleQuote
      ) {
        text[size++] = singleQuote;
        at++;
      } else if (byte === quote) {
        if (at + 1 < end && input[at + 1] !== 0 && !isBlank(input[at + 1]!)) return false;
        at++;
        break;
      } else text[size++] = byte;
      at++;
    }
    request.ends[request.argumentCount++] = size;
  }
}

function isBlank(byte: number): boolean {
  return byte === 0x20 || (byte >= 0x09 && byte <= 0x0d);
}

function isHexEscape(input: Buffer, at: number, end: number): boolean {
  return (
    at + 3 < end && input[at + 1] === 0x78 && hexValue(input[at + 2]!) >= 0 && hexValue(input[at + 3]!) >= 0
  );
}

function hexValue(byte: number): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const lower = byte | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1;
}

function unescaped(byte: number): number {
  switch (byte) {
    case 0x6e:
      return 0x0a;
    case 0x72:
      return 0x0d;
    case 0x74:
      return 0x09;
    case 0x62:
      return 0x08;
    case 0x61:
      return 0x07;
    default:
      return byte;
  }
}
