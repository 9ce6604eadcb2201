/** Where AMQP is spoken: on the host of the HTTP interface, at the port that the broker tells; over TLS where HTTP is. */
import { CliFault } from "../fault.ts";
import type { Api } from "./api.ts";

export interface AmqpAddress {
  readonly host: string;
  readonly port: number;
  readonly isTls: boolean;
  readonly user: string;
  readonly password: string;
  readonly vhost: string;
}

interface Listener {
  readonly protocol: string;
  readonly port: number;
}

/** @throws CliFault */
export async function amqpAddressOf(api: Api): Promise<AmqpAddress> {
  const { url, user, password, vhost } = api.target;
  const { protocol, hostname } = new URL(url);
  const isTls = protocol === "https:";
  const { listeners } = await api.get<{ readonly listeners: readonly Listener[] }>("/api/overview", {
    columns: "listeners",
  });
  const wanted = isTls ? "amqp/ssl" : "amqp";
  const found = listeners.find((listener) => listener.protocol === wanted);
  if (found === undefined)
    throw new CliFault("refused", `the broker at ${url} has no port for ${wanted}; start it with one`);
  return { host: hostname.replace(/^\[(.*)\]$/, "$1"), port: found.port, isTls, user, password, vhost };
}
