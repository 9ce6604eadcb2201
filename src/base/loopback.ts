/** Which addresses are this machine's own, that no other machine can reach. Not here: names (net/exposure.ts). */

const loopback4 = /^(?:::ffff:)?127(?:\.\d{1,3}){3}$/i;

/** Of an address as sockets and resolvers spell it. Another spelling is not known for one, which is the safe error. */
export function isLoopbackAddress(address: string): boolean {
  return address === "::1" || loopback4.test(address);
}

/** Whether the text is an address rather than a name. */
export function isAddress(host: string): boolean {
  if (host.includes(":")) return true;
  const parts = host.split(".");
  return parts.length === 4 && parts.every((part) => /^(?:0|[1-9]\d{0,2})$/.test(part) && Number(part) < 256);
}
