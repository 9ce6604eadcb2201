/**
 * HTTP Basic (RFC 7617) against the broker's users. There are no sessions and no cookies: each request tells who asks,
 * so that no page of another site can ask in somebody's name.
 *
 *     authorization  "Basic" SP base64(user ":" password)
 */
import type { HttpRequest } from "../base/http.ts";
import type { Access } from "../broker/access/access.ts";
import type { Authorization } from "../broker/access/permissions.ts";

/** The user of the request, if the password is right. */
export function whoAsks(
  access: Access,
  { authorization, remoteHost }: HttpRequest,
): Promise<Authorization | null> {
  const encoded = /^basic +([a-z0-9+/=]+)$/i.exec(authorization ?? "")?.[1];
  const text = encoded === undefined ? "" : Buffer.from(encoded, "base64").toString("utf8");
  const colon = text.indexOf(":");
  if (colon < 0) return Promise.resolve(null);
  return logIn(access, { name: text.slice(0, colon), password: text.slice(colon + 1), remoteHost });
}

interface Claim {
  readonly name: string;
  readonly password: string;
  readonly remoteHost: string;
}

/** The user of that name, if the password is right. */
export function logIn(access: Access, claim: Claim): Promise<Authorization | null> {
  return new Promise((resolve) => access.logIn({ protocol: "http", ...claim }, resolve));
}

const addressPattern = /^(localhost|\d{1,3}(\.\d{1,3}){3}|\[[0-9a-f:.]+\])(:\d+)?$/i;

/**
 * Whether the request was meant for this machine. A web page may let its own name resolve to 127.0.0.1, and then read, as its own
 * site, answers that need no password. With an address as host that is impossible.
 */
export function isOwnHost(host: string | undefined): boolean {
  return host === undefined || addressPattern.test(host);
}

/** Whether a page of another site asks (the browser says so; others send no Origin). */
export function isForeign({ origin, host }: HttpRequest): boolean {
  return origin !== undefined && origin.replace(/^https?:\/\//, "") !== host;
}
