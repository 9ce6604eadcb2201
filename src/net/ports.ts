/**
 * Checks the ports of a configuration, before any is opened.
 *
 * Not here: opening them (listen.ts), TLS (tls-options.ts). Invariant: a configuration that passes has at least one port, and no
 * two listeners on the same one. So a port that is found in use later belongs to another program.
 */
import type { Config } from "../base/config/config.ts";
import { flagOf, portOptions } from "../base/config/options.ts";
import type { PortOption } from "../base/config/listeners.ts";
import { StartError } from "../base/errors.ts";

/** @throws StartError */
export function checkPorts(config: Pick<Config, PortOption>): void {
  const open = portOptions.filter((name) => config[name] !== "off");
  if (open.length === 0) {
    throw new StartError(
      2,
      "every port is off, so nobody could connect; give one, such as --redis-port 6379",
    );
  }
  const owners = new Map<number, PortOption>();
  for (const name of open) {
    const port = config[name] as number;
    const owner = owners.get(port);
    if (owner !== undefined && port !== 0) {
      throw new StartError(
        2,
        `${flagOf(owner)} and ${flagOf(name)} are both ${port}; give each protocol a port of its own`,
      );
    }
    owners.set(port, name);
  }
}
