/** Names that Redis clients and the rest of the broker know this protocol by. */
import { defaultVhostName } from "../../../broker/names.ts";

/** What clients are told: the version whose commands and replies ours are. */
export const redisVersion = "7.4.0";

/** The virtual host that has the streams of a database. No client of another protocol can name those above 0. */
export function databaseVhostName(database: number): string {
  return database === 0 ? defaultVhostName : `\0redis/${database}`;
}
