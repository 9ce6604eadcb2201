/** What the row of a parameter says of it (known-parameters.ts): its type and bounds, and what it is here. Types only. */
import type { ServerSettings } from "../settings.ts";
import type { ParsedValue } from "./parameter-value.ts";

/** What of redis's a parameter advises. */
export type Advice =
  /** How values lie in memory. */
  | "memoryLayout"
  /** Every DEL, UNLINK and FLUSHALL gives memory back in slices. */
  | "backgroundWork"
  | "process"
  /** The broker has bounds of its own for what one connection may take (src/base/limits.ts). */
  | "inputBuffers"
  /** What is written is in the journal before the reply, whatever these say. RESTORE always checks what it is given. */
  | "files"
  | "replicas"
  /** One node owns all slots, and is not down while it answers. */
  | "otherNodes";

export interface ParameterForm {
  readonly type: "bool" | "text" | "words" | "number" | "memory" | "octal" | "percent";
  /** An older name of the same parameter. */
  readonly alias?: string;
  /** It is set at the start only. */
  readonly isFixed?: true;
  /** It is set at the start only, unless `enable-protected-configs` says otherwise. */
  readonly isProtected?: true;
  readonly words?: readonly string[];
  readonly least?: bigint;
  readonly most?: bigint;
  /** Bounds are compared, and told, as unsigned numbers of 64 bits. */
  readonly isUnsigned?: true;
  /** CONFIG GET shows it to who names it, not to a pattern. */
  readonly isHidden?: true;
  /** MONITOR and SLOWLOG do not show what it is set to. */
  readonly isSecret?: true;
  readonly acts?: true;
  readonly advice?: Advice;
  /** The value at the start, where it is not redis's default. */
  readonly ours?: string;
  /** For a value with a form of its own. */
  readonly parse?: (text: string, current: string) => ParsedValue;
  /** Why a value that has the right form is refused; null: it is not. `own` is the port by which the client has come. */
  readonly refuses?: (value: string, settings: ServerSettings, own: number) => string | null;
  /** What CONFIG GET tells of a value. */
  readonly shows?: (value: string) => string;
  readonly act?: (settings: ServerSettings, value: string) => void;
}
