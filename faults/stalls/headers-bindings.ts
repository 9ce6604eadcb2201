/** Bindings of a headers exchange that share a pair, and their queue's deletion. */
import type { RawClient } from "../../test/support/amqp-raw.ts";
import { frame, longText, method, shortText, uint } from "../../test/support/amqp-frames.ts";
import type { Attack } from "./attack.ts";

const channel = 1;
const bindings = 100_000;
const inOneWrite = 1000;

function textArgument(name: string, value: string): Buffer {
  return Buffer.concat([shortText(name), Buffer.from("S"), longText(value)]);
}

async function bindAll(client: RawClient, idOf: (i: number) => string): Promise<void> {
  client.send(method(channel, 50, 10, uint(2, 0), shortText("q"), Buffer.of(0), longText("")));
  for (let i = 0; i < bindings; i += inOneWrite) {
    const frames = Array.from({ length: inOneWrite }, (_, at) => {
      const names = [shortText("q"), shortText("amq.headers"), shortText(`k${i + at}`)];
      const args = longText(Buffer.concat([textArgument("kind", "order"), textArgument("id", idOf(i + at))]));
      return method(channel, 50, 20, uint(2, 0), ...names, Buffer.of(1), args);
    });
    client.send(...frames);
    await settled(client);
  }
}

/** Answered when all before it has been done. */
async function settled(client: RawClient): Promise<string> {
  client.received = Buffer.alloc(0);
  client.send(method(channel, 20, 20, Buffer.of(1)));
  return (await client.method("20.21")).method;
}

function attackOf(name: string, what: string, idOf: (i: number) => string): Attack {
  return {
    name,
    what,
    async prepare({ amqp }) {
      await bindAll(await amqp(), idOf);
    },
    async attack({ amqp }) {
      const client = await amqp();
      const headers = longText(textArgument("kind", "order"));
      const names = [shortText("amq.headers"), shortText("")];
      client.send(
        method(channel, 60, 40, uint(2, 0), ...names, Buffer.of(0)),
        frame(2, channel, uint(2, 60), uint(2, 0), uint(8, 0), uint(2, 0x2000), headers),
      );
      return `channel.flow-ok (${await settled(client)})`;
    },
  };
}

export default [
  attackOf(
    "headers-pair",
    "one message with the pair that 100,000 bindings of a headers exchange share",
    (i) => `id ${i}`,
  ),
  attackOf(
    "headers-same",
    "one message beside 100,000 bindings of a headers exchange that differ in their keys alone",
    () => "id",
  ),
] satisfies Attack[];
