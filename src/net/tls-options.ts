/**
 * Finds out which TLS listeners are wanted, and whether all options that they need are given.
 *
 * Not here: the certificate itself (tls.ts), which is only loaded if there is a TLS listener, so that a broker without TLS pays
 * nothing for it.
 */
import type { Config } from "../base/config/config.ts";
import { type PortName, portNames, portOptionOf, tlsNameOf } from "../base/config/listeners.ts";
import { flagOf } from "../base/config/options.ts";
import { StartError } from "../base/errors.ts";
import type { TlsFiles } from "./tls.ts";

const tlsPorts = portNames.map((name) => portOptionOf(tlsNameOf(name)));

export type TlsOptions = Pick<Config, `${PortName}TlsPort` | "tlsCert" | "tlsKey" | "tlsCa">;

/** The files to read, or null without TLS listeners. @throws StartError */
export function wantedTls(config: TlsOptions): TlsFiles | null {
  const { tlsCert: cert, tlsKey: key, tlsCa: ca } = config;
  const port = tlsPorts.find((name) => config[name] !== "off");
  if (port !== undefined && (cert === undefined || key === undefined)) {
    throw new StartError(2, `${flagOf(port)} needs a certificate; give --tls-cert FILE and --tls-key FILE`);
  }
  if ((cert === undefined) !== (key === undefined)) {
    const [given, missing] = cert === undefined ? ["--tls-key", "--tls-cert"] : ["--tls-cert", "--tls-key"];
    throw new StartError(2, `${given} is given and ${missing} is not; give both or neither`);
  }
  if (port !== undefined) return { cert: cert!, key: key!, ca };
  if (cert === undefined && ca === undefined) return null;
  // An operator who gives a certificate believes that connections are encrypted.
  const given = cert === undefined ? "--tls-ca" : "--tls-cert";
  throw new StartError(2, `${given} is given and no TLS port; give one, such as --redis-tls-port 6380`);
}
