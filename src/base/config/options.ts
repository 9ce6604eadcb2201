/**
 * Every option of the broker, described once. Flags, environment names, file keys, the type `Config`, the help
 * and the documentation's page derive from this table; nothing else knows an option's name or default.
 *
 * Not here: where values come from and which wins (config.ts), how help looks (help.ts).
 * Invariant: every default is text that its own `parse` accepts.
 */
import { evictionPolicyNames } from "./eviction-policies.ts";
import { parseMemoryAmount } from "./memory-amount.ts";
import { isHost } from "../addresses.ts";
import { anyPortNames, listeners, portNames, portOptionOf, type PortOption, tlsNameOf } from "./listeners.ts";

/** A port to listen on: 0 takes a free one, `off` does not listen. */
export type PortSetting = number | "off";

export type LogLevel = "debug" | "info" | "warn" | "error" | "silent";

/** What a parser may know about the machine. */
export interface Machine {
  readonly memoryBytesTotal: number;
}

/** The JavaScript values that stand for an option's value: of these types, or one of these words. */
export interface Accepted {
  readonly types: readonly ("number" | "string" | "boolean")[];
  readonly words?: readonly string[];
}

interface Option<Value, Default extends string | undefined = string> {
  readonly help: string;
  /** How the value is shown in help, e.g. `PORT`. */
  readonly placeholder: string;
  /** The text that stands for a value not given. Undefined: the option stays unset. */
  readonly default: Default;
  /** Turns text into the value, or returns undefined if it is none. */
  readonly parse: (value: string, machine: Machine) => Value | undefined;
  /** What a good value is, to end the sentence "give …". */
  readonly expected: string;
  /** What a program that embeds the broker gives (embedding.ts); the value as text is what `parse` takes. */
  readonly accepts: Accepted;
  /** On the command line the name alone means `true`. */
  readonly isSwitch?: boolean;
  /** Never shown: not in an error, not in a log. */
  readonly isSecret?: boolean;
}

interface Description {
  readonly help: string;
  readonly default: string;
}

function port(description: Description): Option<PortSetting> {
  return {
    ...description,
    placeholder: "PORT",
    expected: "a port from 0 (any free one) to 65535, or off",
    accepts: { types: ["number"], words: ["off"] },
    parse: (value) => (value === "off" ? "off" : integerWithin(value, 0, 65_535)),
  };
}

function choice<const Values extends readonly string[]>(
  values: Values,
  description: Description,
): Option<Values[number]> {
  return {
    ...description,
    placeholder: values.join("|"),
    expected: `one of ${values.join(", ")}`,
    accepts: { types: [], words: values },
    parse: (value) => values.find((candidate) => candidate === value),
  };
}

function text<Default extends string | undefined>(description: {
  help: string;
  placeholder: string;
  default: Default;
  expected: string;
}): Option<string, Default> {
  return {
    ...description,
    accepts: { types: ["string"] },
    parse: (value) => (value === "" || hasControlCharacter(value) ? undefined : value),
  };
}

/** A host to listen on or to tell clients: what `host:port`, a URL or a stray blank would make of it fails much later. */
function host<Default extends string | undefined>(description: {
  help: string;
  default: Default;
}): Option<string, Default> {
  return {
    ...text({
      ...description,
      placeholder: "HOST",
      expected: "a host name or an address, without scheme, port or brackets",
    }),
    parse: (value) => (isHost(value) ? value : undefined),
  };
}

function file(help: string): Option<string, undefined> {
  return text({ help, placeholder: "FILE", default: undefined, expected: "a file" });
}

/** Off unless its name is given. */
function toggle(help: string): Option<boolean> {
  return {
    help,
    default: "false",
    placeholder: "",
    expected: "true or false",
    isSwitch: true,
    accepts: { types: ["boolean"] },
    parse: (value) => (value === "true" ? true : value === "false" ? false : undefined),
  };
}

function bytes(description: Description & { readonly least: number }): Option<number> {
  return {
    ...description,
    placeholder: "BYTES",
    expected:
      "a number of bytes, with KiB, MiB or GiB if you like, or a share of memory such as 40%" +
      (description.least > 0 ? `; at least ${description.least}` : ""),
    accepts: { types: ["number", "string"] },
    parse: (value, machine) => {
      const parsed = parseBytes(value, machine);
      return parsed !== undefined && parsed >= description.least ? parsed : undefined;
    },
  };
}

