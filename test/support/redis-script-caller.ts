/**
 * A caller of Redis commands that is no connection, as a script will be: requests go in as words, replies come out of a
 * `ByteWriter`. There is no session, and nothing can be answered later.
 */
import assert from "node:assert/strict";
import { ByteWriter } from "../../src/base/bytes.ts";
import type { Authorization } from "../../src/broker/access/permissions.ts";
import { AclCheck } from "../../src/protocols/redis/acl/check.ts";
import type { AclRefusal, Refusal } from "../../src/protocols/redis/acl/refusal.ts";
import type { Caller } from "../../src/protocols/redis/core/caller.ts";
import { CommandContext } from "../../src/protocols/redis/core/context.ts";
import { call } from "../../src/protocols/redis/core/dispatch.ts";
import type { RedisServer } from "../../src/protocols/redis/server.ts";
import { ReplyParser, type Reply } from "../../src/protocols/redis/wire/reply-parser.ts";
import { ReplyWriter } from "../../src/protocols/redis/wire/reply-writer.ts";
import { RequestParser } from "../../src/protocols/redis/wire/request-parser.ts";

export function requestBytes(words: readonly (string | Buffer)[]): Buffer {
  const writer = new ReplyWriter(new ByteWriter());
  writer.array(words.length);
  for (const word of words) writer.bulk(typeof word === "string" ? Buffer.from(word) : word);
  return writer.out.copy();
}

export class ScriptCaller implements Caller {
  readonly login: Authorization | null;
  selector: Authorization | null = null;
  readonly user: string;
  readonly host = "script";
  readonly address = "127.0.0.1:1";
  readonly name = "";
  readonly place = "lua";
  readonly later = null;
  readonly refusals: AclRefusal[] = [];
  publisherSeenCount = 0;
  writerSeenCount = 0;
  readonly context: CommandContext;
  readonly #out = new ByteWriter();
  readonly #parser = new RequestParser();
  readonly #acl: AclCheck;

  constructor(server: RedisServer, user = "default") {
    this.user = user;
    this.#acl = new AclCheck(server.commandRules);
    this.login = server.broker.access.permissions.of(user);
    const { request } = this.#parser;
    this.context = new CommandContext({ server, caller: this, client: null, out: this.#out, request });
  }

  get authorization(): Authorization | null {
    return this.selector ?? this.login;
  }

  /** The one reply to the command. */
  call(...words: string[]): Reply {
    this.#parser.feed(requestBytes(words));
    assert.ok(this.#parser.next());
    this.context.request = this.#parser.request;
    call(this.context);
    const parser = new ReplyParser();
    parser.feed(this.#out.copy());
    this.#out.reset();
    const replies = [...parser.all()];
    assert.equal(replies.length, 1, words.join(" "));
    return replies[0]!;
  }

  refusalOf(context: CommandContext): Refusal | null {
    return this.#acl.refusalOf(context, false);
  }

  noteRefusal(refusal: AclRefusal): void {
    this.refusals.push(refusal);
  }

  publisherSeen(): void {
    this.publisherSeenCount++;
  }

  writerSeen(): void {
    this.writerSeenCount++;
  }

  holdUntilDurable(): void {}
}
