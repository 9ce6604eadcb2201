/**
 * The body of a request: read within its bound, parsed, and held against the schema of its endpoint.
 *
 * Not here: the schemas, which stand beside their endpoints. Invariant: what does not fit is refused with the path of the fault and
 * what would fit, before the endpoint runs.
 */
import { flatten, safeParse } from "valibot";
import type { HttpRequest } from "../../base/http.ts";
import { limits } from "../../base/limits.ts";
import { type Reason, Refusal } from "../answers.ts";
import type { Endpoint } from "./endpoint.ts";

export function badRequest(reason: Reason): Refusal {
  return new Refusal(400, "bad_request", reason);
}

/** @throws Refusal */
export async function bodyFor(
  { body: schema, bodyBytesMax }: Endpoint,
  request: HttpRequest,
): Promise<unknown> {
  if (schema === undefined) return undefined;
  const { success, output, issues } = safeParse(schema, await readJson(request, bodyBytesMax));
  if (success) return output;
  const { root = [], nested = {} } = flatten(issues);
  const faults = Object.entries(nested).map(([path, texts]) => `${path}: ${texts!.join("; ")}`);
  throw badRequest([...root, ...faults].join("; "));
}

/** An empty body is an empty object, as in RabbitMQ. @throws Refusal */
async function readJson(request: HttpRequest, bytesMax: number = limits.httpBodyBytesMax): Promise<unknown> {
  const body = await request.body(bytesMax);
  if ("fault" in body) {
    if (body.fault === "cut off") throw badRequest("the body ended before its content-length");
    const kibibytes = bytesMax >> 10;
    throw new Refusal(413, "payload_too_large", `the body is longer than ${kibibytes} KiB`);
  }
  if (body.text === "") return {};
  try {
    return JSON.parse(body.text);
  } catch {
    throw badRequest("not_json: the body is no JSON");
  }
}
