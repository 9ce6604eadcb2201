/**
 * The body of a request: read within its bound, parsed within another, and held against the schema of its endpoint.
 *
 * Not here: the schemas, which stand beside their endpoints. Invariant: what does not fit is refused with the path of the fault and
 * what would fit, before the endpoint runs.
 */
import { flatten, getDotPath, safeParse } from "valibot";
import { BrokerError } from "../../base/errors.ts";
import type { HttpRequest } from "../../base/http.ts";
import { parsing } from "../../base/definitions/json.ts";
import { limits } from "../../base/limits.ts";
import { resultOf, type TurnWork } from "../../base/turn-work.ts";
import { Refusal } from "../answers.ts";
import { type Endpoint, isOurs } from "./endpoint.ts";
import { knownFieldsIn, wordsOf } from "./schemas.ts";

export function badRequest(reason: unknown): Refusal {
  return new Refusal(400, "bad_request", reason);
}

/** @throws Refusal */
export async function bodyFor(
  { path: endpointPath, body: schema, bodyType, bodyBytesMax, bodyDepthMax }: Endpoint,
  request: HttpRequest,
  work: TurnWork,
): Promise<unknown> {
  if (schema === undefined) return undefined;
  const bodyWords = isOurs(endpointPath) ? ourWords : rabbitWords;
  const text = await readText(request, bodyBytesMax);
  const value =
    bodyType === "form"
      ? Object.fromEntries(new URLSearchParams(text))
      : await jsonIn(text, bodyDepthMax ?? limits.jsonDepthMax, { work, words: bodyWords });
  const { success, output, issues } = safeParse(schema, value);
  if (success) return output;
  for (const issue of issues) {
    const known = knownFieldsIn(issue.message);
    // Before what is missing: it may stand there under another name.
    if (known !== undefined) throw badRequest(`unknown field '${getDotPath(issue)}': ${known}`);
  }
  const missing = issues.flatMap(({ received, path }) =>
    received === "undefined" && path?.length === 1 ? [String(path[0].key)] : [],
  );
  if (missing.length > 0) throw badRequest(bodyWords.missing(missing));
  for (const { message } of issues) {
    const words = wordsOf(message);
    if (words !== undefined) throw new Refusal(400, "bad_request", words);
  }
  const { root = [], nested = {} } = flatten(issues);
  const faults = Object.entries(nested).map(([path, texts]) => `${path}: ${texts!.join("; ")}`);
  throw badRequest([...root, ...faults].join("; "));
}

interface BodyWords {
  readonly notJson: string;
  readonly missing: (keys: readonly string[]) => string;
}

const rabbitWords: BodyWords = {
  notJson: "not_json",
  missing: (keys) => shownList(keys.map((key) => `{key_missing,${key}}`)),
};

/** Of what RabbitMQ has not: what to do. */
const ourWords: BodyWords = {
  notJson: 'the body is not JSON: give an object, such as {"vhost": "/"}; /api/openapi.json has its keys',
  missing: (keys) => `the body has no ${keys.join(", no ")}: give it; /api/openapi.json has all keys`,
};

const lineLengthMax = 80;

/** A list as Erlang prints it: in lines where one would be too long. */
function shownList(items: readonly string[]): string {
  const line = `[${items.join(",")}]`;
  return line.length <= lineLengthMax ? line : `[${items.join(",\n ")}]`;
}

/** @throws Refusal */
async function readText(request: HttpRequest, bytesMax: number = limits.httpBodyBytesMax): Promise<string> {
  const body = await request.body(bytesMax);
  if ("fault" in body) {
    if (body.fault === "cut off") throw badRequest("the body ended before its content-length");
    const kibibytes = bytesMax >> 10;
    throw new Refusal(413, "payload_too_large", `the body is longer than ${kibibytes} KiB`);
  }
  return body.text;
}

/** An empty body is an empty object, as in RabbitMQ. @throws Refusal */
async function jsonIn(
  text: string,
  depthMax: number,
  { work, words }: { readonly work: TurnWork; readonly words: BodyWords },
): Promise<unknown> {
  if (text === "") return {};
  try {
    return await resultOf(work, parsing(text, depthMax));
  } catch (error) {
    throw badRequest(error instanceof BrokerError ? error.message : words.notJson);
  }
}
