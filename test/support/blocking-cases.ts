/** Clients that wait for keys, and one that does something, at a server of ours or the real one: who is told what. */
import { RawRedis } from "./raw-redis.ts";
import { until } from "./wait.ts";

export interface BlockingCase {
  readonly setup?: readonly string[];
  /** Each a client of its own, which waits before the next one comes. */
  readonly waiting: readonly string[];
  readonly acts: readonly string[];
}

/** What the waiting clients and the one that acts are told, and who waited still. */
export async function replies(port: number, { setup = [], waiting, acts }: BlockingCase): Promise<string[]> {
  const admin = await RawRedis.open(port);
  const call = (line: string): Promise<string> => admin.call(...line.split(" "));
  await call("FLUSHALL");
  for (const line of setup) await call(line);
  const clients: { redis: RawRedis; id: string; reply: Promise<string> }[] = [];
  for (const line of waiting) {
    const redis = await RawRedis.open(port);
    const id = (await redis.call("CLIENT", "ID")).slice(1, -2);
    clients.push({ redis, id, reply: redis.call(...line.split(" ")) });
    await until(
      async () => (await call("INFO clients")).includes(`blocked_clients:${clients.length}\r\n`),
      line,
    );
  }
  // They come in one turn.
  const said = await Promise.all(admin.pipeline(acts.map((line) => line.split(" "))));
  const stillWaiting = await Promise.all(clients.map(({ id }) => call(`CLIENT UNBLOCK ${id}`)));
  const heard = await Promise.all(clients.map(({ reply }) => reply));
  for (const { redis } of clients) await redis.close();
  await admin.close();
  return [...said.map((text) => text.replaceAll(/:\d+\r\n(?=:1\r\n)/g, ":T\r\n")), ...stillWaiting, ...heard];
}
