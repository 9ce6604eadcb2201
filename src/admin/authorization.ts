/**
 * HTTP Basic (RFC 7617) against the broker's users. There are no sessions and no cookies: each request tells who asks.
 *
 *     authorization  "Basic" SP base64(user ":" password)
 */
import type { HttpRequest } from "../base/http.ts";
import type { Access } from "../broker/access.ts";

/** Whether the request may see all pages: everybody may, unless the broker was started with a password. */
export function isAllowed(access: Access, { authorization, remoteHost }: HttpRequest): boolean {
  if (!access.isRequired) return true;
  const encoded = /^basic +([a-z0-9+/=]+)$/i.exec(authorization ?? "")?.[1];
  if (encoded === undefined) return false;
  const text = Buffer.from(encoded, "base64").toString("utf8");
  const colon = text.indexOf(":");
  if (colon < 0) return false;
  return access.authenticate(text.slice(0, colon), text.slice(colon + 1), remoteHost) !== null;
}
