/**
 * What the broker listens for, described once: the options of ports, `StartOptions.ports`, the wiring's table of protocols,
 * the declarations of the library and the tests derive from this list.
 *
 * Not here: what is spoken (protocols/), how a port is opened (net/listen.ts).
 */
export const listeners = {
  redis: { speaks: "the Redis protocol", port: 6379, tlsPort: 6380 },
  amqp: { speaks: "AMQP 0-9-1", port: 5672, tlsPort: 5671 },
  kafka: { speaks: "the Kafka protocol", port: 9092, tlsPort: 9093 },
  http: { speaks: "health, metrics and the HTTP interface", port: 15_672, tlsPort: 15_671 },
} as const;

export type PortName = keyof typeof listeners;
/** `redisTls` and so on: the same protocol over TLS. */
export type AnyPortName = PortName | `${PortName}Tls`;
export type PortOption = `${AnyPortName}Port`;

export const portNames = Object.keys(listeners) as PortName[];

/** `redis` over TLS: `redisTls`. */
export function tlsNameOf<Name extends PortName>(name: Name): `${Name}Tls` {
  return `${name}Tls`;
}

/** `redisTls`: its option `redisTlsPort`. */
export function portOptionOf<Name extends AnyPortName>(name: Name): `${Name}Port` {
  return `${name}Port`;
}

/** Plain ports, then those with TLS: the order in which they are shown. */
export const anyPortNames: readonly AnyPortName[] = [...portNames, ...portNames.map(tlsNameOf)];

/** `redisTlsPort` under `ports`: `redisTls`. */
export function portNameOf(option: PortOption): AnyPortName {
  return anyPortNames.find((name) => portOptionOf(name) === option)!;
}
