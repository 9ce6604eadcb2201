/**
 * XADD commands ready to be sent: blocks made once, of which only sequence number and time change. Bodies are those of
 * amqp/publish-blocks.ts. Replies are only looked at for an error, which throws: what matters is what arrives.
 *
 * Invariant: a block is written to again only once the socket has given it back.
 */
import { connect, type Socket } from "node:net";
import { dueAt } from "../amqp/publish-blocks.ts";
import { encodeCommand } from "../redis/commands.ts";
import { ReplyCounter } from "../redis/replies.ts";
import type { BlockWriter } from "./crossing.ts";

const blocksMax = 16;
const blockBytesWanted = 32 << 10;

export class EntryBlocks implements BlockWriter {
  sent = 0;
  onFree: () => void = () => {};
  readonly messagesPerBlock: number;
  readonly #socket: Socket;
  readonly #free: Buffer[] = [];
  readonly #replies = new ReplyCounter();
  readonly #commandBytes: number;
  readonly #bodyAt: number;

  private constructor(socket: Socket, key: string, bodyBytes: number) {
    this.#socket = socket;
    const command = Buffer.from(encodeCommand("XADD", key, "*", "body", "x".repeat(bodyBytes)));
    this.#commandBytes = command.length;
    this.#bodyAt = command.length - 2 - bodyBytes;
    this.messagesPerBlock = Math.floor(blockBytesWanted / command.length);
    for (let i = 0; i < blocksMax; i++)
      this.#free.push(Buffer.alloc(command.length * this.messagesPerBlock, command));
    socket.on("data", (chunk: Buffer) => this.#replies.feed(chunk));
  }

  static async open(port: number, key: string, bodyBytes: number): Promise<EntryBlocks> {
    const socket = connect(port, "127.0.0.1");
    socket.setNoDelay(true);
    await new Promise<void>((resolve, reject) => socket.once("connect", resolve).once("error", reject));
    return new EntryBlocks(socket, key, bodyBytes);
  }

  get hasFree(): boolean {
    return this.#free.length > 0;
  }

  send(count: number, dueMs: number, stepMs: number): void {
    const block = this.#free.pop()!;
    const messages = Math.min(count, this.messagesPerBlock);
    let at = 0;
    for (let i = 0; i < messages; i++, at += this.#commandBytes) {
      block.writeUInt32BE(this.sent + i, at + this.#bodyAt);
      block.writeDoubleBE(dueMs + i * stepMs, at + this.#bodyAt + dueAt);
    }
    this.sent += messages;
    this.#socket.write(block.subarray(0, at), () => {
      this.#free.push(block);
      this.onFree();
    });
  }

  close(): void {
    this.#socket.destroy();
  }
}
