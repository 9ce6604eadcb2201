/** Types of the package `troikamq`. Written by `npm run docs` from src/base/config/options.ts and src/embed.ts. */

export type PortName = "redis" | "amqp" | "kafka" | "http";
/** `redisTls` and so on: the same protocol over TLS. */
export type AnyPortName = PortName | `${PortName}Tls`;

/** In brackets what is taken where nothing is given. */
export interface StartOptions {
  /** name or address to listen on; localhost is 127.0.0.1 and, where there is one, ::1 [localhost] */
  host?: string | undefined;
  /** password for clients of every protocol: of Redis's default user and of --user; set it in the environment or the file, since other users can read a command line */
  password?: string | undefined;
  /** name that AMQP and Kafka clients give with the password [guest] */
  user?: string | undefined;
  /** listen on addresses beyond this machine without a password [false] */
  insecure?: boolean | undefined;
  /** directory for all stored data; with the value memory nothing is stored [memory] */
  dataDir?: string | undefined;
  /** PEM file with the server certificate, followed by its intermediate certificates; read again at SIGHUP */
  tlsCert?: string | undefined;
  /** PEM private key of the certificate, without a passphrase; read again at SIGHUP */
  tlsKey?: string | undefined;
  /** PEM file with certificates of authorities; clients of the TLS ports must then show a certificate signed by one of them */
  tlsCa?: string | undefined;
  /** what names the user in a client's certificate, for AMQP's EXTERNAL; needs --tls-ca [distinguished_name] */
  amqpCertificateLogin?: "distinguished_name" | "common_name" | "subject_alternative_name" | undefined;
  /** most open connections of Redis, AMQP and Kafka together; auto is the open-file limit (ulimit -n) minus 400, at most 100,000 [auto] */
  connectionsMax?: number | "auto" | undefined;
  /** most of these connections from one address; 0 is no limit [0] */
  connectionsPerAddressMax?: number | undefined;
  /** RabbitMQ's definitions (definitions.json) that are imported at each start: what is missing is made, users, policies and parameters are set */
  definitions?: string | undefined;
  /** least severe level that is logged to stderr [warn] */
  logLevel?: "debug" | "info" | "warn" | "error" | "silent" | undefined;
  /** host that Kafka clients are told to use; by default the address that they connected to */
  advertisedHost?: string | undefined;
  /** port that Kafka clients are told to use; by default the one they connected to */
  advertisedPort?: number | undefined;
  /** the same for Kafka clients that connected over TLS */
  advertisedTlsPort?: number | undefined;
  /** answer Redis Cluster clients as a cluster of this one node: it owns all slots and refuses what a cluster refuses [false] */
  redisClusterEnabled?: boolean | undefined;
  /** host that Redis Cluster clients are told to use; by default the address that they connected to */
  redisClusterAnnounceHost?: string | undefined;
  /** port that Redis Cluster clients are told to use; by default the one they connected to */
  redisClusterAnnouncePort?: number | undefined;
  /** the same for Redis Cluster clients that connected over TLS */
  redisClusterAnnounceTlsPort?: number | undefined;
  /** when XADD is answered: fsync, once it is on disk; written, once the operating system has it; memory is the same as written [fsync] */
  durabilityRedisStreams?: "fsync" | "written" | "memory" | undefined;
  /** when acks=all is answered: fsync, once it is on disk; written, once the operating system has it, as in Kafka by default [fsync] */
  durabilityKafka?: "fsync" | "written" | undefined;
  /** when changes of Redis keys are on disk: always, before their answer; everysec, within a second; no, when the operating system writes them [everysec] */
  redisAppendfsync?: "always" | "everysec" | "no" | undefined;
  /** Pub/Sub channels that keep their last messages for subscribers that come back: pattern window-ms messages bytes [memory], and a comma before the next rule */
  redisPubsubHistory?: string | undefined;
  /** what CONFIG SET is to set at each start, as redis.conf has it: name value, and a semicolon or a new line before the next */
  redisSettings?: string | undefined;
  /** let Redis clients stop the broker, all of its protocols, by SHUTDOWN [false] */
  redisShutdown?: boolean | undefined;
  /** who may send the Redis command DEBUG: nobody, clients on this machine, everybody [no] */
  redisDebugCommand?: "no" | "local" | "yes" | undefined;
  /** size of the journal above which its entries are moved to segments [256MiB] */
  journalBytesMax?: number | string | undefined;
  /** what the events of traced messages (policy trace-sample) may take in the data directory; the oldest go first [64MiB] */
  traceBytes?: number | string | undefined;
  /** OpenTelemetry collector to which the events of traced messages are sent as spans, by OTLP over HTTP */
  otlpEndpoint?: string | undefined;
  /** publishers wait while the disk of --data-dir has less free space; auto is 64MiB, or an eighth of a smaller disk [auto] */
  diskFreeBytesMin?: number | string | undefined;
  /** publishers wait while records that are kept in memory only take more than this; 0 is no limit [40%] */
  memoryBytesMax?: number | string | undefined;
  /** memory of Redis keys and values, streams not counted, above which keys are evicted; 0 is no limit; CONFIG SET maxmemory changes it [0] */
  redisMaxmemory?: number | string | undefined;
  /** which Redis keys are evicted [noeviction] */
  redisMaxmemoryPolicy?:
    | "volatile-lru"
    | "volatile-lfu"
    | "volatile-random"
    | "volatile-ttl"
    | "allkeys-lru"
    | "allkeys-lfu"
    | "allkeys-random"
    | "noeviction"
    | undefined;
  /** Redis keys that are looked at for each that is evicted; at most 64 are [5] */
  redisMaxmemorySamples?: number | undefined;
  /** how much of one command's time may go into evicting Redis keys, from 0 to 100 [10] */
  redisMaxmemoryEvictionTenacity?: number | undefined;
  /** for the lfu policies: how many more uses the next step of a key's counter takes [10] */
  redisLfuLogFactor?: number | undefined;
  /** for the lfu policies: minutes without a use after which a key's counter goes down by one; 0 is never [1] */
  redisLfuDecayTime?: number | undefined;
  /** memory of all Redis connections together above which those that hold the most are closed; a share such as 5% is one of --redis-maxmemory; 0 is no limit [0] */
  redisMaxmemoryClients?: string | undefined;
  /** A number, 0 for a free port, or "off". */
  ports?:
    | {
        /** port of the Redis protocol [0] */
        redis?: number | "off" | undefined;
        /** port of AMQP 0-9-1 [0] */
        amqp?: number | "off" | undefined;
        /** port of the Kafka protocol [0] */
        kafka?: number | "off" | undefined;
        /** port of health, metrics and the HTTP interface [0] */
        http?: number | "off" | undefined;
        /** port of the Redis protocol over TLS, such as 6380 [off] */
        redisTls?: number | "off" | undefined;
        /** port of AMQP 0-9-1 over TLS, such as 5671 [off] */
        amqpTls?: number | "off" | undefined;
        /** port of the Kafka protocol over TLS, such as 9093 [off] */
        kafkaTls?: number | "off" | undefined;
        /** port of health, metrics and the HTTP interface over TLS, such as 15671 [off] */
        httpTls?: number | "off" | undefined;
      }
    | undefined;
}

export interface RunningBroker {
  /** Where each protocol listens; those that are off are absent. */
  readonly ports: Partial<Record<AnyPortName, number>>;
  /** The absolute path, or `memory`. */
  readonly dataDir: string;
  /** Settles when a client has asked the broker to stop, which `--redis-shutdown` allows: it is closing then. */
  readonly stopping: Promise<void>;
  /** Stops listening, ends the connections, writes and syncs everything. */
  close(): Promise<void>;
  /**
   * Reads certificate and key again, for new connections; open ones stay. False when the files were no good: the log
   * says why, and the old ones stay in use. Absent without TLS.
   */
  readonly reloadTls?: () => boolean;
}

/** Starts a broker. Rejects with an error of one line when an option is wrong or a port or the directory is taken. */
export function startBroker(options?: StartOptions): Promise<RunningBroker>;
