/** What a suite asks to be on the server: users, virtual hosts and permissions, by the management API. */
export const everything = { configure: ".*", write: ".*", read: ".*" } as const;

/** Bodies by path. */
export async function putAll(api: string, bodies: Readonly<Record<string, object>>): Promise<void> {
  const headers = {
    authorization: `Basic ${Buffer.from("guest:guest").toString("base64")}`,
    "content-type": "application/json",
  };
  for (const [path, body] of Object.entries(bodies)) {
    const response = await fetch(`${api}/${path}`, { method: "PUT", headers, body: JSON.stringify(body) });
    if (!response.ok) throw new Error(`PUT ${path}: ${response.status} ${await response.text()}`);
  }
}
