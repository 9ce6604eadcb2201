/**
 * Frames that break rules, as bytes: what each server says of them. Most end the connection.
 *
 * Left out: a body that is longer than its header says (RabbitMQ waits for the rest of it), and methods that are not there
 * (its connection ends without a word).
 */
import { ByteWriter } from "../../src/base/bytes.ts";
import { writeMethodFrame } from "../../src/protocols/amqp/wire/method-codec.ts";

function frame(type: number, channel: number, payload: readonly number[] | Buffer): Buffer {
  return new ByteWriter(64)
    .uint8(type)
    .uint16(channel)
    .uint32(payload.length)
    .bytes(Uint8Array.from(payload))
    .uint8(0xce)
    .copy();
}

/** A content header of class 60 unless another is given. */
function header(channel: number, bodySize: number, classId = 60, weight = 0): Buffer {
  const payload = new ByteWriter(16).uint16(classId).uint16(weight).int64(bodySize).uint16(0).copy();
  return frame(2, channel, payload);
}

function publish(channel: number): Buffer {
  const writer = new ByteWriter(64);
  writeMethodFrame(writer, channel, "basic.publish", {
    ticket: 0,
    exchange: "",
    routingKey: "nobody",
    mandatory: false,
    immediate: false,
  });
  return writer.copy();
}

function open(channel: number): Buffer {
  const writer = new ByteWriter(64);
  writeMethodFrame(writer, channel, "channel.open", { outOfBand: "" });
  return writer.copy();
}

/** By what they break; the channel is one that is open. */
export const rawFrames: Readonly<Record<string, (channel: number) => readonly Buffer[]>> = {
  "a heartbeat on a channel": (channel) => [frame(8, channel, [])],
  "a content header without a method": (channel) => [header(channel, 0)],
  "a body without a method": (channel) => [frame(3, channel, [1])],
  "a body instead of a header": (channel) => [publish(channel), frame(3, channel, [1])],
  "a method instead of a header": (channel) => [publish(channel), publish(channel)],
  "a method instead of a body": (channel) => [publish(channel), header(channel, 3), publish(channel)],
  "a header instead of a body": (channel) => [publish(channel), header(channel, 3), header(channel, 3)],
  "a header of another class": (channel) => [publish(channel), header(channel, 0, 50)],
  "a header with a weight": (channel) => [publish(channel), header(channel, 0, 60, 1)],
  "a body in pieces, one empty": (channel) => [
    publish(channel),
    header(channel, 2),
    frame(3, channel, [1]),
    frame(3, channel, []),
    frame(3, channel, [2]),
  ],
  "a method of the server": (channel) => [frame(1, channel, [0, 60, 0, 72, 0])],
  "a method on a channel that is not open": () => [frame(1, 77, [0, 20, 0, 20, 1])],
  "a channel beyond channel-max": () => [open(2048)],
  "a frame of another type": (channel) => [frame(5, channel, [1])],
  "a frame beyond frame-max": (channel) => [Buffer.of(3, 0, channel, 0, 4, 0, 0)],
  "a frame without its end": (channel) => [Buffer.of(1, 0, channel, 0, 0, 0, 4, 0, 20, 0, 20, 1)],
  "a second channel.open": (channel) => [open(channel)],
  "a channel's method on channel 0": () => [frame(1, 0, [0, 20, 0, 20, 1])],
  "a content header on channel 0": () => [header(0, 0)],
  "tune-ok in a running connection": () => [frame(1, 0, [0, 10, 0, 31, 0, 0, 0, 2, 0, 0, 0, 0])],
  "close-ok in a running connection": () => [frame(1, 0, [0, 10, 0, 51])],
  "flow-ok that nobody asked for": (channel) => [frame(1, channel, [0, 20, 0, 21, 1])],
  "cancel-ok that nobody asked for": (channel) => [frame(1, channel, [0, 60, 0, 31, 1, 97])],
  "flow off": (channel) => [frame(1, channel, [0, 20, 0, 20, 0])],
};
