/** The hash commands in their order. core/command-spec.ts explains the fields. */
import { inGroup, type CommandRows } from "../core/command-spec.ts";
import { hdelCommand } from "./hdel.ts";
import { hexistsCommand } from "./hexists.ts";
import { hgetCommand } from "./hget.ts";
import { hgetallCommands } from "./hgetall.ts";
import { hincrbyCommand } from "./hincrby.ts";
import { hincrbyfloatCommand } from "./hincrbyfloat.ts";
import { hlenCommand } from "./hlen.ts";
import { hmgetCommand } from "./hmget.ts";
import { hrandfieldCommand } from "./hrandfield.ts";
import { hscanCommand } from "./hscan.ts";
import { hsetCommands } from "./hset.ts";
import { hsetnxCommand } from "./hsetnx.ts";
import { hstrlenCommand } from "./hstrlen.ts";

export const hashCommands: CommandRows = inGroup(
  "hash",
  ["hash"],
  [
    hdelCommand,
    hexistsCommand,
    hgetCommand,
    ...hgetallCommands,
    hincrbyCommand,
    hincrbyfloatCommand,
    hlenCommand,
    hmgetCommand,
    hrandfieldCommand,
    hscanCommand,
    ...hsetCommands,
    hsetnxCommand,
    hstrlenCommand,
  ],
);
