/** The handlers of string keys and of keys in general, by the command's full name. */
import type { CommandHandler } from "./context.ts";

export const keyHandlers: Record<string, CommandHandler> = {};
