/**
 * Rows as aligned columns, or names and values below each other. Pure: what it is printed on says how wide it is and whether it has colours.
 *
 * Invariants: numbers are right-aligned; where the lines are wider than the terminal, the widest columns of text are cut; on what is no
 * terminal nothing is cut, since a program may read it.
 */
import { countText, cutTo, visible, widthOf } from "./text.ts";

export interface Screen {
  /** In columns; null: what is printed to has no width. */
  readonly width: number | null;
  readonly hasColours: boolean;
}

export type Cell = string | number | boolean | null | undefined;

export interface Column<Row> {
  readonly head: string;
  readonly cell: (row: Row) => Cell;
  /** Text that is aligned as a number, such as sizes with a unit. */
  readonly isRight?: true;
}

const gap = "  ";
const textWidthMin = 8;

export type Colour = "bold" | "dim" | "red" | "green" | "yellow";

const codes: Readonly<Record<Colour, number>> = { bold: 1, dim: 2, red: 31, green: 32, yellow: 33 };

export function coloured({ hasColours }: Screen, colour: Colour, text: string): string {
  return hasColours ? `\u001B[${codes[colour]}m${text}\u001B[0m` : text;
}

export function cellText(cell: Cell): string {
  if (cell === null || cell === undefined) return "-";
  if (typeof cell === "number") return countText(cell);
  if (typeof cell === "boolean") return cell ? "yes" : "no";
  return cell === "" ? '""' : visible(cell);
}

interface Laid {
  readonly texts: string[];
  readonly isRight: boolean;
  width: number;
}

function laidOut<Row>({ head, cell, isRight }: Column<Row>, rows: readonly Row[]): Laid {
  const cells = rows.map(cell);
  const texts = [head, ...cells.map(cellText)];
  const width = texts.reduce((most, text) => Math.max(most, widthOf(text)), 0);
  return { texts, width, isRight: isRight === true || cells.some((value) => typeof value === "number") };
}

/** The widest columns of text give way until the lines fit, or until no column can. */
function fit(columns: readonly Laid[], width: number): void {
  const gaps = gap.length * (columns.length - 1);
  let surplus = columns.reduce((sum, column) => sum + column.width, gaps) - width;
  while (surplus > 0) {
    const texts = columns.filter((column) => !column.isRight && column.width > textWidthMin);
    if (texts.length === 0) return;
    const widest = texts.reduce((most, column) => (column.width > most.width ? column : most));
    widest.width--;
    surplus--;
  }
}

function padded(text: string, { width, isRight }: Laid, isLast: boolean): string {
  const shown = cutTo(text, width);
  const space = " ".repeat(width - widthOf(shown));
  if (isRight) return space + shown;
  return isLast ? shown : shown + space;
}

/** With a line feed at the end of each line. */
export function tableText<Row>(
  screen: Screen,
  columns: readonly Column<Row>[],
  rows: readonly Row[],
): string {
  const laid = columns.map((column) => laidOut(column, rows));
  if (screen.width !== null) fit(laid, screen.width);
  const last = laid.length - 1;
  let text = "";
  for (let row = 0; row <= rows.length; row++) {
    const line = laid.map((column, index) => padded(column.texts[row]!, column, index === last)).join(gap);
    text += `${row === 0 ? coloured(screen, "bold", line) : line}\n`;
  }
  return text;
}

/** Names and values, one pair a line; the value is a text that may have colours and lines of its own. */
export function factsText(
  screen: Screen,
  facts: readonly (readonly [name: string, value: string])[],
): string {
  const width = facts.reduce((most, [name]) => Math.max(most, widthOf(name)), 0);
  return facts
    .map(([name, value]) => {
      const label = coloured(screen, "dim", name) + " ".repeat(width - widthOf(name)) + gap;
      return `${label}${value.replaceAll("\n", `\n${" ".repeat(width)}${gap}`)}\n`;
    })
    .join("");
}