/** An amount of memory as redis writes it, or as other options have it. */
function memory(help: string): Option<number> {
  return {
    help,
    placeholder: "BYTES",
    default: "0",
    expected:
      "a number of bytes, with kb, mb, gb, KiB, MiB or GiB if you like, or a share of memory such as 40%",
    accepts: { types: ["number", "string"] },
    parse: (value, machine) => parseBytes(value, machine) ?? parseMemoryAmount(value),
  };
}

function numberWithin(
  description: Description & { readonly least: number; readonly most: number },
): Option<number> {
  const { least, most } = description;
  return {
    ...description,
    placeholder: "NUMBER",
    expected: `a number from ${least} to ${most}`,
    ...wholeNumber(least, most),
  };
}

function wholeNumber(least: number, most: number): Pick<Option<number>, "accepts" | "parse"> {
  return { accepts: { types: ["number"] }, parse: (value) => integerWithin(value, least, most) };
}

/** A port to tell clients. */
function advertisedPortOption(help: string): Option<number, undefined> {
  return {
    help,
    placeholder: "PORT",
    default: undefined,
    expected: "a port from 1 to 65535",
    ...wholeNumber(1, 65_535),
  };
}

/** One row for each listener, and one for the same over TLS. */
const portRows = Object.fromEntries([
  ...portNames.map((name) => [
    portOptionOf(name),
    port({ help: `port of ${listeners[name].speaks}`, default: String(listeners[name].port) }),
  ]),
  ...portNames.map((name) => {
    const { speaks, tlsPort } = listeners[name];
    return [
      portOptionOf(tlsNameOf(name)),
      port({ help: `port of ${speaks} over TLS, such as ${tlsPort}`, default: "off" }),
    ];
  }),
]) as { readonly [Name in PortOption]: Option<PortSetting> };

