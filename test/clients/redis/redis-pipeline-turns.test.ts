/** A long pipeline is run over several turns: others are served between its requests, and all of it is run. */
import assert from "node:assert/strict";
import net from "node:net";
import test from "node:test";
import { limits } from "../../../src/base/limits.ts";
import { startTestBroker } from "../../support/broker.ts";

const requests = 10_000;
/** CONFIG GET is a job, of which the end alone costs so many units of a turn's work (base/turn-work.ts). */
const unitsMin = 32;
const turnsMin = Math.floor((requests * unitsMin) / limits.turnWorkUnits);

function requestOf(...words: string[]): string {
  return `*${words.length}\r\n${words.map((word) => `$${word.length}\r\n${word}\r\n`).join("")}`;
}

function open(port: number): net.Socket {
  return net.connect({ port, host: "127.0.0.1", noDelay: true, allowHalfOpen: true });
}

function allOf(socket: net.Socket): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = "";
    socket.setEncoding("latin1");
    socket.on("data", (part: string) => (text += part));
    socket.on("error", reject);
    socket.on("end", () => resolve(text));
  });
}

test("a pipeline whose sender ends behind it is run to its end, in order", async () => {
  const broker = await startTestBroker();
  try {
    const socket = open(broker.ports.redis);
    const answer = allOf(socket);
    const names = Array.from({ length: 100_000 }, (_, i) => `none${i}`);
    socket.end(
      Array.from({ length: requests }, () => requestOf("INCR", "n")).join("") +
        requestOf("DEL", ...names) +
        requestOf("INCR", "n"),
    );
    const expected = Array.from({ length: requests }, (_, i) => `:${i + 1}\r\n`).join("");
    assert.equal(await answer, `${expected}:0\r\n:${requests + 1}\r\n`);
    socket.destroy();
  } finally {
    await broker.stop();
  }
});

test("between the requests of a pipeline others are served", async () => {
  const broker = await startTestBroker();
  try {
    const long = open(broker.ports.redis);
    let answered = 0;
    const end = new Promise<void>((resolve) => {
      long.on("data", (bytes: Buffer) => {
        answered += bytes.toString("latin1").split("*0\r\n").length - 1;
        if (answered >= requests) resolve();
      });
    });
    // Counted by the broker: how often another client is answered meanwhile depends on the machine.
    const turnsBefore = await broker.metric("troikamq_turns_continued_total");
    // What is sent at once is read at once.
    const request = requestOf("CONFIG", "GET", "nope*");
    long.write(Array.from({ length: requests }, () => request).join(""));
    await end;
    const turns = (await broker.metric("troikamq_turns_continued_total")) - turnsBefore;
    assert.ok(turns >= turnsMin, `${turns} turns`);
    long.destroy();
  } finally {
    await broker.stop();
  }
});
