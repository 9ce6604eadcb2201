/** What the rest of the program may use of the storage. */
export { LogGroup } from "./frame-store.ts";
export { checkDataDirectory } from "./check.ts";
export { repairDataDirectory } from "./repair.ts";
export { Log } from "./log.ts";
export { LogReader } from "./log-reader.ts";
export { OffsetSet } from "./offset-set.ts";
export type { StateSource } from "./state-source.ts";
export { type DurableState, StateHandle } from "./state.ts";
export { Storage } from "./storage.ts";
export { localDisk } from "./local/disk.ts";
export { assertOwnDirectory } from "./local/data-directory.ts";
export { type DirectoryLock, lockDirectory } from "./local/lock.ts";
export type { Disk } from "../base/disk.ts";
