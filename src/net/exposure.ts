/**
 * Checks whether other machines could reach a listener, and refuses that without a password.
 *
 * Not here: passwords (broker/access/access.ts). Invariant: the broker listens on the address that was checked: a name is resolved
 * once, and from then on only its address counts.
 */
import { StartError } from "../base/errors.ts";
import { isAddress, isLoopbackAddress } from "../base/addresses.ts";

export interface Exposure {
  readonly host: string;
  readonly password: string | undefined;
  readonly insecure: boolean;
}

/** The host to listen on: `localhost` (both loopback addresses), or one address. @throws StartError */
export async function settleHost({ host, password, insecure }: Exposure): Promise<string> {
  if (host === "localhost") return host;
  const address = isAddress(host) ? host : await resolve(host);
  if (isLoopbackAddress(address) || password !== undefined || insecure) return address;
  const shown = host === address ? host : `${host} (${address})`;
  throw new StartError(
    2,
    `--host ${shown} can be reached by others and no password is set; set one with TROIKAMQ_PASSWORD or --password, ` +
      "or let everybody in with --insecure",
  );
}

async function resolve(host: string): Promise<string> {
  // Only loaded for names: most brokers are started without one.
  const { lookup } = await import("node:dns/promises");
  try {
    return (await lookup(host)).address;
  } catch {
    throw new StartError(
      2,
      `--host ${JSON.stringify(host)} is neither an address nor a name that this machine can resolve`,
    );
  }
}
