/** The same scripts in the real redis-server and in ours, in RESP2 and RESP3: what differs, as text. */
import assert from "node:assert/strict";
import { startTestBroker, type TestBroker } from "./broker.ts";
import { RawRedis, type Word } from "./raw-redis.ts";
import { RealRedis } from "./real-redis.ts";

interface Pair {
  readonly us: RawRedis;
  readonly them: RawRedis;
}

/** Addresses of tables and functions, and the sign of a NaN, are chance. */
function comparable(reply: string): string {
  return reply.replace(/0x[0-9a-f]+/g, "0x").replaceAll("-nan", "nan");
}

export class ScriptPairs {
  readonly pairs: Pair[] = [];
  readonly ours: TestBroker;
  readonly real: RealRedis;

  private constructor(ours: TestBroker, real: RealRedis) {
    this.ours = ours;
    this.real = real;
  }

  static async start(): Promise<ScriptPairs> {
    const both = new ScriptPairs(await startTestBroker(), await RealRedis.start());
    for (const version of [2, 3]) {
      const { ours, real, pairs } = both;
      const pair = { us: await RawRedis.open(ours.ports.redis), them: await RawRedis.open(real.port) };
      await Promise.all([pair.us.call("hello", version), pair.them.call("hello", version)]);
      pairs.push(pair);
    }
    return both;
  }

  async stop(): Promise<void> {
    for (const { us, them } of this.pairs) await Promise.all([us.close(), them.close()]);
    await this.real.stop();
    await this.ours.stop();
  }

  /** Sends commands one after the other over both protocols; fails with all that differ. */
  async sameCommands(commands: readonly (readonly Word[])[]): Promise<void> {
    const differences: string[] = [];
    for (const pair of this.pairs) {
      for (const words of commands) {
        const [got, wanted] = await Promise.all([pair.us.call(...words), pair.them.call(...words)]);
        if (comparable(got) === comparable(wanted)) continue;
        differences.push(
          `${words.map(String).join(" ").slice(0, 300)}\n  ours:  ${show(got)}\n  redis: ${show(wanted)}`,
        );
      }
    }
    assert.equal(
      differences.length,
      0,
      `${differences.length} differ\n${differences.slice(0, 40).join("\n")}`,
    );
  }

  /** The same for calls in Lua, several in one script: fails with each call whose results or error differ. */
  async sameCalls(calls: readonly string[]): Promise<void> {
    const differences: string[] = [];
    for (const { us, them } of this.pairs) {
      for (let at = 0; at < calls.length; at += callsOfScript) {
        const given = calls.slice(at, at + callsOfScript);
        const lines = given.map((one) => `add(pcall(function() return ${one} end))`);
        const words = ["eval", `${collecting}${lines.join("\n")}\nreturn table.concat(results, '\\0')`, 0];
        const [got, wanted] = await Promise.all([us.call(...words), them.call(...words)]);
        const ours = comparable(got.slice(got.indexOf("\n") + 1)).split("\0");
        const theirs = comparable(wanted.slice(wanted.indexOf("\n") + 1)).split("\0");
        for (const [index, one] of given.entries()) {
          if (ours[index] !== theirs[index])
            differences.push(
              `${one}\n  ours:  ${show(ours[index] ?? got)}\n  redis: ${show(theirs[index] ?? wanted)}`,
            );
        }
      }
    }
    assert.equal(
      differences.length,
      0,
      `${differences.length} differ\n${differences.slice(0, 60).join("\n")}`,
    );
  }

  /** The same for scripts without keys. */
  async sameScripts(scripts: readonly string[]): Promise<void> {
    await this.sameCommands(scripts.map((script) => ["eval", script, 0]));
  }
}

const callsOfScript = 25;
/** `add(...)` keeps the values as one text. */
const collecting = `local show
show = function(v)
  if v ~= v then return 'nan' end
  if type(v) == 'number' then return string.format('%.17g', v) end
  if type(v) == 'table' then
    local r = {} for k, x in pairs(v) do r[#r + 1] = show(k) .. '=' .. show(x) end
    table.sort(r) return '{' .. table.concat(r, ',') .. '}'
  end
  return type(v) .. ':' .. tostring(v)
end
local results = {}
local function add(...)
  local r = {}
  for i = 1, select('#', ...) do r[i] = show((select(i, ...))) end
  results[#results + 1] = table.concat(r, ' ')
end
`;

function show(reply: string): string {
  return JSON.stringify(reply.slice(0, 400));
}
