/**
 * `troikamq import redis`: writes what an RDB file has to a running server, over its Redis port, and looks afterwards whether it is there.
 *
 * Where no key may be there before, all are asked for first, so that nothing is written if one is. Not here: options of the command
 * line. Invariants: what is taken is counted by replies of the server; the file is checked to its sum, whatever was taken by then.
 */
import type { Reply } from "../../../src/protocols/redis/wire/reply-parser.ts";
import type { RedisAddress } from "../address.ts";
import { RedisConnection } from "../connection.ts";
import type { Progress } from "../progress.ts";
import { TransferError } from "../transfer-error.ts";
import { DumpFile } from "./dump-file.ts";
import { type Visitor, walkFile, type WalkCounts, type WalkOptions } from "./file-walk.ts";
import { type Existing, type KeyFacts, KeyImport, nameOf } from "./key-import.ts";
import { takeLarge } from "./large-value.ts";
import { PresenceCheck } from "./presence-check.ts";

export interface ImportOptions {
  readonly path: string;
  readonly address: RedisAddress;
  readonly existing: Existing;
  readonly isDryRun: boolean;
  readonly takesLibraries: boolean;
  readonly walk: WalkOptions;
}

export interface ImportResult {
  readonly counts: WalkCounts;
  readonly taken: number;
  readonly skipped: number;
  /** Of functions. */
  readonly libraries: number;
  /** Keys that are not there in the end, and the name of one. */
  readonly missing: number;
  readonly firstMissing: string;
}

export async function importFile(options: ImportOptions, progress: Progress): Promise<ImportResult> {
  if (options.isDryRun) return await dryRun(options, progress);
  const file = await DumpFile.open(options.path, { isSummed: true });
  let connection: RedisConnection | null = null;
  try {
    connection = await RedisConnection.open(options.address);
    if (options.existing === "fail") await assertNoneThere(options, connection, progress);
    const run = new ImportRun(options, connection, progress);
    const counts = await run.all(file);
    const { missing, firstMissing } = await checkThere(options, connection, progress);
    return { counts, ...run.keys.counts, libraries: run.libraries, missing, firstMissing };
  } finally {
    connection?.close();
    await file.close();
  }
}

class ImportRun implements Visitor {
  readonly #options: ImportOptions;
  readonly #progress: Progress;
  readonly keys: KeyImport;
  libraries = 0;

  constructor(options: ImportOptions, connection: RedisConnection, progress: Progress) {
    this.#options = options;
    this.#progress = progress;
    this.keys = new KeyImport(connection, options.existing);
  }

  /** Whatever ends it says how many keys were taken. */
  async all(file: DumpFile): Promise<WalkCounts> {
    const { connection, counts } = this.keys;
    try {
      const walked = await walkFile(file, this.#options.walk, this);
      await connection.settled();
      return walked;
    } catch (error) {
      // What was sent is answered first, so that the count is right; the first error is the one that is told.
      await connection.answered();
      if (error instanceof TransferError) error.message += `; ${counts.taken} keys were taken before`;
      throw error;
    }
  }

  #select(database: number): void {
    this.keys.selectDatabase(this.#options.address.database ?? database);
  }

  key(file: DumpFile, buffer: Buffer, start: number, end: number): Promise<void> | undefined {
    const { keys } = this;
    this.#select(file.items.database);
    keys.restore(file.items, buffer, start, end);
    this.#progress.look("importing", file.position / file.size, keys.counts.taken);
    return keys.connection.isFull ? keys.connection.room() : undefined;
  }

  async largeKey(file: DumpFile, facts: KeyFacts): Promise<void> {
    const { keys } = this;
    this.#select(facts.database);
    let isThere = false;
    if (keys.existing !== "replace") {
      const reply = await keys.connection.call("EXISTS", facts.key);
      isThere = reply.type === "integer" && reply.value > 0n;
      if (isThere && keys.existing === "fail") throw keys.refusal(facts.key, "BUSYKEY");
    }
    if (isThere) keys.counts.skipped++;
    await takeLarge(file, facts, isThere ? null : keys);
    await keys.connection.settled();
  }

  async library(code: Buffer): Promise<void> {
    const { existing, connection } = this.keys;
    if (!this.#options.takesLibraries) return;
    const words = ["FUNCTION", "LOAD", ...(existing === "replace" ? ["REPLACE"] : []), code];
    let reply: Reply | undefined;
    connection.send(words, (got) => (reply = got));
    await connection.settled();
    const text = reply!.type === "error" ? reply!.text : "";
    if (text === "") this.libraries++;
    else if (!text.includes("already exists"))
      throw new TransferError("failed", `a library of functions was refused: ${text}`);
    else if (existing === "fail")
      throw new TransferError(
        "alreadyThere",
        `${text.replace(/^ERR /, "")}; give --replace or --skip-existing`,
      );
  }
}

/** Reads all of the file, and writes nothing. */
async function dryRun(
  { path, walk, takesLibraries }: ImportOptions,
  progress: Progress,
): Promise<ImportResult> {
  const file = await DumpFile.open(path, { isSummed: true });
  let taken = 0;
  let libraries = 0;
  try {
    const counts = await walkFile(file, walk, {
      key: () => {
        taken++;
        progress.look("reading", file.position / file.size, taken);
      },
      largeKey: async (_, facts) => {
        taken++;
        await takeLarge(file, facts, null);
      },
      library: () => {
        if (takesLibraries) libraries++;
      },
    });
    return { counts, taken, skipped: 0, libraries, missing: 0, firstMissing: "" };
  } finally {
    await file.close();
  }
}

/** Goes through the keys and asks for each; what the walk leaves out is not asked for. */
async function ask(
  { path, walk, address }: ImportOptions,
  check: PresenceCheck,
  look: (share: number) => void,
): Promise<void> {
  const file = await DumpFile.open(path, { isSummed: false });
  try {
    await walkFile(file, walk, {
      key: () => {
        const { items } = file;
        look(file.position / file.size);
        return check.add(
          address.database ?? items.database,
          Buffer.from(items.bytes.subarray(items.start, items.end)),
          items.expiry,
        );
      },
      largeKey: async (_, facts) => {
        await check.add(address.database ?? facts.database, facts.key, facts.expiry);
        await takeLarge(file, facts, null);
      },
    });
    await check.end();
  } finally {
    await file.close();
  }
}

async function assertNoneThere(
  options: ImportOptions,
  connection: RedisConnection,
  progress: Progress,
): Promise<void> {
  const info = await connection.call("INFO", "keyspace");
  if (info.type === "bulk" && !info.bytes.includes("keys=")) return;
  const check = new PresenceCheck(connection, "there");
  await ask(options, check, (share) => progress.look("looking", share, check.asked));
  if (check.found > 0)
    throw new TransferError(
      "alreadyThere",
      `${check.found} keys are there already, ${nameOf(check.first!)} is one; give --replace or --skip-existing; nothing was written`,
    );
}

async function checkThere(
  options: ImportOptions,
  connection: RedisConnection,
  progress: Progress,
): Promise<{ missing: number; firstMissing: string }> {
  const check = new PresenceCheck(connection, "missing", options.walk.now);
  await ask(options, check, (share) => progress.look("verifying", share, check.asked));
  return { missing: check.found, firstMissing: check.first === null ? "" : nameOf(check.first) };
}
