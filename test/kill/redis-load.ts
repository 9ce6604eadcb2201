/** Redis under kills: XADD, a consumer group with XACK, a counter and a key; every reply counts as told. */
import { Redis } from "ioredis";
import { asFastAsItGoes, type Load, type Pace } from "./load.ts";

const stream = "kill:redis";
const group = "g";
const pipelined = 20;

export class RedisLoad implements Load {
  readonly name = "redis";
  readonly #added = new Map<string, string>();
  readonly #acked = new Set<string>();
  readonly #seen = new Set<string>();
  readonly #faults: string[] = [];
  #counter = 0;
  #keyTold = 0;
  #keyTried = 0;
  #round = 0;
  #isStopping = false;
  readonly #pace: Pace;

  constructor(pace: Pace = asFastAsItGoes) {
    this.#pace = pace;
  }

  get told(): Record<string, number> {
    return { added: this.#added.size, acked: this.#acked.size, counter: this.#counter, key: this.#keyTold };
  }

  stop(): void {
    this.#isStopping = true;
  }

  async run({ redis: port }: { redis: number }): Promise<void> {
    this.#round++;
    this.#isStopping = false;
    const clients = [connect(port), connect(port), connect(port)] as const;
    try {
      await makeGroup(clients[0]);
      await Promise.all([this.#add(clients[0]), this.#consume(clients[1]), this.#keys(clients[2])]);
    } catch {
      // Killed: what was told before stands.
    }
    for (const client of clients) client.disconnect();
  }

  async #add(client: Redis): Promise<void> {
    for (let sequence = 0; !this.#isStopping;) {
      await this.#pace(pipelined);
      const calls = Array.from({ length: pipelined }, async () => {
        const value = `r${this.#round}:${sequence++}`;
        const id = await client.xadd(stream, "*", "body", value);
        this.#added.set(id!, value);
      });
      await Promise.all(calls);
    }
  }

  async #consume(client: Redis): Promise<void> {
    let from = "0";
    while (!this.#isStopping) {
      const reply = await client.xreadgroup("GROUP", group, "c", "COUNT", 50, "STREAMS", stream, from);
      const entries = reply?.[0]?.[1] ?? [];
      if (entries.length === 0) {
        from = ">";
        await this.#pace(1);
        await new Promise((resolve) => setImmediate(resolve));
        continue;
      }
      const ids = entries.map(([id]) => id);
      for (const id of ids) this.#receive(id);
      await client.xack(stream, group, ...ids);
      for (const id of ids) this.#acked.add(id);
    }
  }

  #receive(id: string): void {
    if (this.#acked.has(id)) this.#faults.push(`redis: ${id} came back after its XACK was answered`);
    this.#seen.add(id);
  }

  async #keys(client: Redis): Promise<void> {
    while (!this.#isStopping) {
      await this.#pace(2);
      const next = ++this.#keyTried;
      await client.set("kill:key", String(next));
      this.#keyTold = next;
      this.#counter = await client.incr("kill:counter");
    }
  }

  async verify({ redis: port }: { redis: number }): Promise<string[]> {
    const client = connect(port);
    try {
      // A busy machine may have come to no group. One that was lost gives out again what was acknowledged.
      await makeGroup(client);
      return await this.#verifyBy(client);
    } finally {
      client.disconnect();
    }
  }

  async #verifyBy(client: Redis): Promise<string[]> {
    const faults = [...this.#faults];
    const entries = (await client.xrange(stream, "-", "+")) as [string, string[]][];
    const present = new Map(entries.map(([id, fields]) => [id, fields[1]!]));
    for (const [id, value] of this.#added) {
      if (present.get(id) !== value)
        faults.push(`redis: entry ${id} was answered and is ${present.get(id) ?? "gone"}`);
    }
    faults.push(...orderFaults(entries));
    await this.#drain(client);
    const unseen = entries.filter(([id]) => !this.#seen.has(id)).length;
    if (unseen > 0) faults.push(`redis: ${unseen} entries never reached the group`);
    const counter = Number(await client.get("kill:counter"));
    if (counter < this.#counter)
      faults.push(`redis: the counter says ${counter}, ${this.#counter} was answered`);
    const key = Number(await client.get("kill:key"));
    if (key < this.#keyTold || key > this.#keyTried)
      faults.push(`redis: the key is ${key}, ${this.#keyTold} was answered`);
    return faults.slice(0, 20);
  }

  async #drain(client: Redis): Promise<void> {
    for (const from of ["0", ">"]) {
      for (;;) {
        const reply = await client.xreadgroup("GROUP", group, "c", "COUNT", 5000, "STREAMS", stream, from);
        const ids = (reply?.[0]?.[1] ?? []).map(([id]) => id);
        if (ids.length === 0) break;
        for (const id of ids) this.#receive(id);
        await client.xack(stream, group, ...ids);
        for (const id of ids) this.#acked.add(id);
      }
    }
  }
}

/** Within one round the values of a producer must be in the stream in the order in which they were sent, once each. */
function orderFaults(entries: [string, string[]][]): string[] {
  const faults: string[] = [];
  const highest = new Map<string, number>();
  for (const [id, fields] of entries) {
    const [producer, sequence] = fields[1]!.split(":") as [string, string];
    if (Number(sequence) <= (highest.get(producer) ?? -1))
      faults.push(`redis: ${fields[1]} at ${id} is out of order`);
    highest.set(producer, Number(sequence));
  }
  return faults;
}

async function makeGroup(client: Redis): Promise<void> {
  await client.xgroup("CREATE", stream, group, "0", "MKSTREAM").catch((error: Error) => {
    if (!error.message.startsWith("BUSYGROUP")) throw error;
  });
}

function connect(port: number): Redis {
  const client = new Redis(port, "127.0.0.1", { retryStrategy: () => null, maxRetriesPerRequest: 0 });
  client.on("error", () => {});
  return client;
}
