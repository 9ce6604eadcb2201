/** The bitmap commands in their order. core/command-spec.ts explains the fields. */
import { inGroup, type CommandRows } from "../core/command-spec.ts";
import { bitcountCommand } from "./bitcount.ts";
import { bitfieldCommands } from "./bitfield.ts";
import { bitopCommand } from "./bitop.ts";
import { bitposCommand } from "./bitpos.ts";
import { getbitCommand } from "./getbit.ts";
import { setbitCommand } from "./setbit.ts";

export const bitmapCommands: CommandRows = inGroup(
  "bitmap",
  ["bitmap"],
  [bitcountCommand, ...bitfieldCommands, bitopCommand, bitposCommand, getbitCommand, setbitCommand],
);
