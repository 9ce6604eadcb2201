/**
 * The last reply of a connection reaches a client that is still sending when the broker ends it: the broker stops
 * writing, throws away what comes, and closes when the client has ended too.
 */
import assert from "node:assert/strict";
import net from "node:net";
import { after, before, test } from "node:test";
import tls from "node:tls";
import { ByteWriter } from "../../../src/base/bytes.ts";
import { encodeRequest } from "../../../src/protocols/kafka/wire/codec.ts";
import {
  handshake,
  method,
  openChannel,
  protocolHeader,
  publish,
  shortText,
  uint,
} from "../../support/amqp-frames.ts";
import { startTestBroker, type TestBroker } from "../../support/broker.ts";
import { Certificates, noOpenssl, startTlsBroker, tlsPorts } from "../security/security-tls-support.ts";

/** More than the sockets' buffers hold, so that the client is still sending when it is answered. */
const floodBytes = 24 << 20;

const certificates = noOpenssl === false ? new Certificates() : null;
let broker: TestBroker;

before(async () => {
  broker =
    certificates === null ? await startTestBroker() : await startTlsBroker(certificates.signed("server"));
});

after(async () => {
  await broker.stop();
  certificates?.remove();
});

type Name = "redis" | "amqp" | "kafka";

function connect(name: Name, isEncrypted: boolean): net.Socket {
  if (!isEncrypted) return net.connect(broker.ports[name], "127.0.0.1");
  const port = tlsPorts(broker)[`${name}Tls`];
  return tls.connect({ port, host: "127.0.0.1", rejectUnauthorized: false });
}

/**
 * Sends `asked` and a flood behind it, and gives all that came until the end. AMQP's client ends the socket itself, once it
 * has heard `last`.
 */
async function farewell(
  name: Name,
  isEncrypted: boolean,
  asked: Buffer,
  piece: Buffer,
  last?: Buffer,
): Promise<Buffer> {
  const socket = connect(name, isEncrypted);
  const parts: Buffer[] = [];
  const errors: string[] = [];
  let hasEnded = false;
  socket.on("data", (bytes: Buffer) => {
    parts.push(bytes);
    if (last !== undefined && Buffer.concat(parts).subarray(-last.length).equals(last)) socket.end();
  });
  socket.on("end", () => (hasEnded = true));
  socket.on("error", (error: NodeJS.ErrnoException) => errors.push(error.code ?? error.message));
  const closed = new Promise((resolve) => socket.on("close", resolve));
  await new Promise((resolve) => socket.once(isEncrypted ? "secureConnect" : "connect", resolve));
  socket.write(asked);
  const pieces = Buffer.concat(Array.from({ length: Math.ceil(65_536 / piece.length) }, () => piece));
  for (let sent = 0; sent < floodBytes; sent += pieces.length) socket.write(pieces);
  await closed;
  assert.deepEqual(errors, []);
  assert.equal(hasEnded, true);
  return Buffer.concat(parts);
}

function redis(...words: string[]): Buffer {
  return Buffer.from(`*${words.length}\r\n${words.map((word) => `$${word.length}\r\n${word}\r\n`).join("")}`);
}

const closeFields = [uint(2, 200), shortText("bye"), uint(2, 0), uint(2, 0)];

function kafka(name: "SaslHandshake" | "SaslAuthenticate", correlationId: number, body: object): Buffer {
  const writer = new ByteWriter();
  encodeRequest(writer, name, { version: 1, correlationId, clientId: "" }, body as never);
  return writer.copy();
}

for (const isEncrypted of [false, true]) {
  const skip = isEncrypted && noOpenssl;
  const way = isEncrypted ? "over TLS" : "over TCP";

  test(`Redis: QUIT is answered under a flood, ${way}`, { skip }, async () => {
    const received = await farewell("redis", isEncrypted, redis("QUIT"), redis("PING"));
    assert.equal(received.toString("latin1"), "+OK\r\n");
  });

  test(`Redis: a protocol error is told under a flood, ${way}`, { skip }, async () => {
    const received = await farewell("redis", isEncrypted, Buffer.from("*1\r\n!oops\r\n"), redis("PING"));
    assert.match(received.toString("latin1"), /^-ERR Protocol error/);
  });

  test(`AMQP: connection.close ahead of queued publishes is answered, ${way}`, { skip }, async () => {
    const asked = Buffer.concat([handshake(), openChannel(1), method(0, 10, 50, ...closeFields)]);
    const flood = publish(1, "", "nobody's", Buffer.alloc(1000));
    const closeOk = method(0, 10, 51);
    const received = await farewell("amqp", isEncrypted, asked, flood, closeOk);
    assert.deepEqual(received.subarray(-closeOk.length), closeOk);
  });

  test(`AMQP: another protocol's header is answered with ours, ${way}`, { skip }, async () => {
    const received = await farewell(
      "amqp",
      isEncrypted,
      Buffer.from("GET / HTTP/1.1\r\n"),
      Buffer.alloc(1000),
    );
    assert.deepEqual(received, protocolHeader);
  });

  test(`Kafka: a refused login is told, ${way}`, { skip }, async () => {
    const token = Buffer.from("\0nobody\0wrong");
    const asked = Buffer.concat([
      kafka("SaslHandshake", 1, { mechanism: "PLAIN" }),
      kafka("SaslAuthenticate", 2, { authBytes: token }),
    ]);
    const received = await farewell(
      "kafka",
      isEncrypted,
      asked,
      kafka("SaslHandshake", 3, { mechanism: "PLAIN" }),
    );
    assert.match(received.toString("latin1"), /Invalid username or password/);
  });
}
