/**
 * PFSELFTEST: whether registers hold what is set, dense and sparse sketches agree, and estimates are as good as they should be. In
 * slices; fewer elements than redis tries.
 */
import type { Job } from "../../../base/turn-work.ts";
import type { CommandContext } from "../core/context.ts";
import { RedisError } from "../core/errors.ts";
import { answerInSlices } from "../core/sliced-reply.ts";
import { cardinalityOfSketch } from "./cardinality.ts";
import {
  denseBytes,
  elementRegister,
  elementRun,
  hashElement,
  registerAt,
  registerCount,
  setRegister,
  Sketch,
  sketchHeaderBytes,
} from "./sketch.ts";
import type { CommandRow } from "../core/command-spec.ts";

export const pfselftestCommand: CommandRow = {
  name: "pfselftest",
  arity: 1,
  flags: ["admin"],
  since: "2.8.9",
  summary: "Tests the HyperLogLog code.",
  internal: true,
  run: pfselftest,
};

const roundsOfRegisters = 10;
const elements = 100_000;
const elementsAtOnce = 100;
const standardError = 1.04 / Math.sqrt(registerCount);
const errorsAllowed = 6;

function pfselftest(context: CommandContext): void {
  answerInSlices(context, () => test(context));
}

function* test(context: CommandContext): Job<void> {
  yield* testRegisters(context);
  yield* testEstimates(context);
  context.reply.ok();
}

function* testRegisters({ broker: { random } }: CommandContext): Job<void> {
  const bytes = Buffer.alloc(denseBytes - sketchHeaderBytes);
  const runs = new Uint8Array(registerCount);
  for (let round = 0; round < roundsOfRegisters; round++) {
    for (let i = 0; i < registerCount; i++) setRegister(bytes, 0, i, (runs[i] = random.below(64)));
    for (let i = 0; i < registerCount; i++) {
      const found = registerAt(bytes, 0, i);
      if (found !== runs[i])
        throw new RedisError(`TESTFAILED Register ${i} should be ${runs[i]} but is ${found}`);
    }
    yield registerCount / 100;
  }
}

function* testEstimates({ broker: { random }, server }: CommandContext): Job<void> {
  const { sketchSparseBytesMax } = server.settings;
  const [dense, sparse] = [new Sketch(), new Sketch()];
  for (const sketch of [dense, sparse]) sketch.clear();
  dense.makeDense();
  const element = Buffer.alloc(8);
  const [low, high] = [random.below(2 ** 32), random.below(2 ** 32)];
  for (let count = 1, checkpoint = 1; count <= elements; count++) {
    element.writeUInt32LE((low ^ count) >>> 0, 0);
    element.writeUInt32LE(high, 4);
    hashElement(element, 0, element.length);
    dense.raise(elementRegister, elementRun, sketchSparseBytesMax);
    sparse.raise(elementRegister, elementRun, sketchSparseBytesMax);
    if (count % elementsAtOnce === 0) yield elementsAtOnce;
    if (count < checkpoint) continue;
    const estimate = cardinalityOfSketch(dense.bytes, 0, dense.length);
    if (count < sketchSparseBytesMax / 2 && !sparse.isSparse)
      throw new RedisError("TESTFAILED sparse encoding not used");
    if (estimate !== cardinalityOfSketch(sparse.bytes, 0, sparse.length))
      throw new RedisError("TESTFAILED dense/sparse disagree");
    const error = Math.abs(estimate - count);
    const errorMax = count === 10 ? 1 : Math.ceil(standardError * errorsAllowed * count);
    if (error > errorMax) throw new RedisError(`TESTFAILED Too big error. card:${count} abserr:${error}`);
    checkpoint *= 10;
  }
}
