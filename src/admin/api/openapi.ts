/**
 * The OpenAPI document of the API, made from the rows of its endpoints and the schemas of their bodies.
 *
 * Loaded when it is asked for. Invariant: an endpoint that is answered is in the document.
 */
import { toJsonSchema } from "@valibot/to-json-schema";
import { safeParse } from "valibot";
import type { Endpoint } from "./endpoint.ts";

const errorSchema = {
  type: "object",
  // RabbitMQ's reason is a text or, of some faults, a list; health checks have no error.
  properties: { error: { type: "string" }, reason: {} },
  required: ["reason"],
};

function parametersOf({ path, query = {} }: Endpoint): object[] {
  const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({
    name,
    in: "path",
    required: true,
    schema: { type: "string" },
  }));
  const inQuery = Object.entries(query).map(([name, description]) => ({
    name,
    in: "query",
    description,
    schema: { type: "string" },
  }));
  return [...inPath, ...inQuery];
}

const bodyTypes = { json: "application/json", form: "application/x-www-form-urlencoded" } as const;

function operationOf(endpoint: Endpoint): object {
  const { audience, summary, body, shape: bodyShape = body, bodyType = "json", answer } = endpoint;
  const shape = (schema: object): object => ({ "application/json": { schema } });
  const refusal = { description: "why not, and what to do", content: shape(errorSchema) };
  const good = {
    description: "done",
    ...(answer === undefined ? {} : { content: shape(toJsonSchema(answer, { errorMode: "ignore" })) }),
  };
  return {
    summary,
    description:
      audience === "anyone" ? "Needs no password." : `For users with the tag ${audience}, or one above it.`,
    parameters: parametersOf(endpoint),
    ...(bodyShape === undefined
      ? {}
      : {
          requestBody: {
            // Without a body it is an empty object.
            required: !safeParse(bodyShape, {}).success,
            content: {
              [bodyTypes[bodyType]]: {
                schema: toJsonSchema(bodyShape, { errorMode: "ignore", typeMode: "input" }),
              },
            },
          },
        }),
    responses: { "2XX": good, "4XX": refusal, "503": refusal },
    ...(audience === "anyone" ? { security: [] } : {}),
  };
}

export function openApiOf(endpoints: readonly Endpoint[], version: string): object {
  const paths: Record<string, Record<string, object>> = {};
  for (const each of endpoints) (paths[each.path] ??= {})[each.method.toLowerCase()] = operationOf(each);
  return {
    openapi: "3.1.0",
    info: { title: "TroikaMQ", version },
    security: [{ basic: [] }],
    components: { securitySchemes: { basic: { type: "http", scheme: "basic" } } },
    paths,
  };
}
