/**
 * Reads just enough of TypeScript to tell code from comments and text: what a module imports, and which names
 * its code uses. Pure.
 *
 * Not here: which of it is allowed (rules.ts).
 * Invariant: the masked source is as long as the source, so that a position in one is the position in the other.
 */

export interface Import {
  /** What is imported as written; undefined if it is computed, so that no one can tell. */
  readonly specifier: string | undefined;
  /** Gone once types are stripped: `import type`, `export type`, `import("x").A` as a type is not told apart. */
  readonly isType: boolean;
  /** `import()`: evaluated when it is called, not before the module that says so. */
  readonly isDynamic: boolean;
  readonly line: number;
}

/** The source with comments and the insides of text literals made blank. Code in `${}` of a template stays. */
export function maskSource(source: string): string {
  let masked = "";
  let at = 0;
  /** The depth of braces at which each open template's `${` goes back to text. */
  const templates: number[] = [];
  let depth = 0;

  const blankUntil = (end: number) => {
    masked += source.slice(at, end).replaceAll(/[^\n]/g, " ");
    at = end;
  };
  const keep = (count: number) => {
    masked += source.slice(at, at + count);
    at += count;
  };
  /** Blanks to the closing backtick, which it keeps, or to the next `${`. */
  const maskTemplateText = () => {
    let end = at;
    while (end < source.length && source[end] !== "`" && !source.startsWith("${", end)) {
      end += source[end] === "\\" ? 2 : 1;
    }
    blankUntil(Math.min(end, source.length));
    if (source[at] === "$") {
      keep(2);
      templates.push(depth++);
    } else keep(1);
  };

  while (at < source.length) {
    const character = source[at]!;
    if (source.startsWith("//", at)) {
      const end = source.indexOf("\n", at);
      blankUntil(end === -1 ? source.length : end);
    } else if (source.startsWith("/*", at)) {
      const end = source.indexOf("*/", at + 2);
      blankUntil(end === -1 ? source.length : end + 2);
    } else if (character === '"' || character === "'") {
      keep(1);
      blankUntil(endOfText(source, at, character));
      keep(1);
    } else if (character === "`") {
      keep(1);
      maskTemplateText();
    } else if (character === "/" && startsPattern(masked)) {
      keep(1);
      blankUntil(endOfPattern(source, at));
      keep(1);
    } else if (character === "}" && templates.at(-1) === depth - 1) {
      depth = templates.pop()!;
      keep(1);
      maskTemplateText();
    } else {
      if (character === "{") depth++;
      if (character === "}") depth--;
      keep(1);
    }
  }
  return masked;
}

function endOfText(source: string, start: number, quote: string): number {
  let end = start;
  while (end < source.length && source[end] !== quote && source[end] !== "\n") {
    end += source[end] === "\\" ? 2 : 1;
  }
  return Math.min(end, source.length);
}

/** Whether a slash after this code begins a regular expression: it divides only what a value ends. */
function startsPattern(before: string): boolean {
  const code = before.trimEnd();
  return !/[\w$)\]}"'`]$/.test(code) || /(?<![.\w$])(?:return|typeof|case|in|of)$/.test(code);
}

function endOfPattern(source: string, start: number): number {
  let isClass = false;
  let end = start;
  while (end < source.length && source[end] !== "\n") {
    if (source[end] === "/" && !isClass) break;
    if (source[end] === "[") isClass = true;
    if (source[end] === "]") isClass = false;
    end += source[end] === "\\" ? 2 : 1;
  }
  return end;
}

export function lineAt(source: string, position: number): number {
  return source.slice(0, position).split("\n").length;
}

/** Import and export declarations with or without `type`, side-effect, dynamic and type imports, `require`, `new URL`. */
const importStarts = [
  /(?<![.\w$])from\s*(?=["'])/g,
  /(?<![.\w$])import\s*(?=["'])/g,
  /(?<![.\w$])(?:import|require)\s*\(\s*/g,
  /(?<![.\w$])new\s+URL\(\s*(?=["'])/g,
];

export function importsOf(source: string): Import[] {
  const masked = maskSource(source);
  const imports: Import[] = [];
  for (const pattern of importStarts) {
    for (const match of masked.matchAll(pattern)) {
      const start = match.index + match[0].length;
      const quote = source[start]!;
      // The insides of text are blank in the mask, so the next quote is the closing one.
      const end = masked.indexOf(quote, start + 1);
      const isText = quote === '"' || quote === "'";
      const specifier = isText ? source.slice(start + 1, end) : undefined;
      if (match[0].startsWith("new") && !masked.startsWith(", import.meta.url", end + 1)) continue;
      imports.push({
        specifier,
        isType: isTypeImport(masked, match.index),
        isDynamic: /^import\s*\(/.test(match[0]),
        line: lineAt(source, match.index),
      });
    }
  }
  return imports;
}

/** Whether the declaration that ends with `from` at this place begins with `import type` or `export type`. */
function isTypeImport(masked: string, from: number): boolean {
  const start = Math.max(masked.lastIndexOf("import", from), masked.lastIndexOf("export", from));
  return start < from && start !== -1 && /^(?:import|export)\s+type\b/.test(masked.slice(start, from));
}
