/** Redis commands whose work a client multiplies: by a count, by many arguments, by what it made before. */
import { connect } from "node:net";
import type { Attack, AttackContext } from "./attack.ts";

const entries = 300_000;
const keys = 100_000;
const inOnePipeline = 20_000;
const end = "$4\r\ndone\r\n";

/** Sends commands, and says how many bytes came as their replies. They are not looked at: that would take long here. */
function run({ broker }: AttackContext, commands: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(broker.ports.redis, "127.0.0.1");
    let bytes = 0;
    let first = "";
    let tail = "";
    socket.setEncoding("latin1");
    socket.on("error", reject);
    socket.on("data", (text: string) => {
      if (bytes === 0) first = text.slice(0, 60);
      bytes += text.length;
      tail = (tail + text.slice(-end.length)).slice(-end.length);
      if (tail !== end) return;
      socket.destroy();
      resolve(`${bytes} bytes, beginning with ${JSON.stringify(first)}`);
    });
    socket.write([...commands, "echo done"].map(requestOf).join(""));
  });
}

function requestOf(line: string): string {
  const words = line.split(" ");
  return `*${words.length}\r\n${words.map((word) => `$${word.length}\r\n${word}\r\n`).join("")}`;
}

async function inPipelines(
  context: AttackContext,
  count: number,
  line: (i: number) => string,
): Promise<void> {
  for (let from = 0; from < count; from += inOnePipeline) {
    await run(
      context,
      Array.from({ length: Math.min(inOnePipeline, count - from) }, (_, i) => line(from + i)),
    );
  }
}

const names = Array.from({ length: keys }, (_, i) => `k${i}`).join(" ");
const ids = Array.from({ length: keys }, (_, i) => `1-${i}`).join(" ");

async function withStream(context: AttackContext): Promise<void> {
  await inPipelines(context, entries, (i) => `xadd s 1-${i} field value`.replace("1-0", "0-1"));
  await run(context, ["xgroup create s g 0"]);
}

/** All entries are held by consumer `c`. */
async function withGroup(context: AttackContext): Promise<void> {
  await withStream(context);
  await run(context, [`xreadgroup group g c count ${entries} streams s >`]);
}

async function withKeys(context: AttackContext): Promise<void> {
  await inPipelines(context, keys, (i) => `set k${i} v${i}`);
}

function attackOf(
  name: string,
  command: string,
  prepare?: (context: AttackContext) => Promise<void>,
): Attack {
  return {
    name: `redis-${name}`,
    what: `${command.slice(0, 40)}${command.length > 40 ? `… of ${keys} arguments` : ""}`,
    ...(prepare === undefined ? {} : { prepare }),
    attack: (context) => run(context, [command]),
  };
}

export default [
  attackOf("xrange", "xrange s - +", withStream),
  attackOf("xrevrange", "xrevrange s + -", withStream),
  attackOf("xread", "xread streams s 0", withStream),
  attackOf("xreadgroup", `xreadgroup group g c count ${entries} streams s >`, withStream),
  attackOf("xreadgroup-history", "xreadgroup group g c streams s 0", withGroup),
  attackOf("xinfo-full", "xinfo stream s full count 0", withGroup),
  attackOf("xpending", `xpending s g - + ${entries}`, withGroup),
  attackOf("xautoclaim", `xautoclaim s g d 0 0 count ${entries}`, withGroup),
  attackOf("xclaim", `xclaim s g d 0 ${ids}`, withGroup),
  attackOf("xack", `xack s g ${ids}`, withGroup),
  attackOf("xdel", `xdel s ${ids}`, withStream),
  attackOf("xgroup-delconsumer", "xgroup delconsumer s g c", withGroup),
  attackOf("xtrim", "xtrim s maxlen 0", withStream),
  attackOf("keys", "keys *", withKeys),
  attackOf("scan", "scan 0 count 1000000", withKeys),
  attackOf("mget", `mget ${names}`, withKeys),
  attackOf("exists", `exists ${names}`, withKeys),
  attackOf("del", `del ${names}`, withKeys),
  attackOf("pubsub-numsub", `pubsub numsub ${names}`),
  attackOf("config-get", `config get ${names}`),
  attackOf("command-docs", `command docs ${Array.from({ length: 20_000 }, () => "xadd").join(" ")}`),
  {
    name: "redis-flushdb-streams",
    what: "FLUSHDB of 100,000 streams",
    prepare: (context) => inPipelines(context, keys, (i) => `xadd s${i} * f v`),
    attack: (context) => run(context, ["flushdb"]),
  },
  {
    name: "redis-del-groups",
    what: "DEL of a stream with 100,000 groups",
    async prepare(context) {
      await run(context, ["xadd s 1-1 f v"]);
      await inPipelines(context, keys, (i) => `xgroup create s g${i} 0`);
    },
    attack: (context) => run(context, ["del s"]),
  },
  {
    name: "redis-dbsize-limited",
    what: "DBSIZE of 100,000 streams, of which the user may see one",
    async prepare(context) {
      await inPipelines(context, keys, (i) => `xadd s${i} * f v`);
      await run(context, ["acl setuser u on >secret ~s7 +@all"]);
    },
    attack: (context) => run(context, ["auth u secret", "dbsize"]),
  },
  {
    name: "redis-huge-values",
    what: "DEL of three values of 256 MiB: what of them stays 5 s later is the point",
    rssBytesMax: 2 ** 31,
    async prepare(context) {
      const value = "x".repeat(256 << 20);
      for (const key of ["a", "b", "c"]) await run(context, [`set ${key} ${value}`]);
    },
    attack: (context) => run(context, ["del a b c"]),
  },
] satisfies Attack[];
