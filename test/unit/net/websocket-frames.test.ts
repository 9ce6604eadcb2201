/** Frames of WebSocket, by the vectors of RFC 6455 and against Node's `ws`, in pieces of any size. */
import assert from "node:assert/strict";
import { isUtf8 } from "node:buffer";
import { suite, test } from "node:test";
import fc from "fast-check";
import {
  closeFrame,
  FrameReader,
  pingFrame,
  pongFrame,
  WebSocketFault,
  writeHeader,
} from "../../../src/net/websocket/frames.ts";
import { acceptanceOf, chooseName, readOffer } from "../../../src/net/websocket/handshake.ts";
import { Utf8Check } from "../../../src/net/websocket/utf8.ts";

/** What a reader tells of bytes that come in pieces of these sizes. */
function read(bytes: Buffer, sizes: readonly number[] = [], takesText = true, frameBytesMax = 1 << 20) {
  const payload: Buffer[] = [];
  const told: string[] = [];
  const reader = new FrameReader(
    {
      onPayload: (part) => payload.push(Buffer.from(part)),
      onPing: (part) => told.push(`ping ${part.toString()}`),
      onClose: (code) => told.push(`close ${code}`),
    },
    { takesText, frameBytesMax },
  );
  const own = Buffer.from(bytes);
  let at = 0;
  try {
    for (const size of [...sizes, own.length]) {
      reader.push(own.subarray(at, at + size));
      at = Math.min(at + size, own.length);
    }
  } catch (error) {
    if (!(error instanceof WebSocketFault)) throw error;
    told.push(`fault ${error.code}`);
  }
  return { payload: Buffer.concat(payload).toString("latin1"), told };
}

/** A client's frame. */
function frame(
  first: number,
  payload: Uint8Array | string,
  key = Buffer.from([0x37, 0xfa, 0x21, 0x3d]),
): Buffer {
  const bytes = Buffer.from(payload as string);
  const head = Buffer.alloc(10);
  head[0] = first;
  const end =
    bytes.length < 126
      ? head.writeUInt8(0x80 | bytes.length, 1)
      : bytes.length <= 0xffff
        ? head.writeUInt16BE(bytes.length, head.writeUInt8(0xfe, 1))
        : head.writeUInt32BE(bytes.length, head.writeUInt32BE(0, head.writeUInt8(0xff, 1)));
  return Buffer.concat([head.subarray(0, end), key, bytes.map((byte, i) => byte ^ key[i & 3]!)]);
}

const text = 0x81;
const binary = 0x82;

suite("what a server reads", () => {
  test("RFC 6455 5.7: a masked Hello, a ping, and what is cut at each byte", () => {
    const hello = Buffer.from("818537fa213d7f9f4d5158", "hex");
    const ping = Buffer.from("898537fa213d7f9f4d5158", "hex");
    const all = Buffer.concat([hello, ping]);
    for (let cut = 0; cut <= all.length; cut++) {
      assert.deepEqual(read(all, [cut]), { payload: "Hello", told: ["ping Hello"] });
    }
    assert.deepEqual(
      read(
        all,
        Array.from(all, () => 1),
      ),
      { payload: "Hello", told: ["ping Hello"] },
    );
  });

  test("each length form, at its bounds, and control frames between fragments", () => {
    for (const size of [0, 1, 125, 126, 127, 65_535, 65_536, 70_000]) {
      const body = Buffer.alloc(size, "x");
      assert.equal(read(frame(binary, body), [1, 1, 7]).payload.length, size);
    }
    const fragments = Buffer.concat([
      frame(0x01, "a€".slice(0, 1)),
      frame(0x89, "p"),
      frame(0x00, Buffer.from("€").subarray(0, 2)),
      frame(0x80, Buffer.from("€").subarray(2)),
      frame(0x8a, "unasked"),
      frame(0x88, Buffer.from([0x03, 0xe8, 0x6f])),
      frame(binary, "after the end"),
    ]);
    const payload = Buffer.from("a€").toString("latin1");
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 9 }), { maxLength: 30, size: "max" }), (sizes) => {
        assert.deepEqual(read(fragments, sizes), { payload, told: ["ping p", "close 1000"] });
      }),
    );
  });

  test("each breach is told by its code", () => {
    const breaches: [Buffer, number][] = [
      [Buffer.from([0x81, 0x05]), 1002],
      [frame(0xc2, "x"), 1002],
      [frame(0x83, "x"), 1002],
      [frame(0x8b, "x"), 1002],
      [frame(0x09, "x"), 1002],
      [frame(0x89, Buffer.alloc(126)), 1002],
      [frame(0x80, "x"), 1002],
      [Buffer.concat([frame(0x02, "x"), frame(binary, "y")]), 1002],
      [frame(0x88, "x"), 1002],
      [frame(0x88, Buffer.from([0x03, 0xed])), 1002],
      [frame(0x88, Buffer.from([0x03, 0xe7])), 1002],
      [frame(0x88, Buffer.from([0x03, 0xe8, 0xff])), 1007],
      [frame(text, Buffer.from([0xc3, 0x28])), 1007],
      [frame(text, Buffer.from([0xe2, 0x82])), 1007],
      [frame(binary, Buffer.alloc((1 << 20) + 1)), 1009],
      [Buffer.from([0x82, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0]), 1009],
    ];
    for (const [bytes, code] of breaches) {
      assert.deepEqual(read(bytes).told, [`fault ${code}`], bytes.subarray(0, 8).toString("hex"));
      assert.deepEqual(read(bytes, [1, 1, 1, 1]).told, [`fault ${code}`]);
    }
    assert.deepEqual(read(frame(text, "x"), [], false).told, ["fault 1003"]);
    assert.deepEqual(read(frame(0x88, "")).told, ["close 1005"]);
  });
});

