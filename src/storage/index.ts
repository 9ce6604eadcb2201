/** The door of storage for the broker: everything outside storage imports from here or from logs.ts. */
export { LogGroup } from "./journal/frame-store.ts";
export { checkDataDirectory } from "./repair/check.ts";
export { repairDataDirectory } from "./repair/repair.ts";
export { Log } from "./log/log.ts";
export { LogReader } from "./log/log-reader.ts";
export { OffsetSet } from "./log/offset-set.ts";
export { type StateSource, stateSourceId } from "./state/state-source.ts";
export { type DurableState, StateHandle } from "./state/state.ts";
export { Storage } from "./storage.ts";
export { localDisk } from "./local/disk.ts";
export { assertOwnDirectory } from "./local/data-directory.ts";
export { type DirectoryLock, lockDirectory } from "./local/lock.ts";
export type { Disk } from "../base/disk.ts";
