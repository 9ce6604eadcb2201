/** Addresses as sockets and resolvers spell them, and which are this machine's own. Not here: names (net/exposure.ts). */

/** An IPv4 address that an IPv6 socket shows as a mapped one is the same address. */
export function plainHost(host: string): string {
  return host.startsWith("::ffff:") ? host.slice("::ffff:".length) : host;
}

const loopback4 = /^(?:::ffff:)?127(?:\.\d{1,3}){3}$/i;

/** Whether no other machine can reach it. Of an address as sockets and resolvers spell it. Another spelling is not known for one, which is the safe error. */
export function isLoopbackAddress(address: string): boolean {
  return address === "::1" || loopback4.test(address);
}

/** Whether the text is an address rather than a name. */
export function isAddress(host: string): boolean {
  if (host.includes(":")) return true;
  const parts = host.split(".");
  return parts.length === 4 && parts.every((part) => /^(?:0|[1-9]\d{0,2})$/.test(part) && Number(part) < 256);
}

/** Whether the text is an address or can be a host's name, in any script: no scheme, port, path, bracket or blank. */
export function isHost(text: string): boolean {
  if (text.includes(":")) return /^[\da-f]*:[\da-f]*:[\da-f:.]*(?:%[\w.-]+)?$/i.test(text);
  // ASCII characters other than letters, digits, point, hyphen and underscore.
  return text !== "" && !/[\0-,/:-@[-^`{-\x7F]|\s/.test(text);
}