export const options = {
  host: host({
    help: "name or address to listen on; localhost is 127.0.0.1 and, where there is one, ::1",
    default: "localhost",
  }),
  password: {
    ...text({
      help: "password for clients of every protocol: of Redis's default user and of --user; set it in the environment or the file, since other users can read a command line",
      placeholder: "PASSWORD",
      default: undefined,
      expected: "at least one character and no control characters",
    }),
    isSecret: true,
  } as Option<string, undefined>,
  user: text({
    help: "name that AMQP and Kafka clients give with the password",
    placeholder: "NAME",
    default: "guest",
    expected: "a name",
  }),
  insecure: toggle("listen on addresses beyond this machine without a password"),
  dataDir: text({
    help: "directory for all stored data; with the value memory nothing is stored",
    placeholder: "DIR",
    default: "./troikamq-data",
    expected: "a directory, or memory",
  }),
  ...portRows,
  tlsCert: file(
    "PEM file with the server certificate, followed by its intermediate certificates; read again at SIGHUP",
  ),
  tlsKey: file("PEM private key of the certificate, without a passphrase; read again at SIGHUP"),
  tlsCa: file(
    "PEM file with certificates of authorities; clients of the TLS ports must then show a certificate signed by one of them",
  ),
  amqpCertificateLogin: choice(["distinguished_name", "common_name", "subject_alternative_name"], {
    help: "what names the user in a client's certificate, for AMQP's EXTERNAL; needs --tls-ca",
    default: "distinguished_name",
  }),
  connectionsMax: {
    help: "most open connections of Redis, AMQP and Kafka together; auto is the open-file limit (ulimit -n) minus 400, at most 100,000",
    placeholder: "NUMBER",
    default: "auto",
    expected: "a number from 1, or auto",
    accepts: { types: ["number"], words: ["auto"] },
    parse: (value) => (value === "auto" ? "auto" : integerWithin(value, 1, 9_999_999)),
  } as Option<number | "auto">,
  connectionsPerAddressMax: {
    help: "most of these connections from one address; 0 is no limit",
    placeholder: "NUMBER",
    default: "0",
    expected: "a number from 0",
    ...wholeNumber(0, 9_999_999),
  } as Option<number>,
  definitions: file(
    "RabbitMQ's definitions (definitions.json) that are imported at each start: what is missing is made, users, policies and parameters are set",
  ),
  config: text({
    help: "YAML file with any of these options, each under its name without the dashes",
    placeholder: "FILE",
    default: undefined,
    expected: "a file",
  }),
  logLevel: choice(["debug", "info", "warn", "error", "silent"], {
    help: "least severe level that is logged to stderr",
    default: "info",
  }),
  advertisedHost: host({
    help: "host that Kafka clients are told to use; by default the address that they connected to",
    default: undefined,
  }),
  advertisedPort: advertisedPortOption(
    "port that Kafka clients are told to use; by default the one they connected to",
  ),
  advertisedTlsPort: advertisedPortOption("the same for Kafka clients that connected over TLS"),
  redisClusterEnabled: toggle(
    "answer Redis Cluster clients as a cluster of this one node: it owns all slots and refuses what a cluster refuses",
  ),
  redisClusterAnnounceHost: host({
    help: "host that Redis Cluster clients are told to use; by default the address that they connected to",
    default: undefined,
  }),
  redisClusterAnnouncePort: advertisedPortOption(
    "port that Redis Cluster clients are told to use; by default the one they connected to",
  ),
  redisClusterAnnounceTlsPort: advertisedPortOption(
    "the same for Redis Cluster clients that connected over TLS",
  ),
  durabilityRedisStreams: choice(["fsync", "written", "memory"], {
    help: "when XADD is answered: fsync, once it is on disk; written, once the operating system has it; memory is the same as written",
    default: "fsync",
  }),
  durabilityKafka: choice(["fsync", "written"], {
    help: "when acks=all is answered: fsync, once it is on disk; written, once the operating system has it, as in Kafka by default",
    default: "fsync",
  }),
  redisAppendfsync: choice(["always", "everysec", "no"], {
    help: "when changes of Redis keys are on disk: always, before their answer; everysec, within a second; no, when the operating system writes them",
    default: "everysec",
  }),
  redisPubsubHistory: text({
    help: "Pub/Sub channels that keep their last messages for subscribers that come back: pattern window-ms messages bytes [memory], and a comma before the next rule",
    placeholder: "RULES",
    default: undefined,
    expected: "rules such as 'news.* 60000 1000 1048576'",
  }),
  redisSettings: {
    ...text({
      help: "what CONFIG SET is to set at each start, as redis.conf has it: name value, and a semicolon or a new line before the next",
      placeholder: "SETTINGS",
      default: undefined,
      expected: "settings such as 'notify-keyspace-events KEA; slowlog-max-len 256'",
    }),
    parse: (value) => (value === "" || hasControlCharacter(value.replaceAll("\n", " ")) ? undefined : value),
  },
  redisShutdown: toggle("let Redis clients stop the broker, all of its protocols, by SHUTDOWN"),
  redisDebugCommand: choice(["no", "local", "yes"], {
    help: "who may send the Redis command DEBUG: nobody, clients on this machine, everybody",
    default: "no",
  }),
  journalBytesMax: bytes({
    help: "size of the journal above which its entries are moved to segments",
    default: "256MiB",
    least: 1_048_576,
  }),
  traceBytes: bytes({
    help: "what the events of traced messages (policy trace-sample) may take in the data directory; the oldest go first",
    default: "64MiB",
    least: 1_048_576,
  }),
  otlpEndpoint: {
    help: "OpenTelemetry collector to which the events of traced messages are sent as spans, by OTLP over HTTP",
    placeholder: "URL",
    default: undefined,
    expected: "an address such as http://127.0.0.1:4318",
    accepts: { types: ["string"] },
    parse: (value) => (URL.canParse(value) && /^https?:$/.test(new URL(value).protocol) ? value : undefined),
  } as Option<string, undefined>,
  diskFreeBytesMin: {
    help: "publishers wait while the disk of --data-dir has less free space; auto is 64MiB, or an eighth of a smaller disk",
    placeholder: "SIZE",
    default: "auto",
    expected: "auto or a size such as 1GiB",
    accepts: { types: ["number", "string"] },
    parse: (value, machine) =>
      value === "auto" || value.endsWith("%") ? automatic(value) : parseBytes(value, machine),
  } as Option<number | "auto">,
  memoryBytesMax: bytes({
    help: "publishers wait while records that are kept in memory only take more than this; 0 is no limit",
    default: "40%",
    least: 0,
  }),
  redisMaxmemory: memory(
    "memory of Redis keys and values, streams not counted, above which keys are evicted; 0 is no limit; CONFIG SET maxmemory changes it",
  ),
  redisMaxmemoryPolicy: choice(evictionPolicyNames, {
    help: "which Redis keys are evicted",
    default: "noeviction",
  }),
  redisMaxmemorySamples: numberWithin({
    help: "Redis keys that are looked at for each that is evicted; at most 64 are",
    default: "5",
    least: 1,
    most: 2_147_483_647,
  }),
  redisMaxmemoryEvictionTenacity: numberWithin({
    help: "how much of one command's time may go into evicting Redis keys, from 0 to 100",
    default: "10",
    least: 0,
    most: 100,
  }),
  redisLfuLogFactor: numberWithin({
    help: "for the lfu policies: how many more uses the next step of a key's counter takes",
    default: "10",
    least: 0,
    most: 2_147_483_647,
  }),
  redisLfuDecayTime: numberWithin({
    help: "for the lfu policies: minutes without a use after which a key's counter goes down by one; 0 is never",
    default: "1",
    least: 0,
    most: 2_147_483_647,
  }),
  redisMaxmemoryClients: {
    help: "memory of all Redis connections together above which those that hold the most are closed; a share such as 5% is one of --redis-maxmemory; 0 is no limit",
    placeholder: "BYTES",
    default: "0",
    expected: "a number of bytes, with kb, mb or gb if you like, or a share from 0% to 100%",
    accepts: { types: ["string"] },
    parse: (value) =>
      /^([1-9]\d?|100)%$/.test(value) ? value : parseMemoryAmount(value === "0%" ? "0" : value)?.toString(),
  } as Option<string>,
} satisfies Record<string, Option<unknown, string | undefined>>;