test("what ws sends is read, whatever the pieces", { skip: process.versions.bun !== undefined }, async () => {
  const { Sender } = (await import("ws")) as unknown as {
    Sender: { frame(data: Buffer, options: object): Buffer[] };
  };
  const message = fc.record({
    data: fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
    parts: fc.integer({ min: 1, max: 4 }),
  });
  fc.assert(
    fc.property(fc.array(message, { maxLength: 5 }), fc.array(fc.nat(40)), (messages, sizes) => {
      const bytes: Buffer[] = [];
      for (const { data, parts } of messages) {
        const step = Math.ceil(data.length / parts);
        for (let part = 0; part < parts; part++) {
          const isLast = part === parts - 1;
          const piece = data.subarray(part * step, isLast ? undefined : (part + 1) * step);
          const options = {
            fin: isLast,
            rsv1: false,
            opcode: part === 0 ? 2 : 0,
            mask: true,
            readOnly: true,
          };
          bytes.push(...Sender.frame(piece, options));
        }
      }
      const wanted = Buffer.concat(messages.map(({ data }) => data)).toString("latin1");
      assert.deepEqual(read(Buffer.concat(bytes), sizes), { payload: wanted, told: [] });
    }),
  );
});

test("what a server writes", () => {
  const written = (size: number, isFinal = true): string => {
    const target = Buffer.alloc(10);
    return target.subarray(0, writeHeader(target, 0, { kind: "binary", isFinal, size })).toString("hex");
  };
  assert.deepEqual(
    [0, 125, 126, 65_535, 65_536].map((size) => written(size)),
    ["8200", "827d", "827e007e", "827effff", "827f0000000000010000"],
  );
  assert.equal(written(1, false), "0201");
  assert.equal(pingFrame.toString("hex"), "8900");
  assert.equal(pongFrame(Buffer.from("Hello")).toString("hex"), "8a0548656c6c6f");
  assert.equal(closeFrame(1001, "bye").toString("hex"), "880503e9627965");
  assert.equal(closeFrame(1005).toString("hex"), "8800");
});

test("text in pieces is UTF-8 just if it is in one", () => {
  const bytes = fc.oneof(
    fc.string({ unit: "binary", maxLength: 20 }).map((each) => Buffer.from(each)),
    fc.uint8Array({ maxLength: 8 }).map((each) => Buffer.from(each)),
    fc
      .array(fc.constantFrom(0xe2, 0x82, 0xac, 0xf0, 0x9f, 0x98, 0x80, 0xed, 0xa0, 0xc0, 0x61), {
        maxLength: 8,
      })
      .map((each) => Buffer.from(each)),
  );
  fc.assert(
    fc.property(
      fc.array(bytes, { maxLength: 4 }),
      fc.array(fc.integer({ min: 0, max: 4 })),
      (parts, sizes) => {
        const whole = Buffer.concat(parts);
        const check = new Utf8Check();
        let isGood = true;
        let at = 0;
        for (const size of [...sizes, whole.length]) {
          isGood &&= check.push(whole.subarray(at, at + size));
          at = Math.min(at + size, whole.length);
        }
        assert.equal(isGood && check.end(), isUtf8(whole), whole.toString("hex"));
      },
    ),
    { numRuns: 400 },
  );
});

test("what no text begins with is refused at its first wrong byte", () => {
  for (const bytes of ["ff", "c0", "f5", "e080", "eda0", "f080", "f490", "e228", "f09f28", "80"]) {
    const whole = Buffer.from(bytes, "hex");
    const last = whole.length - 1;
    const check = new Utf8Check();
    assert.ok(last === 0 || check.push(whole.subarray(0, last)), bytes);
    assert.equal(check.push(whole.subarray(last)), false, bytes);
    assert.equal(new Utf8Check().push(whole), false, bytes);
  }
});

test("the handshake of RFC 6455 1.3, and those that are none", () => {
  const headers = {
    upgrade: "WebSocket",
    connection: "keep-alive, Upgrade",
    "sec-websocket-version": "13",
    "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
    "sec-websocket-protocol": "chat, superchat",
  };
  const offer = readOffer({ method: "GET", httpVersion: "1.1", headers });
  assert.deepEqual(offer, { key: "dGhlIHNhbXBsZSBub25jZQ==", names: ["chat", "superchat"] });
  if (!("key" in offer)) assert.fail("no handshake");
  assert.match(
    acceptanceOf(offer, "chat").toString(),
    /Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK\+xOo=\r\nSec-WebSocket-Protocol: chat\r\n\r\n$/,
  );
  const refused: [object, number][] = [
    [{ upgrade: undefined }, 426],
    [{ connection: "close" }, 426],
    [{ "sec-websocket-version": "8" }, 426],
    [{ "sec-websocket-key": "short" }, 400],
    [{ "sec-websocket-key": undefined }, 400],
    [{ "content-length": "5" }, 400],
    [{ "sec-websocket-protocol": "a\r\nb" }, 400],
  ];
  for (const [other, status] of refused) {
    const answer = readOffer({ method: "GET", httpVersion: "1.1", headers: { ...headers, ...other } });
    assert.equal((answer as { status?: number }).status, status, JSON.stringify(other));
  }
  const form = {
    names: ["mqtt", "mqttv3.1"],
    isNameNeeded: true,
    sends: "binary",
    takesText: false,
  } as const;
  assert.equal(chooseName(form, ["mqttv3.1", "mqtt"]), "mqtt");
  assert.equal(chooseName({ ...form, isNameNeeded: false }, []), null);
  for (const offered of [[], ["stomp"]]) {
    assert.equal((chooseName(form, offered) as { status?: number }).status, 400);
  }
});
