/** What protocols may have of the storage: logs to read, and the reader that walks them. */
export { type Log, LogReader } from "../storage/index.ts";
