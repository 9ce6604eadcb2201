/**
 * The text of a long answer, written bit by bit over several turns: one text while it is short, else a stream of pieces.
 *
 * Not here: turns, which are their writer's. Invariant: no piece is longer than `charsOfPiece` and one bit together.
 */
import { jsonType } from "../answers.ts";
import type { Answer } from "./endpoint.ts";

const charsOfPiece = 16_384;

export class TextPieces {
  readonly #pieces: string[] = [];
  #last = "";

  write(text: string): void {
    this.#last += text;
    if (this.#last.length < charsOfPiece) return;
    this.#pieces.push(this.#last);
    this.#last = "";
  }

  answer(): Answer {
    const head = { status: 200, type: jsonType };
    const [pieces, last] = [this.#pieces, this.#last];
    return pieces.length === 0 ? { ...head, body: last } : { ...head, chunks: () => inOrder(pieces, last) };
  }
}

async function* inOrder(pieces: readonly string[], last: string): AsyncIterable<string> {
  yield* pieces;
  yield last;
}

/** Items of an array, which is written over several turns, with the comma that belongs between them and those before. */
export function itemsText(items: readonly unknown[], isFirst: boolean): string {
  const text = JSON.stringify(items).slice(1, -1);
  return isFirst || text === "" ? text : `,${text}`;
}

/** An array whose text was made in pieces, each of which begins with a comma but for the first. */
export function arrayOf(pieces: readonly string[]): Answer {
  const text = new TextPieces();
  text.write("[");
  for (const piece of pieces) text.write(piece);
  text.write("]\n");
  return text.answer();
}
