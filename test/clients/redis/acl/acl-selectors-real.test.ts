/**
 * ACL selectors and key permissions in the real redis-server and in ours, replies compared byte by byte in RESP2 and RESP3. That a
 * selector gives no right to other protocols is in security-matrix.test.ts. Skipped, and said so, where there is no redis-server 7.0.
 */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { BesideRedis } from "../../../support/beside-redis.ts";
import { RawRedis, type Word } from "../../../support/raw-redis.ts";
import { noRealRedis } from "../../../support/real-redis.ts";

const options = { skip: noRealRedis };
let beside: BesideRedis;

before(async () => {
  if (noRealRedis === false) beside = await BesideRedis.start([]);
});

after(async () => {
  if (noRealRedis === false) await beside.stop();
});

test("selectors as ACL SETUSER takes and ACL GETUSER shows them", options, async () => {
  await beside.sameAll(`
    acl setuser u1 on +get ~a* (+set ~b*) (+@read %R~c* &ch*)
    acl getuser u1
    acl setuser u1 (+bad ~x)
    acl setuser u1 (+get
    acl setuser u1 (+get ~x
    acl setuser u1 +get (+set (bla
    acl setuser u1 (+get ~x) (+set ~y)
    acl setuser u1 ( +get   ~z )
    acl setuser u1 ()
    acl getuser u1
    acl setuser u1 (on)
    acl setuser u1 (>pw)
    acl setuser u1 (nopass)
    acl setuser u1 (clearselectors)
    acl setuser u1 (reset)
    acl setuser u1 ((+get))
    acl setuser u1 (+get)x
    acl setuser u1 (+get))
    acl setuser u1 (bla)
    acl setuser u1 (@all)
    acl setuser u1 (~a b)
    acl setuser u1 (~* ~x)
    acl setuser u1 (%~q)
    acl getuser u1
    acl setuser u1 clearselectors
    acl getuser u1
    acl setuser u1 (%R~x %W~x %RW~y %R~z) (allkeys) (allcommands) (nocommands) (allchannels) (resetchannels) (resetkeys)
    acl getuser u1
    acl setuser u1 resetkeys %R~a %W~a ~b %RW~c %WR~d %R~*
    acl setuser u1 %RWR~e
    acl setuser u1 %R
    acl setuser u1 %Q~y
    acl setuser u1 %~y
    acl getuser u1
    acl deluser u1
  `);
});

test("ACL LIST shows selectors", options, async () => {
  const lines = await Promise.all(
    beside.ports.map(async (port) => {
      const client = await RawRedis.open(port);
      await client.call(
        "acl",
        "setuser",
        "u2",
        "~a*",
        "+get",
        "(+set ~b*)",
        "(+@read %R~c* &ch*)",
        "(~* &* +@all)",
      );
      const reply = await client.call("acl", "list");
      await client.call("acl", "deluser", "u2");
      await client.close();
      return reply.split("\r\n").filter((line) => line.startsWith("user u2 "));
    }),
  );
  assert.deepEqual(lines[0], lines[1]);
});

test("a command is allowed by one selector as a whole", options, async () => {
  await beside.sameAll(`
    acl setuser u1 on +get ~a* (+set ~b*) (+@read %R~c* &ch*)
    acl dryrun u1 get a1
    acl dryrun u1 get b1
    acl dryrun u1 set b1 x
    acl dryrun u1 set a1 x
    acl dryrun u1 get c1
    acl dryrun u1 set c1 x
    acl dryrun u1 del c1
    acl dryrun u1 mget a1 c1
    acl dryrun u1 mget c1 c2
    acl dryrun u1 mget c1 a1
    acl dryrun u1 publish ch1 x
    acl dryrun u1 nosuch
    acl dryrun u1 get
    acl dryrun nouser get a
    acl setuser u3 (+@all -@dangerous ~* &*)
    acl dryrun u3 flushall
    acl dryrun u3 get x
    acl dryrun u3 subscribe x
    acl dryrun u3 copy a b
    acl setuser u5 (+subscribe &a*) (+subscribe &b*) +psubscribe
    acl dryrun u5 subscribe a1 a2
    acl dryrun u5 subscribe a1 b1
    acl dryrun u5 subscribe b1 a1
    acl dryrun u5 psubscribe a*
    acl deluser u1 u3 u5
  `);
});

