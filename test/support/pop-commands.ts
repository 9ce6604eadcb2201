/**
 * Redis commands that only tests have, to show that waiting for keys is general while streams are the only type that blocks: a string is
 * taken for a list of its characters, which APPEND, SET and so on push.
 *
 *     TPOP key      BTPOP key [key ...] timeout-ms      the first character, as [key, character]
 *     BTMOVE source target timeout-ms                   moves the first character behind those of the target
 *     TSCRIPT command [command ...]                     calls each (words between blanks), as a script would
 */
import { Rig, Peer } from "../../fuzz/rig.ts";
import type { Database } from "../../src/keyspace/database.ts";
import { valueType } from "../../src/keyspace/value-type.ts";
import { NetConnection } from "../../src/net/connection.ts";
import { commandFamilies } from "../../src/protocols/redis/command-table.ts";
import {
  type CommandRow,
  inGroup,
  type KeyFlag,
  keyRange,
  oneKey,
} from "../../src/protocols/redis/core/command-spec.ts";
import { CommandTable } from "../../src/protocols/redis/core/command-table.ts";
import type { CommandContext } from "../../src/protocols/redis/core/context.ts";
import { errorTexts, RedisError } from "../../src/protocols/redis/core/errors.ts";
import {
  findEntry,
  findString,
  putValue,
  writableKeysOf,
} from "../../src/protocols/redis/keys/key-access.ts";
import { RedisServer } from "../../src/protocols/redis/server.ts";
import { RedisSession } from "../../src/protocols/redis/session.ts";
import { ScriptCaller } from "./redis-script-caller.ts";

const popFlags: KeyFlag[] = ["RW", "access", "delete"];
const common = { since: "1.0.0", summary: "Only tests have it." };

const rows: readonly CommandRow[] = [
  { ...common, name: "tpop", arity: 2, flags: ["write"], keys: [oneKey(1, ...popFlags)], run: tpop },
  {
    ...common,
    name: "btpop",
    arity: -3,
    flags: ["write", "noscript", "blocking"],
    keys: [keyRange(1, -2, 1, ...popFlags)],
    run: btpop,
  },
  {
    ...common,
    name: "btmove",
    arity: 4,
    flags: ["write", "denyoom", "blocking"],
    keys: [oneKey(1, ...popFlags), oneKey(2, "RW", "insert")],
    run: btmove,
  },
  { ...common, name: "tscript", arity: -2, flags: ["noscript"], run: tscript },
];

/** Takes the first character of the string that `entry` is. */
function takeFirst(database: Database, entry: number): Buffer {
  const { table } = database;
  table.locate(entry);
  const bytes = Buffer.from(table.bytes.subarray(table.start, table.end));
  if (bytes.length === 1) database.remove(entry);
  else database.replace(entry, bytes, 1, bytes.length);
  return bytes.subarray(0, 1);
}

/** The first character of the string in argument `index`; null where there is none, or something else. */
function firstOf(context: CommandContext, index: number): Buffer | null {
  const database = writableKeysOf(context);
  const entry = findEntry(context, database, index);
  return entry === 0 || database.table.type(entry) !== valueType.string ? null : takeFirst(database, entry);
}

function replyPopped({ reply, request }: CommandContext, index: number, character: Buffer): void {
  reply.array(2);
  reply.bulk(request.view(index));
  reply.bulk(character);
}

/** The same as `firstOf`, with an answer if there is one. */
function pops(context: CommandContext, index: number): boolean {
  const character = firstOf(context, index);
  if (character !== null) replyPopped(context, index, character);
  return character !== null;
}

function assertNoOther(context: CommandContext, index: number): void {
  findString(context, writableKeysOf(context), index);
}

function tpop(context: CommandContext): void {
  assertNoOther(context, 1);
  if (!pops(context, 1)) context.reply.nullArray();
}

function timeoutOf({ request }: CommandContext): number {
  const timeout = request.integer(request.argumentCount - 1);
  if (Number.isNaN(timeout) || timeout < 0) throw new RedisError(errorTexts.notInteger);
  return timeout;
}

function btpop(context: CommandContext): void {
  const { request, server } = context;
  const timeoutMs = timeoutOf(context);
  const keys: string[] = [];
  for (let index = 1; index < request.argumentCount - 1; index++) {
    assertNoOther(context, index);
    if (pops(context, index)) return;
    keys.push(request.latin1(index));
  }
  server.blocking.block(context, {
    type: "string",
    keys,
    timeoutMs,
    share: "",
    attempt: (again, key) => pops(again, 1 + keys.indexOf(key)),
  });
}

function moves(context: CommandContext): boolean {
  const { reply } = context;
  const database = writableKeysOf(context);
  const source = findEntry(context, database, 1);
  if (source === 0 || database.table.type(source) !== valueType.string) return false;
  // Throws WRONGTYPE, before anything is taken.
  findString(context, database, 2);
  const character = takeFirst(database, source);
  const target = findString(context, database, 2);
  const { table } = database;
  const before = target === 0 ? Buffer.alloc(0) : Buffer.from(table.bytes.subarray(table.start, table.end));
  const both = Buffer.concat([before, character]);
  putValue(context, database, 2, both, 0, both.length, 0);
  reply.bulk(character);
  return true;
}

function btmove(context: CommandContext): void {
  const timeoutMs = timeoutOf(context);
  assertNoOther(context, 1);
  if (moves(context)) return;
  const keys = [context.request.latin1(1)];
  context.server.blocking.block(context, { type: "string", keys, timeoutMs, share: "", attempt: moves });
}

function tscript({ request, reply, server, database }: CommandContext): void {
  const script = new ScriptCaller(server);
  script.context.database = database;
  for (let index = 1; index < request.argumentCount; index++) script.call(...request.utf8(index).split(" "));
  reply.ok();
}

/** A broker whose Redis clients have these commands too. */
export class PopRig {
  readonly rig: Rig;
  readonly server: RedisServer;

  private constructor(rig: Rig, server: RedisServer) {
    this.rig = rig;
    this.server = server;
  }

  static async open(): Promise<PopRig> {
    const rig = await Rig.open();
    const { keyspace } = (rig.connect("redis").connection.session as RedisSession).server;
    const table = new CommandTable([...commandFamilies, inGroup("list", ["list"], rows)]);
    return new PopRig(rig, new RedisServer(rig.broker, keyspace, table));
  }

  connect(): Peer {
    const { rig, server } = this;
    const peer = new Peer();
    const gone = (): void => void (peer.isClosed = true);
    peer.connection = new NetConnection(1000, peer, rig.broker.ticker, rig.time.now(), gone);
    peer.connection.session = new RedisSession(peer.connection, server);
    return peer;
  }
}
