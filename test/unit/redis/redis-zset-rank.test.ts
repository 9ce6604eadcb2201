/** ZRANK and ZREVRANK with WITHSCORE, which redis 7.0 does not have yet: as the documentation of 7.2 says. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Rig } from "../../../fuzz/rig.ts";

test("ZRANK and ZREVRANK with WITHSCORE: rank and score, or a null array", async () => {
  const rig = await Rig.open();
  const peer = rig.connect("redis");
  const ask = (line: string): string => {
    peer.take();
    peer.send(Buffer.from(`${line}\r\n`));
    rig.settle();
    return peer.take().toString();
  };
  assert.equal(ask("ZADD z 1 a 2.5 b"), ":2\r\n");
  assert.equal(ask("ZRANK z b WITHSCORE"), "*2\r\n:1\r\n$3\r\n2.5\r\n");
  assert.equal(ask("ZREVRANK z b withscore"), "*2\r\n:0\r\n$3\r\n2.5\r\n");
  assert.equal(ask("ZRANK z no WITHSCORE"), "*-1\r\n");
  assert.equal(ask("ZRANK z no"), "$-1\r\n");
  assert.equal(ask("ZRANK z a WITHSCORES"), "-ERR syntax error\r\n");
  assert.equal(ask("ZRANK z a WITHSCORE x"), "-ERR wrong number of arguments for 'zrank' command\r\n");
  ask("HELLO 3");
  assert.equal(ask("ZRANK z b WITHSCORE"), "*2\r\n:1\r\n,2.5\r\n");
  assert.equal(ask("ZREVRANK z no WITHSCORE"), "_\r\n");
});