test("%R~ and %W~", options, async () => {
  await beside.sameAll(`
    acl setuser u4 +@all %R~a* %W~b*
    acl dryrun u4 copy a1 b1
    acl dryrun u4 copy b1 a1
    acl dryrun u4 set b1 x
    acl dryrun u4 set b1 x get
    acl dryrun u4 getset b1 x
    acl dryrun u4 incr b1
    acl dryrun u4 exists b1
    acl dryrun u4 exists c1
    acl dryrun u4 strlen b1
    acl dryrun u4 append b1 x
    acl dryrun u4 del b1
    acl dryrun u4 del a1
    acl dryrun u4 type a1
    acl dryrun u4 expire b1 1
    acl dryrun u4 getdel b1
    acl dryrun u4 bitfield a1 get u8 0
    acl dryrun u4 bitfield b1 set u8 0 1
    acl dryrun u4 sort a1 store b1
    acl dryrun u4 lmove a1 b1 left left
    acl dryrun u4 xreadgroup group g c streams a1 0
    acl dryrun u4 eval x 1 a1
    acl dryrun u4 eval_ro x 1 a1
    acl deluser u4
  `);
});

test("other ACL commands with wrong arguments", options, async () => {
  await beside.sameAll(`
    acl genpass 0
    acl genpass 4097
    acl genpass x
    acl genpass 5 5
    acl cat nosuch
    acl cat a b
    acl whoami
    acl whoami x
  `);
  // Here nothing is to be saved, and no CONFIG REWRITE would do it: the advice differs.
  const first = "-ERR This Redis instance is not configured to use an ACL file. ";
  for (const line of ["save", "load"])
    for (const port of beside.ports) {
      const client = await RawRedis.open(port);
      assert.equal((await client.call("acl", line)).slice(0, first.length), first);
      await client.close();
    }
});

/** What a connection of the user says to each, on both servers. */
async function bothSay(lines: readonly (readonly Word[])[]): Promise<void> {
  const [ours, theirs] = await Promise.all(
    beside.ports.map(async (port) => {
      const client = await RawRedis.open(port);
      const replies: string[] = [];
      for (const words of lines) replies.push(`${words.join(" ")} -> ${await client.call(...words)}`);
      await client.close();
      return replies;
    }),
  );
  assert.deepEqual(ours, theirs);
}

const words = (lines: string): string[][] =>
  lines
    .split("\n")
    .map((line) => line.trim().split(" "))
    .filter(([first]) => first !== "");

test("commands by the selectors of the connection's user, in MULTI and scripts too", options, async () => {
  await bothSay([
    ...words(`
      acl setuser lu on >p +get +ping +multi +exec +discard ~a* (+set ~b*) (+mget ~c*) (+eval +get +sort ~e*) (+xadd +xlen ~s*) (+xgroup|create ~s*)
      auth lu p
      get b1
      set a1 x
      mget a1 b1
      set b1 1
      get a1
      mget c1 c2
      xadd s1 1-1 f v
      xadd t1 1-1 f v
      xlen s1
      xgroup create s1 g 0
      xgroup create s2 g 0 mkstream
      xgroup destroy s1 g
      sort e1 by nosort
      sort e1 by w_*
      sort e1 get e*
      multi
      set b2 1
      get a1
      exec
      multi
      set a1 1
      exec
      multi
      unwatch
      exec
    `),
    ["eval", "return redis.call('set', 'b3', 1)", 0],
    ["eval", "return redis.call('get', 'e1')", 0],
    ["eval", "return redis.pcall('get', 'x1')", 0],
    ["eval", "return redis.pcall('set', 'a1', 1)", 1, "e1"],
    ["eval", "return redis.pcall('del', 'a1')", 1, "e1"],
    ["eval", "return 1", 1, "a1"],
  ]);
});

test("EXEC that is refused ends its transaction", options, async () => {
  await bothSay(
    words(`
      acl setuser nu on >p ~* +@all -exec
      acl log reset
      auth nu p
      multi
      get a
      exec
      get a
      exec
      multi
      get a
      discard
    `),
  );
});

test("ACL LOG names what was refused in the end", options, async () => {
  const logs = await Promise.all(
    beside.ports.map(async (port) => {
      const client = await RawRedis.open(port);
      await client.call(
        "acl",
        "setuser",
        "gu",
        "on",
        ">p",
        "+get",
        "+acl",
        "~a*",
        "(+mget ~c*)",
        "(+set ~b*)",
      );
      await client.call("acl", "log", "reset");
      await client.call("auth", "gu", "p");
      for (const line of ["get b1", "mget c1 a1", "del x", "set d1 1"]) await client.call(...line.split(" "));
      const reply = await client.call("acl", "log");
      await client.close();
      const texts = reply.split("\r\n");
      return texts.filter((_, i) => ["reason", "context", "object", "username"].includes(texts[i - 2]!));
    }),
  );
  assert.equal(logs[0]!.length, 16);
  assert.deepEqual(logs[0], logs[1]);
});
