/** Makes users over HTTP, as an operator does: for tests about what users may do. */
import assert from "node:assert/strict";
import type { TestBroker } from "./broker.ts";

export interface Permission {
  readonly configure: string;
  readonly write: string;
  readonly read: string;
}

export const nothingAllowed: Permission = { configure: "", write: "", read: "" };

export function basic(user: string, password: string): string {
  return `Basic ${Buffer.from(`${user}:${password}`).toString("base64")}`;
}

export interface ApiAnswer {
  readonly status: number;
  readonly body: unknown;
}

/** Asks as guest, unless `authorization` says otherwise. */
export async function api(
  broker: TestBroker,
  method: string,
  path: string,
  body?: unknown,
  authorization: string = basic("guest", "guest"),
): Promise<ApiAnswer> {
  const answer = await fetch(`http://127.0.0.1:${broker.ports.http}/api/${path}`, {
    method,
    headers: { authorization, "content-type": "application/json" },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await answer.text();
  return { status: answer.status, body: text === "" ? null : JSON.parse(text) };
}

export async function makeUser(
  broker: TestBroker,
  name: string,
  password: string,
  permission: Permission | null,
  tags = "",
): Promise<void> {
  assert.equal((await api(broker, "PUT", `users/${name}`, { password, tags })).status, 201);
  if (permission !== null) await permit(broker, name, permission);
}

export async function permit(broker: TestBroker, name: string, permission: Permission): Promise<void> {
  const { status } = await api(broker, "PUT", `permissions/%2F/${name}`, permission);
  assert.ok(status === 201 || status === 204, String(status));
}
