/** What a Redis client may say: lines for every command of the table, and what belongs together. */
import { commandTable } from "../../src/protocols/redis/command-table.ts";
import { command } from "../formats/resp.ts";

/** Lines that do something, by what they need before them. */
const lines = [
  "SET k 1 | INCR k | INCRBY k 5 | DECRBY k 2 | INCRBYFLOAT k 1.5 | APPEND k x | STRLEN k | GETRANGE k 0 -1 | SETRANGE k 3 yy",
  "SET k v EX 100 NX GET | SETEX k 10 v | PSETEX k 1000 v | GETEX k PX 5 | GETDEL k | SETNX k v | GETSET k w | SET k v KEEPTTL",
  "MSET k 1 l 2 | MGET k l m | MSETNX a 1 b 2 | EXISTS k l | DEL k | UNLINK l | TYPE k | TOUCH k | RENAME a b | RENAMENX b a",
  "SET k v | EXPIRE k 100 NX | PEXPIRE k 1000 GT | EXPIREAT k 1900000000 | PEXPIREAT k 1900000000000 | TTL k | PTTL k | PERSIST k",
  "EXPIRETIME k | PEXPIRETIME k | COPY k c REPLACE | COPY k d DB 2 | MOVE k 3 | SELECT 2 | DBSIZE | RANDOMKEY | SELECT 0",
  "KEYS * | KEYS [a-c]?* | SCAN 0 MATCH * COUNT 10 TYPE string | OBJECT ENCODING k | OBJECT REFCOUNT k | OBJECT IDLETIME k | OBJECT FREQ k",
  "XADD s * f v | XADD s 5-* f v | XADD s MAXLEN ~ 10 LIMIT 5 * f v g w | XADD s NOMKSTREAM MINID = 1 * f v | XLEN s | XRANGE s - + COUNT 2",
  "XADD s 1-1 f v | XREVRANGE s + - | XRANGE s (1-1 5 | XREAD COUNT 2 STREAMS s 0 | XREAD BLOCK 5 STREAMS s $ | PING | XDEL s 1-1 | XTRIM s MAXLEN 1",
  "XGROUP CREATE s g 0 MKSTREAM | XADD s * f v | XREADGROUP GROUP g c COUNT 5 STREAMS s > | XPENDING s g | XPENDING s g IDLE 0 - + 5 c | XACK s g 1-1",
  "XGROUP CREATE s g $ MKSTREAM ENTRIESREAD 0 | XADD s 7-7 f v | XREADGROUP GROUP g c NOACK STREAMS s > | XCLAIM s g d 0 7-7 JUSTID FORCE",
  "XADD s 8-8 f v | XREADGROUP GROUP g c STREAMS s > | XAUTOCLAIM s g d 0 0 COUNT 5 JUSTID | XCLAIM s g d 0 8-8 IDLE 5 RETRYCOUNT 3 LASTID 9-9",
  "XGROUP CREATECONSUMER s g c | XGROUP DELCONSUMER s g c | XGROUP SETID s g 0 ENTRIESREAD 1 | XGROUP DESTROY s g | XSETID s 9-9 ENTRIESADDED 5 MAXDELETEDID 1-1",
  "XINFO STREAM s FULL COUNT 2 | XINFO STREAM s | XINFO GROUPS s | XINFO CONSUMERS s g | XINFO HELP | XGROUP HELP",
  "SUBSCRIBE ch.1 ch.2 | PSUBSCRIBE ch.* [ab]? | PUBLISH ch.1 hello | PING x | UNSUBSCRIBE ch.1 | PUNSUBSCRIBE | UNSUBSCRIBE | RESET",
  "HELLO 3 SETNAME me | SUBSCRIBE ch.1 | PUBLISH ch.1 x | GET k | SSUBSCRIBE sh | SPUBLISH sh x | SUNSUBSCRIBE | PUBSUB CHANNELS * | PUBSUB NUMSUB ch.1 | PUBSUB NUMPAT",
  "MULTI | SET k v | INCR k | GET k | EXEC | WATCH k | MULTI | SET k 2 | DISCARD | UNWATCH | MULTI | NOSUCH | EXEC",
  "HELLO 2 | HELLO 3 AUTH default x | AUTH x | CLIENT ID | CLIENT GETNAME | CLIENT SETNAME me | CLIENT LIST | CLIENT INFO | CLIENT NO-EVICT ON",
  "CLIENT REPLY SKIP | PING | CLIENT REPLY OFF | PING | CLIENT REPLY ON | ECHO x | CLIENT SETINFO LIB-NAME x | CLIENT TRACKINGINFO | CLIENT UNBLOCK 3",
  // Not SETUSER: whoever takes everything from everybody has an effect on other connections, rightly.
  "ACL WHOAMI | ACL LIST | ACL GETUSER guest | ACL CAT stream | ACL DRYRUN guest SET a b GET | ACL GENPASS 5 | ACL LOG RESET",
  "COMMAND COUNT | COMMAND INFO get set | COMMAND GETKEYS XREAD STREAMS s t 0 0 | COMMAND LIST FILTERBY PATTERN x* | COMMAND DOCS get",
  "CONFIG GET max* | CONFIG SET maxmemory 0 | CONFIG RESETSTAT | INFO | INFO server clients | ROLE | TIME | ECHO hi | LOLWUT | QUIT",
  "XADD mix * body b key k amqp.priority 5 | XADD mix * a 1 x-tombstone true | XADD x * routing_key r body b | PUBLISH a.b hello | XADD q * body b",
  "XADD mix * amqp.timestamp 5 amqp.delivery_mode 2 amqp.expiration 9 header.x y | XRANGE mix - + | XRANGE q - + COUNT 3 | XREAD COUNT 3 STREAMS mix q 0 0",
  "XADD s 1-0 f v | XADD s 2-0 f v | XADD s 3-0 f v | XTRIM s MINID = 2 | XTRIM s MAXLEN ~ 1 LIMIT 3 | XTRIM s MINID ~ 3-0 | XADD s MINID 9-9 * f v | XADD s MAXLEN = 0 * f v",
  "XADD s 9007199254740993-18446744073709551615 f v | XADD s * f v | XADD s 18446744073709551615-18446744073709551614 f v | XADD s * f v | XADD s * f v",
  "XGROUP CREATE s g 9223372036854775808-1 | XREADGROUP GROUP g c STREAMS s > | XSETID s 18446744073709551615-18446744073709551615 | XRANGE s (9007199254740993-7 +",
  "XREAD BLOCK 0 STREAMS s t $ $ | XADD s * f v | XREADGROUP GROUP g c BLOCK 1 STREAMS s > | XREADGROUP GROUP g c STREAMS s 0 | XADD s * f v",
  "FLUSHDB ASYNC | FLUSHALL SYNC | SWAPDB 0 1 | CLIENT KILL ID 99 | CLIENT KILL TYPE pubsub SKIPME yes | CLIENT PAUSE 0 | DBSIZE",
];

/** Each command with as few arguments as it takes. */
function plainLines(): Buffer {
  const names = commandTable.all.map((spec) => {
    const words = spec.fullName.split("|");
    while (words.length < Math.abs(spec.arity)) words.push(words.length % 2 === 1 ? "k" : "1");
    return command(...words);
  });
  return Buffer.concat(names);
}

export function redisConversations(): Buffer[] {
  const conversations: Buffer[] = lines.map((line) =>
    Buffer.concat(line.split(" | ").map((each) => command(...each.split(" ")))),
  );
  const plain = plainLines();
  for (let at = 0; at < plain.length;) {
    // Twelve commands or so in each, so that an input is quick.
    let end = Math.min(plain.length, at + 400);
    while (end < plain.length && !(plain[end] === 0x2a && plain[end - 1] === 0x0a)) end++;
    conversations.push(plain.subarray(at, end));
    at = end;
  }
  conversations.push(
    Buffer.from('PING\r\nSET k "a\\x00b"\r\nGET k\n'),
    command("SET", "big", "x".repeat(20_000)),
  );
  return conversations;
}
