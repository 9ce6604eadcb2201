/** The OpenAPI document says of every endpoint what a client needs to ask it. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { apiRouter } from "../../../src/admin/api/index.ts";
import { nothingAround } from "../../../src/admin/api/surroundings.ts";
import type { HttpText } from "../../../src/base/http.ts";
import type { Broker } from "../../../src/broker/broker.ts";

interface Operation {
  readonly parameters: readonly { readonly name: string; readonly in: string }[];
  readonly requestBody?: {
    readonly required: boolean;
    readonly content: Readonly<Record<string, { readonly schema: { type?: string } }>>;
  };
}

async function document(): Promise<Readonly<Record<string, Readonly<Record<string, Operation>>>>> {
  const request = { method: "GET", url: "/api/openapi.json", remoteHost: "", reason: undefined };
  const broker = { hasUnwrittenDefinitions: false } as Broker;
  const answer = await apiRouter.answer(broker, null, request as never, request.url, nothingAround);
  return (JSON.parse((answer as HttpText).body) as { paths: never }).paths;
}

test("every place of a path is a parameter, and every body has a shape", async () => {
  let bodies = 0;
  for (const [path, operations] of Object.entries(await document())) {
    for (const [method, { parameters, requestBody }] of Object.entries(operations)) {
      const places = parameters.filter((each) => each.in === "path").map(({ name }) => `{${name}}`);
      assert.deepEqual([...path.matchAll(/\{\w+\}/g)].flat(), places, path);
      for (const { schema } of Object.values(requestBody?.content ?? {})) {
        assert.equal(schema.type, "object", `${method} ${path}`);
        bodies++;
      }
    }
  }
  assert.ok(bodies > 20, `${bodies} bodies`);
});

test("a body is required where an empty one is refused", async () => {
  const paths = await document();
  const isRequired = (path: string): boolean => {
    const { post, put } = paths[path]!;
    return (post ?? put)!.requestBody!.required;
  };
  assert.equal(isRequired("/api/queues/{vhost}/{name}/get"), true);
  assert.equal(isRequired("/api/queues/{vhost}/{name}"), false);
});

test("a form is told as one", async () => {
  const { content } = (await document())["/api/login"]!["post"]!.requestBody!;
  assert.deepEqual(Object.keys(content), ["application/x-www-form-urlencoded"]);
});
