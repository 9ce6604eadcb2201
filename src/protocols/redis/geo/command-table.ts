/** The geo commands in their order. core/command-spec.ts explains the fields. */
import { inGroup, type CommandRows } from "../core/command-spec.ts";
import { geoaddCommand } from "./geoadd.ts";
import { geodistCommand, geohashCommand, geoposCommand } from "./geopos.ts";
import { georadiusCommands, geosearchCommands } from "./geosearch.ts";

export const geoCommands: CommandRows = inGroup(
  "geo",
  ["geo"],
  [geoaddCommand, geodistCommand, geohashCommand, geoposCommand, ...georadiusCommands, ...geosearchCommands],
);
