/** The flags of `import` and `export`, for them and for the help. */
import type { Flags } from "./flags.ts";

const url = {
  value: "URL",
  help: "redis://[USER:PASSWORD@]HOST[:PORT][/DATABASE], rediss:// for TLS [TROIKAMQ_REDIS_URL, redis://127.0.0.1:6379]",
} as const;

export const importFlags = {
  "--url": url,
  "--database": { value: "N", help: "only the keys of this database of the file" },
  "--match": { value: "PATTERN", help: "only keys that match, as in SCAN" },
  "--replace": { help: "keys that are there already are replaced; without it they end the import" },
  "--skip-existing": { help: "keys that are there already stay as they are" },
  "--dry-run": { help: "read and check all of the file, write nothing" },
} as const satisfies Flags;

export const exportFlags = {
  "--url": url,
  "--database": { value: "N", help: "only this database" },
  "--match": { value: "PATTERN", help: "only keys that match, as in SCAN" },
  "--replace": { help: "the file may be there already" },
} as const satisfies Flags;
