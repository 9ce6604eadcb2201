/**
 * The key under which a large value is made before it gets its own: nobody sees half of it, and what was there stays until then.
 *
 * Invariant: it expires a day after the last piece was begun, until it is renamed.
 */
import type { ByteWriter } from "../../../src/base/bytes.ts";
import type { Reply } from "../../../src/protocols/redis/wire/reply-parser.ts";
import type { Word } from "../connection.ts";
import { TransferError } from "../transfer-error.ts";
import { type KeyFacts, type KeyImport, nameOf } from "./key-import.ts";

const expirySeconds = 24 * 60 * 60;

export class TemporaryKey {
  readonly into: KeyImport;
  readonly #facts: KeyFacts;
  readonly name: Buffer;
  #hasExpiry = false;

  constructor(into: KeyImport, facts: KeyFacts) {
    this.into = into;
    this.#facts = facts;
    this.name = Buffer.from(`troikamq-import:${process.pid}:${into.nextNumber()}`);
  }

  /** Sends a command to the key; `rest` are words after it. */
  command(name: string, ...rest: readonly Word[]): void {
    this.into.connection.send([name, this.name, ...rest], this.#done);
  }

  /** XGROUP, the name of which has two words. */
  group(subcommand: string, ...rest: readonly Word[]): void {
    this.into.connection.send(["XGROUP", subcommand, this.name, ...rest], this.#done);
  }

  /** Sends a command of words that are written already, `count` of them. */
  add(name: string, count: number, words: ByteWriter): void {
    const { connection } = this.into;
    connection.begin(2 + count);
    connection.text(name);
    connection.word(this.name);
    connection.raw(words.buffer, 0, words.length);
    connection.sent(this.#done, null);
    this.expire();
  }

  /** Sends an entry of a stream as it is stored, which is the array of its words. */
  addEntry(id: string, { buffer, length }: ByteWriter): void {
    const { connection } = this.into;
    const headEnd = buffer.indexOf("\r\n");
    connection.begin(3 + Number(buffer.latin1Slice(1, headEnd)));
    connection.text("XADD");
    connection.word(this.name);
    connection.text(id);
    connection.raw(buffer, headEnd + 2, length);
    connection.sent(this.#done, null);
    this.expire();
  }

  /** Once there is such a key. */
  expire(): void {
    if (this.#hasExpiry) return;
    this.#hasExpiry = true;
    this.command("EXPIRE", expirySeconds);
  }

  readonly #done = (reply: Reply): void => {
    if (reply.type === "error") throw this.into.refusal(this.#facts.key, reply.text);
  };

  /** Gives the value its key, once all of it is there. */
  async rename(sizeCommand: string, elements: number): Promise<void> {
    const { into } = this;
    const { connection, existing } = into;
    const { key, expiry } = this.#facts;
    if (sizeCommand !== "") {
      const size = await connection.call(sizeCommand, this.name);
      if (size.type !== "integer" || Number(size.value) !== elements)
        throw new TransferError(
          "failed",
          `the key ${nameOf(key)} has ${elements} elements, and other ones in the server`,
        );
    }
    if (expiry >= 0) await connection.call("PEXPIREAT", this.name, expiry);
    else await connection.call("PERSIST", this.name);
    const command = existing === "replace" ? "RENAME" : "RENAMENX";
    const reply = await connection.call(command, this.name, key);
    if (reply.type === "simple" || (reply.type === "integer" && reply.value === 1n)) {
      into.counts.taken++;
      return;
    }
    await connection.call("DEL", this.name);
    if (existing === "fail") throw into.refusal(key, "BUSYKEY");
    into.counts.skipped++;
  }
}
