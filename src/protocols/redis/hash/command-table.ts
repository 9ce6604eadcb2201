/** The hash commands in their order. core/command-spec.ts explains the fields. */
import { inGroup, type CommandRows } from "../core/command-spec.ts";
import { hexpireCommands } from "./expiry/hexpire.ts";
import { hgetdelCommand } from "./expiry/hgetdel.ts";
import { hgetexCommand } from "./expiry/hgetex.ts";
import { hpersistCommand } from "./expiry/hpersist.ts";
import { hsetexCommand } from "./expiry/hsetex.ts";
import { httlCommands } from "./expiry/httl.ts";
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
    ...hexpireCommands,
    hgetCommand,
    ...hgetallCommands,
    hgetdelCommand,
    hgetexCommand,
    hincrbyCommand,
    hincrbyfloatCommand,
    hlenCommand,
    hmgetCommand,
    hpersistCommand,
    hrandfieldCommand,
    hscanCommand,
    ...hsetCommands,
    hsetexCommand,
    hsetnxCommand,
    hstrlenCommand,
    ...httlCommands,
  ],
);
