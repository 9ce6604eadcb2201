/** The command line's AMQP connection: whatever ends it ends every wait, with a fault that says why. */
import assert from "node:assert/strict";
import { once } from "node:events";
import net, { type AddressInfo, type Socket } from "node:net";
import { test } from "node:test";
import { AmqpLink } from "../../../cli/client/broker/amqp-link.ts";
import { CliFault } from "../../../cli/client/fault.ts";
import { longText, method, shortText, uint } from "../../support/amqp-frames.ts";
import { until } from "../../support/wait.ts";

const none = uint(4, 0);
/** What a broker answers until the channel is open, by the method that it answers. */
const answers: Readonly<Record<string, Buffer>> = {
  "10.11": method(0, 10, 30, uint(2, 10), uint(4, 131_072), uint(2, 0)),
  "10.40": method(0, 10, 41, shortText("")),
  "20.10": method(1, 20, 11, none),
};

/** Opens a channel, and then hears nothing more. */
async function deafBroker() {
  const sockets: Socket[] = [];
  const server = net.createServer((socket) => {
    sockets.push(socket);
    socket.on("error", () => {});
    let bytes = Buffer.alloc(0);
    let at = 8;
    socket.on("data", (piece: Buffer) => {
      if (bytes.length === 0) {
        socket.write(method(0, 10, 10, Buffer.of(0, 9), none, longText("PLAIN"), longText("en_US")));
      }
      bytes = Buffer.concat([bytes, piece]);
      for (; at + 11 <= bytes.length; at += bytes.readUInt32BE(at + 3) + 8) {
        const name = `${bytes.readUInt16BE(at + 7)}.${bytes.readUInt16BE(at + 9)}`;
        const answer = answers[name];
        if (answer !== undefined) socket.write(answer);
        if (name === "20.10") socket.pause();
      }
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const failed: CliFault[] = [];
  const link = await AmqpLink.open(
    { host: "127.0.0.1", port, isTls: false, user: "u", password: "p", vhost: "/" },
    { failed: (fault) => failed.push(fault) },
  );
  return { server, link, failed, socket: sockets[0]! };
}

/** How the connection ends, and what the fault says. */
const ends: Readonly<Record<string, [end: (socket: Socket) => void, kind: string, text: RegExp]>> = {
  "the socket closes": [
    (socket) => void socket.resetAndDestroy(),
    "unreachable",
    /broker (is gone|has closed the connection)/,
  ],
  "the broker closes the connection": [
    (socket) =>
      void socket.write(method(0, 10, 50, uint(2, 320), shortText("FORCED"), uint(2, 0), uint(2, 0))),
    "refused",
    /FORCED/,
  ],
  "the broker closes the channel": [
    (socket) =>
      void socket.write(method(1, 20, 40, uint(2, 404), shortText("none"), uint(2, 60), uint(2, 40))),
    "notFound",
    /none/,
  ],
  "what comes is no AMQP": [(socket) => void socket.write("HTTP/1.1 400\r\n\r\n"), "unreachable", /no AMQP/],
};

/** More than what the systems on both sides keep for one who does not read. */
const bodies = 24;
const body = Buffer.alloc(1 << 20);

function fill(link: AmqpLink): boolean {
  let hasRoom = true;
  for (let i = 0; i < bodies; i++) hasRoom = link.publish("", "q", {}, body);
  return hasRoom;
}

const declaring = {
  ticket: 0,
  queue: "q",
  passive: true,
  durable: false,
  exclusive: false,
  autoDelete: false,
  noWait: false,
  arguments: [],
};

/** What a command can be waiting for. */
const waits: Readonly<Record<string, (link: AmqpLink) => Promise<unknown>>> = {
  "an answer": (link) => link.call("queue.declare", declaring),
  "room for more": (link) => {
    assert.equal(fill(link), false);
    return link.drained();
  },
};

for (const [what, [end, kind, text]] of Object.entries(ends)) {
  for (const [wait, begin] of Object.entries(waits)) {
    test(`${what} while the command waits for ${wait}`, { timeout: 20_000 }, async () => {
      const { server, link, failed, socket } = await deafBroker();
      const isOf = (fault: unknown): boolean =>
        fault instanceof CliFault && fault.kind === kind && text.test(fault.message);
      const waited = assert.rejects(begin(link), isOf);
      // The broker is deaf, not dumb.
      end(socket);
      await waited;
      assert.equal(failed.length, 1);
      assert.ok(isOf(failed[0]));
      assert.throws(() => link.publish("", "q", {}, body), isOf);
      await assert.rejects(link.call("queue.declare", declaring), isOf);
      await link.close();
      socket.destroy();
      server.close();
    });
  }
}

test("nobody waits for room that is there, and who waits goes on when the broker reads", async () => {
  const { server, link, failed, socket } = await deafBroker();
  await link.drained();
  assert.equal(fill(link), false);
  let isOver = false;
  const waiting = link.drained().then(() => (isOver = true));
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(isOver, false);
  socket.removeAllListeners("data").resume();
  await waiting;
  assert.deepEqual(failed, []);
  socket.destroy();
  await until(() => failed.length === 1, "the fault");
  server.close();
});
