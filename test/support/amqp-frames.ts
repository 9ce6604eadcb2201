/** AMQP frames by hand. They share no code with the broker, so that both cannot be wrong in the same way. */
export function shortText(text: string): Buffer {
  return Buffer.concat([Buffer.of(Buffer.byteLength(text)), Buffer.from(text)]);
}

export function longText(text: string | Buffer): Buffer {
  const bytes = Buffer.from(text);
  return Buffer.concat([uint(4, bytes.length), bytes]);
}

export function uint(size: 1 | 2 | 4 | 8, value: number): Buffer {
  const bytes = Buffer.alloc(size);
  if (size === 8) bytes.writeBigUInt64BE(BigInt(value));
  else bytes.writeUIntBE(value, 0, size);
  return bytes;
}

export function frame(type: number, channel: number, ...payload: Buffer[]): Buffer {
  const bytes = Buffer.concat(payload);
  return Buffer.concat([uint(1, type), uint(2, channel), uint(4, bytes.length), bytes, Buffer.of(0xce)]);
}

export function method(channel: number, classId: number, methodId: number, ...values: Buffer[]): Buffer {
  return frame(1, channel, uint(2, classId), uint(2, methodId), ...values);
}

export const protocolHeader: Buffer = Buffer.from("AMQP\x00\x00\x09\x01", "latin1");

export function startOk(user: string, password: string, capabilities: readonly string[] = []): Buffer {
  const inner = Buffer.concat(
    capabilities.map((name) => Buffer.concat([shortText(name), Buffer.from("t"), Buffer.of(1)])),
  );
  const table = Buffer.concat([shortText("capabilities"), Buffer.from("F"), longText(inner)]);
  return method(
    0,
    10,
    11,
    longText(table),
    shortText("PLAIN"),
    longText(`\0${user}\0${password}`),
    shortText("en_US"),
  );
}

export function tuneOk(channelMax: number, frameMax: number, heartbeat: number): Buffer {
  return method(0, 10, 31, uint(2, channelMax), uint(4, frameMax), uint(2, heartbeat));
}

export function open(vhost: string): Buffer {
  return method(0, 10, 40, shortText(vhost), shortText(""), Buffer.of(0));
}

/** All that a client sends until the connection is open, whatever it is told meanwhile. */
export function handshake(capabilities: readonly string[] = [], channelMax = 2047): Buffer {
  return Buffer.concat([
    protocolHeader,
    startOk("guest", "guest", capabilities),
    tuneOk(channelMax, 131_072, 0),
    open("/"),
  ]);
}

export function openChannel(channel: number): Buffer {
  return method(channel, 20, 10, shortText(""));
}

/** basic.publish with its header and one body frame; the message has no properties but a priority, where one is given. */
export function publish(
  channel: number,
  exchange: string,
  key: string,
  body: Buffer,
  priority?: number,
): Buffer {
  const properties = priority === undefined ? [uint(2, 0)] : [uint(2, 0x0800), uint(1, priority)];
  return publishWith(channel, exchange, key, body, properties);
}

/** The same with headers that are texts, and a message id where one is given. */
export function publishHeaders(
  channel: number,
  exchange: string,
  key: string,
  headers: Readonly<Record<string, string>>,
  body: Buffer,
  messageId?: string,
): Buffer {
  const fields = Object.entries(headers).map(([name, value]) =>
    Buffer.concat([shortText(name), Buffer.from("S"), longText(value)]),
  );
  const flags = 0x2000 | (messageId === undefined ? 0 : 0x0080);
  const id = messageId === undefined ? [] : [shortText(messageId)];
  return publishWith(channel, exchange, key, body, [uint(2, flags), longText(Buffer.concat(fields)), ...id]);
}

function publishWith(
  channel: number,
  exchange: string,
  key: string,
  body: Buffer,
  properties: readonly Buffer[],
): Buffer {
  const header = Buffer.concat([uint(2, 60), uint(2, 0), uint(8, body.length), ...properties]);
  return Buffer.concat([
    method(channel, 60, 40, uint(2, 0), shortText(exchange), shortText(key), uint(1, 0)),
    frame(2, channel, header),
    frame(3, channel, body),
  ]);
}
