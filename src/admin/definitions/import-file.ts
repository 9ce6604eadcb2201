/** Imports a file of definitions at the start (`--definitions`). */
import { readFile } from "node:fs/promises";
import { definitionsIn } from "../../base/definitions/document.ts";
import { StartError } from "../../base/errors.ts";
import { parseJson } from "../../base/definitions/json.ts";
import { limits } from "../../base/limits.ts";
import { resultOf } from "../../base/turn-work.ts";
import type { Broker } from "../../broker/broker.ts";
import { Refusal } from "../answers.ts";
import type { QueueFault } from "../api/surroundings.ts";
import { importing } from "./import.ts";
import { withHashes } from "./passwords.ts";

/** Resolves when everything is made and on the disk. @throws StartError */
export async function importFile(broker: Broker, file: string, queueFault: QueueFault): Promise<void> {
  const given = definitionsIn(await parsed(file));
  if (typeof given === "string") throw failed(file, given);
  const document = await withHashes(broker, given);
  try {
    await resultOf(broker.work, importing(broker, document, { vhost: null, caller: null, queueFault }));
  } catch (error) {
    if (error instanceof Refusal) throw failed(file, error.message);
    throw error;
  }
  await broker.sync();
}

async function parsed(file: string): Promise<unknown> {
  try {
    return parseJson(await readFile(file, "utf8"), limits.definitionsDepthMax);
  } catch (error) {
    throw failed(file, error instanceof Error ? error.message : String(error));
  }
}

function failed(file: string, reason: string): StartError {
  return new StartError(1, `--definitions ${file}: ${reason}`);
}
