/** The door of storage for protocols: logs, and the reader that walks them. The broker has the wider door, index.ts. */
export type { Log } from "./log/log.ts";
export { LogReader } from "./log/log-reader.ts";
