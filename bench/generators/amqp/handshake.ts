/** What a client says to be let in, as bytes, and the parts of which AMQP's methods are made. Pure. */

const channelsMax = 100;
const frameBytesMax = 131_072;

export const methodId = {
  connectionStart: 0x000a_000a,
  connectionTune: 0x000a_001e,
  connectionOpenOk: 0x000a_0029,
  channelOpenOk: 0x0014_000b,
  queueDeclareOk: 0x0032_000b,
  queueBindOk: 0x0032_0015,
  queueDeleteOk: 0x0032_0029,
  exchangeDeclareOk: 0x0028_000b,
  exchangeDeleteOk: 0x0028_0015,
  confirmSelectOk: 0x0055_000b,
  qosOk: 0x003c_000b,
  consumeOk: 0x003c_0015,
  deliver: 0x003c_003c,
  ack: 0x003c_0050,
} as const;
export function uint(size: 1 | 2 | 4 | 8, value: number): Buffer {
  const bytes = Buffer.alloc(size);
  if (size === 8) bytes.writeBigUInt64BE(BigInt(value));
  else bytes.writeUIntBE(value, 0, size);
  return bytes;
}

export function shortText(text: string): Buffer {
  return Buffer.concat([uint(1, Buffer.byteLength(text)), Buffer.from(text)]);
}

export function frame(type: number, channel: number, ...payload: readonly Buffer[]): Buffer {
  const bytes = Buffer.concat(payload);
  return Buffer.concat([uint(1, type), uint(2, channel), uint(4, bytes.length), bytes, uint(1, 0xce)]);
}

export function method(channel: number, id: number, ...values: readonly Buffer[]): Buffer {
  return frame(1, channel, uint(4, id), ...values);
}

export const protocolHeader: Buffer = Buffer.from("AMQP\x00\x00\x09\x01", "latin1");

const login = Buffer.from("\0guest\0guest");
export const startOk: Buffer = method(
  0,
  0x000a_000b,
  uint(4, 0),
  shortText("PLAIN"),
  uint(4, login.length),
  login,
  shortText("en_US"),
);

/** Tune-ok without heartbeats, and open, which needs not wait for an answer. */
export const connectionOpen: Buffer = Buffer.concat([
  method(0, 0x000a_001f, uint(2, channelsMax), uint(4, frameBytesMax), uint(2, 0)),
  method(0, 0x000a_0028, shortText("/"), shortText(""), uint(1, 0)),
]);

export function channelOpen(channel: number): Buffer {
  return method(channel, 0x0014_000a, shortText(""));
}

/** The arguments of a queue with priorities up to this one; of none without. */
export function priorityArguments(priorityMax: number | undefined): Buffer {
  if (priorityMax === undefined) return uint(4, 0);
  const field = Buffer.concat([shortText("x-max-priority"), Buffer.from("b"), uint(1, priorityMax)]);
  return Buffer.concat([uint(4, field.length), field]);
}

export function qos(channel: number, prefetch: number): Buffer {
  return method(channel, 0x003c_000a, uint(4, 0), uint(2, prefetch), uint(1, 0));
}
