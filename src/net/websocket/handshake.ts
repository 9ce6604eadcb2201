/**
 * The handshake of WebSocket (RFC 6455 4.2), as far as it is text: what a request offers, and what answers it.
 *
 *     GET /path HTTP/1.1
 *     Connection: Upgrade / Upgrade: websocket / Sec-WebSocket-Version: 13 / Sec-WebSocket-Key: 16 bytes in base64
 *     Sec-WebSocket-Protocol: mqtt, …            (optional)
 *
 * Not here: who may ask (admin/), sockets (upgrade.ts). Extensions are not agreed to.
 */
import { createHash } from "node:crypto";
import type { HttpText } from "../../base/http.ts";
import type { WebSocketForm } from "../../protocols/contract.ts";

export interface Offer {
  readonly key: string;
  /** Sub-protocols, in the client's order. */
  readonly names: readonly string[];
}

export interface HandshakeRequest {
  readonly method?: string | undefined;
  readonly httpVersion: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
}

/** RFC 6455 1.3. */
const keySuffix = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
/** Names are tokens (RFC 9110 5.6.2). */
const namePattern = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const namesMax = 32;

function words(header: string | string[] | undefined): string[] {
  const text = Array.isArray(header) ? header.join(",") : (header ?? "");
  return text.split(",", namesMax + 1).map((word) => word.trim());
}

export function wantsWebSocket({ headers }: HandshakeRequest): boolean {
  const isAsked = (header: string, word: string): boolean =>
    words(headers[header]).some((given) => given.toLowerCase() === word);
  return isAsked("upgrade", "websocket") && isAsked("connection", "upgrade");
}

/** What is offered, or the answer to a request that is no handshake. */
export function readOffer(request: HandshakeRequest): Offer | HttpText {
  const { headers, method, httpVersion } = request;
  if (!wantsWebSocket(request)) {
    return refuse(426, "this is spoken over WebSocket alone", {
      upgrade: "websocket",
      connection: "Upgrade",
    });
  }
  if (method !== "GET" || httpVersion !== "1.1") return refuse(400, "a handshake is a GET of HTTP/1.1");
  if (headers["sec-websocket-version"] !== "13") {
    return refuse(426, "Sec-WebSocket-Version is 13", { "sec-websocket-version": "13" });
  }
  const key = headers["sec-websocket-key"];
  if (typeof key !== "string" || !/^[+/0-9A-Za-z]{22}==$/.test(key)) {
    return refuse(400, "Sec-WebSocket-Key is no 16 bytes in base64");
  }
  if (headers["transfer-encoding"] !== undefined || (headers["content-length"] ?? "0") !== "0") {
    return refuse(400, "a handshake has no body");
  }
  const given = headers["sec-websocket-protocol"];
  const names = given === undefined ? [] : words(given);
  const isGood = names.length <= namesMax && names.every((name) => namePattern.test(name));
  return isGood ? { key, names } : refuse(400, "Sec-WebSocket-Protocol is no list of names");
}

/** The name to speak by, null for none, or the answer to who offers none that is known. */
export function chooseName(
  { names, isNameNeeded }: WebSocketForm,
  offered: readonly string[],
): string | null | HttpText {
  const chosen = names.find((name) => offered.includes(name));
  if (chosen !== undefined) return chosen;
  if (offered.length === 0 && !isNameNeeded) return null;
  return refuse(400, `Sec-WebSocket-Protocol has to offer ${names.join(" or ")}`);
}

export function acceptanceOf({ key }: Offer, name: string | null): Buffer {
  const digest = createHash("sha1")
    .update(key + keySuffix)
    .digest("base64");
  const chosen = name === null ? "" : `Sec-WebSocket-Protocol: ${name}\r\n`;
  return Buffer.from(
    `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${digest}\r\n${chosen}\r\n`,
    "latin1",
  );
}

export function refuse(status: number, reason: string, headers: Record<string, string> = {}): HttpText {
  return { status, type: "text/plain; charset=utf-8", body: `${reason}\n`, headers };
}