export type OptionName = keyof typeof options;

/** A value with a default is never undefined. */
type ValueOf<Row> =
  Row extends Option<infer Value, infer Default>
    ? Default extends string
      ? Value
      : Value | undefined
    : never;

/** The settled value of every option. */
export type Config = { readonly [Name in OptionName]: ValueOf<(typeof options)[Name]> };

export const optionNames = Object.keys(options) as OptionName[];

/** The ports to listen on. */
export const portOptions: readonly PortOption[] = anyPortNames.map(portOptionOf);

/** Prefix of every environment variable of the broker. */
export const environmentPrefix = "TROIKAMQ_";

/** Names under the prefix that are not options of this version; a trailing `*` stands for any ending. */
export const environmentReserved: readonly string[] = [
  "TROIKAMQ_RUNTIME",
  "TROIKAMQ_ASSERTS",
  "TROIKAMQ_LAUNCHER_FD",
  "TROIKAMQ_REDIS_URL",
  "TROIKAMQ_URL",
  "TROIKAMQ_CONTEXT",
  "TROIKAMQ_TEST_*",
  "TROIKAMQ_MQTT_PORT",
  "TROIKAMQ_STOMP_PORT",
];

/** `redisPort` in a file: `redis-port`. */
export function fileKeyOf(name: OptionName): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

/** `redisPort` on the command line: `--redis-port`. */
export function flagOf(name: OptionName): string {
  return `--${fileKeyOf(name)}`;
}

/** `redisPort` in the environment: `TROIKAMQ_REDIS_PORT`. */
export function environmentNameOf(name: OptionName): string {
  return environmentPrefix + fileKeyOf(name).replaceAll("-", "_").toUpperCase();
}

function integerWithin(value: string, least: number, most: number): number | undefined {
  if (!/^\d{1,10}$/.test(value)) return undefined;
  const number = Number(value);
  return number >= least && number <= most ? number : undefined;
}

/** A share would be one of memory. */
function automatic(value: string): "auto" | undefined {
  return value === "auto" ? value : undefined;
}

const byteUnits: Record<string, number> = { "": 1, KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3 };

function parseBytes(value: string, machine: Machine): number | undefined {
  const share = /^(\d{1,3})%$/.exec(value);
  if (share !== null) {
    const percent = Number(share[1]);
    return percent <= 100 ? Math.floor((machine.memoryBytesTotal * percent) / 100) : undefined;
  }
  const amount = /^(\d{1,15})(KiB|MiB|GiB)?$/.exec(value);
  if (amount === null) return undefined;
  const size = Number(amount[1]) * byteUnits[amount[2] ?? ""]!;
  return Number.isSafeInteger(size) ? size : undefined;
}

function hasControlCharacter(value: string): boolean {
  for (let i = 0; i < value.length; i++) if (value.charCodeAt(i) < 0x20) return true;
  return false;
}
