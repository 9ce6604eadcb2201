import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import fc from "fast-check";
import { configurationPage, optionsHelp } from "../../../src/base/config/help.ts";
import {
  environmentNameOf,
  fileKeyOf,
  flagOf,
  optionNames,
  options,
} from "../../../src/base/config/options.ts";
import type { OptionName } from "../../../src/base/config/options.ts";
import { resolveConfig } from "../../../src/base/config/config.ts";
import type { Config } from "../../../src/base/config/config.ts";
import { StartError } from "../../../src/base/errors.ts";

const gibibyte = 1024 ** 3;

interface Sources {
  argv?: readonly string[];
  environment?: Record<string, string>;
  file?: string;
  accepted?: readonly OptionName[];
  warn?: (line: string) => void;
}

/** Settles with `file`, if given, as the text of the file `broker.yaml`. */
async function settle({
  argv = [],
  environment = {},
  file,
  accepted = optionNames,
  warn,
}: Sources): Promise<Config> {
  return await resolveConfig({
    argv: file === undefined ? argv : ["--config", "broker.yaml", ...argv],
    environment,
    accepted,
    ...(warn === undefined ? {} : { warn }),
    memoryBytesTotal: 10 * gibibyte,
    readFile: async (path) => {
      if (path !== "broker.yaml" || file === undefined) throw new Error("ENOENT: no such file");
      return file;
    },
  });
}

/** The one line with which settling fails. */
async function problemOf(sources: Sources): Promise<string> {
  try {
    await settle(sources);
  } catch (error) {
    assert.ok(error instanceof StartError, String(error));
    assert.equal(error.exitCode, 2);
    assert.doesNotMatch(error.message, /[\n\r]/);
    return error.message;
  }
  throw new assert.AssertionError({ message: "settled" });
}

/** For each option three good texts, none its default, with what they mean; and bad ones. */
const examples: { [Name in OptionName]: { good: [string, Config[Name]][]; bad: string[] } } = {
  host: {
    good: [
      ["0.0.0.0", "0.0.0.0"],
      ["::", "::"],
      ["broker.local", "broker.local"],
    ],
    bad: ["a\nb", "a b", "localhost:6379", "http://a", "[::1]", "0.0.0.0:1", "a/b"],
  },
  password: {
    good: [
      ["one", "one"],
      ["two", "two"],
      ["a b", "a b"],
    ],
    // A bad one is not named: see security-config.test.ts.
    bad: [],
  },
  user: {
    good: [
      ["a", "a"],
      ["b", "b"],
      ["c d", "c d"],
    ],
    bad: ["a\nb"],
  },
  insecure: {
    good: [
      ["true", true],
      ["false", false],
      ["true", true],
    ],
    bad: ["yes", "1"],
  },
  dataDir: {
    good: [
      ["memory", "memory"],
      ["/data", "/data"],
      ["a b", "a b"],
    ],
    bad: ["a\0b"],
  },
  redisPort: {
    good: [
      ["0", 0],
      ["off", "off"],
      ["65535", 65_535],
    ],
    bad: ["65536", "-1", "6379x", "1e3", "on", "0x10", "6 379"],
  },
  amqpPort: {
    good: [
      ["0", 0],
      ["off", "off"],
      ["1", 1],
    ],
    bad: ["x"],
  },
  kafkaPort: {
    good: [
      ["0", 0],
      ["off", "off"],
      ["1", 1],
    ],
    bad: ["x"],
  },
  httpPort: {
    good: [
      ["0", 0],
      ["off", "off"],
      ["1", 1],
    ],
    bad: ["x"],
  },
  redisTlsPort: {
    good: [
      ["0", 0],
      ["6380", 6380],
      ["65535", 65_535],
    ],
    bad: ["65536", "on"],
  },
  amqpTlsPort: {
    good: [
      ["0", 0],
      ["5671", 5671],
      ["1", 1],
    ],
    bad: ["x"],
  },
  kafkaTlsPort: {
    good: [
      ["0", 0],
      ["9093", 9093],
      ["1", 1],
    ],
    bad: ["x"],
  },
  httpTlsPort: {
    good: [
      ["0", 0],
      ["15671", 15_671],
      ["1", 1],
    ],
    bad: ["x"],
  },
  tlsCert: {
    good: [
      ["a.crt", "a.crt"],
      ["/b", "/b"],
      ["c d", "c d"],
    ],
    bad: ["a\nb"],
  },
  definitions: {
    good: [
      ["definitions.json", "definitions.json"],
      ["/b", "/b"],
      ["c d", "c d"],
    ],
    bad: ["a\nb"],
  },
  tlsKey: {
    good: [
      ["a.key", "a.key"],
      ["/b", "/b"],
      ["c d", "c d"],
    ],
    bad: ["a\nb"],
  },
  tlsCa: {
    good: [
      ["a.crt", "a.crt"],
      ["/b", "/b"],
      ["c d", "c d"],
    ],
    bad: ["a\nb"],
  },
  connectionsMax: {
    good: [
      ["1", 1],
      ["10000", 10_000],
      ["9999999", 9_999_999],
    ],
    bad: ["0", "-1", "all", "1e3", "10000000"],
  },
  connectionsPerAddressMax: {
    good: [
      ["1", 1],
      ["100", 100],
      ["9999999", 9_999_999],
    ],
    bad: ["-1", "auto", "1.5"],
  },
  config: { good: [], bad: [] },
  logLevel: {
    good: [
      ["debug", "debug"],
      ["error", "error"],
      ["silent", "silent"],
    ],
    bad: ["loud", "INFO", "toString"],
  },
  advertisedHost: {
    good: [
      ["a", "a"],
      ["b", "b"],
      ["c", "c"],
    ],
    bad: ["\u0001", "a b", " a", "a:1", "kafka://a", "[::1]"],
  },
  advertisedPort: {
    good: [
      ["1", 1],
      ["2", 2],
      ["65535", 65_535],
    ],
    bad: ["0", "off", "65536"],
  },
  advertisedTlsPort: {
    good: [
      ["1", 1],
      ["2", 2],
      ["65535", 65_535],
    ],
    bad: ["0", "off", "65536"],
  },
  redisClusterEnabled: {
    good: [
      ["true", true],
      ["false", false],
      ["true", true],
    ],
    bad: ["yes", "1"],
  },
  redisClusterAnnounceHost: {
    good: [
      ["a", "a"],
      ["10.0.0.1", "10.0.0.1"],
      ["c", "c"],
    ],
    bad: ["a b", "a:1", "redis://a", "[::1]"],
  },
  redisClusterAnnouncePort: {
    good: [
      ["1", 1],
      ["2", 2],
      ["65535", 65_535],
    ],
    bad: ["0", "off", "65536"],
  },
  redisClusterAnnounceTlsPort: {
    good: [
      ["1", 1],
      ["2", 2],
      ["65535", 65_535],
    ],
    bad: ["0", "off", "65536"],
  },
  durabilityRedisStreams: {
    good: [
      ["written", "written"],
      ["memory", "memory"],
      ["written", "written"],
    ],
    bad: ["always"],
  },
  durabilityKafka: {
    good: [
      ["written", "written"],
      ["fsync", "fsync"],
      ["written", "written"],
    ],
    bad: ["memory"],
  },
  redisSettings: {
    good: [
      ["notify-keyspace-events KEA", "notify-keyspace-events KEA"],
      ["timeout 5; slowlog-max-len 1", "timeout 5; slowlog-max-len 1"],
      ["timeout 5", "timeout 5"],
    ],
    bad: ["a\tb"],
  },
  redisPubsubHistory: {
    good: [
      ["news.* 60000 1000 1048576", "news.* 60000 1000 1048576"],
      ["a 1 1 1 memory", "a 1 1 1 memory"],
      ["a 1 1 1, b 1 1 1", "a 1 1 1, b 1 1 1"],
    ],
    bad: ["a\nb"],
  },
  amqpCertificateLogin: {
    good: [
      ["common_name", "common_name"],
      ["subject_alternative_name", "subject_alternative_name"],
      ["distinguished_name", "distinguished_name"],
    ],
    bad: ["cn", "dn"],
  },
  redisAppendfsync: {
    good: [
      ["always", "always"],
      ["no", "no"],
      ["everysec", "everysec"],
    ],
    bad: ["sometimes"],
  },
  redisShutdown: {
    good: [
      ["true", true],
      ["false", false],
      ["true", true],
    ],
    bad: ["yes"],
  },
  redisDebugCommand: {
    good: [
      ["local", "local"],
      ["yes", "yes"],
      ["no", "no"],
    ],
    bad: ["true"],
  },
  otlpEndpoint: {
    good: [
      ["http://127.0.0.1:4318", "http://127.0.0.1:4318"],
      ["https://collector", "https://collector"],
      ["http://c:4318/v1/traces", "http://c:4318/v1/traces"],
    ],
    bad: ["127.0.0.1:4318", "ftp://a", "x"],
  },
  traceBytes: {
    good: [
      ["1048576", 1_048_576],
      ["1GiB", gibibyte],
      ["2MiB", 2_097_152],
    ],
    bad: ["1048575", "0", "1GB", "-1"],
  },
  journalBytesMax: {
    good: [
      ["1048576", 1_048_576],
      ["1GiB", gibibyte],
      ["10%", gibibyte],
    ],
    bad: ["1048575", "0", "1GB", "-1", "1.5GiB", "9007199254740993GiB", "101%", "%"],
  },
  diskFreeBytesMin: {
    good: [
      ["auto", "auto"],
      ["2GiB", 2 * gibibyte],
      ["0", 0],
    ],
    bad: ["half", "10%"],
  },
  memoryBytesMax: {
    good: [
      ["0", 0],
      ["2GiB", 2 * gibibyte],
      ["50%", 5 * gibibyte],
    ],
    bad: ["half", "-5"],
  },
  redisMaxmemory: {
    good: [
      ["100mb", 100 * 1024 ** 2],
      ["1GiB", gibibyte],
      ["10%", gibibyte],
    ],
    bad: ["1.5mb", "-1", "mb", "1tb"],
  },
  redisMaxmemoryPolicy: {
    good: [
      ["allkeys-lru", "allkeys-lru"],
      ["volatile-ttl", "volatile-ttl"],
      ["allkeys-lfu", "allkeys-lfu"],
    ],
    bad: ["lru", "ALLKEYS-LRU"],
  },
  redisMaxmemorySamples: {
    good: [
      ["1", 1],
      ["10", 10],
      ["64", 64],
    ],
    bad: ["0", "many"],
  },
  redisMaxmemoryEvictionTenacity: {
    good: [
      ["0", 0],
      ["50", 50],
      ["100", 100],
    ],
    bad: ["101", "-1"],
  },
  redisLfuLogFactor: {
    good: [
      ["0", 0],
      ["1", 1],
      ["100", 100],
    ],
    bad: ["-1"],
  },
  redisLfuDecayTime: {
    good: [
      ["0", 0],
      ["2", 2],
      ["100", 100],
    ],
    bad: ["-1"],
  },
  redisMaxmemoryClients: {
    good: [
      ["1gb", "1073741824"],
      ["0%", "0"],
      ["5%", "5%"],
      ["100000", "100000"],
    ],
    bad: ["101%", "-5", "much"],
  },
};

const shown = optionNames.filter((name) => name !== "config");

test("the defaults are what the issue names", async () => {
  assert.deepEqual(await settle({}), {
    host: "localhost",
    password: undefined,
    user: "guest",
    insecure: false,
    dataDir: "./troikamq-data",
    redisPort: 6379,
    amqpPort: 5672,
    kafkaPort: 9092,
    httpPort: 15_672,
    redisTlsPort: "off",
    amqpTlsPort: "off",
    kafkaTlsPort: "off",
    httpTlsPort: "off",
    tlsCert: undefined,
    tlsKey: undefined,
    tlsCa: undefined,
    definitions: undefined,
    connectionsMax: "auto",
    connectionsPerAddressMax: 0,
    config: undefined,
    logLevel: "info",
    advertisedHost: undefined,
    advertisedPort: undefined,
    advertisedTlsPort: undefined,
    redisClusterEnabled: false,
    redisClusterAnnounceHost: undefined,
    redisClusterAnnouncePort: undefined,
    redisClusterAnnounceTlsPort: undefined,
    durabilityRedisStreams: "fsync",
    durabilityKafka: "fsync",
    redisPubsubHistory: undefined,
    redisSettings: undefined,
    amqpCertificateLogin: "distinguished_name",
    redisAppendfsync: "everysec",
    redisShutdown: false,
    redisDebugCommand: "no",
    journalBytesMax: 268_435_456,
    traceBytes: 67_108_864,
    otlpEndpoint: undefined,
    diskFreeBytesMin: "auto",
    memoryBytesMax: 4 * gibibyte,
    redisMaxmemory: 0,
    redisMaxmemoryPolicy: "noeviction",
    redisMaxmemorySamples: 5,
    redisMaxmemoryEvictionTenacity: 10,
    redisLfuLogFactor: 10,
    redisLfuDecayTime: 1,
    redisMaxmemoryClients: "0",
  });
});

test("names derive from one name", () => {
  assert.equal(flagOf("durabilityRedisStreams"), "--durability-redis-streams");
  assert.equal(environmentNameOf("durabilityRedisStreams"), "TROIKAMQ_DURABILITY_REDIS_STREAMS");
  assert.equal(fileKeyOf("durabilityRedisStreams"), "durability-redis-streams");
});

for (const name of shown) {
  test(`${flagOf(name)}: a flag beats the environment, which beats the file, which beats the default`, async () => {
    const [first, second, third] = examples[name].good;
    assert.ok(first !== undefined && second !== undefined && third !== undefined);
    const sources: Sources = { file: `${fileKeyOf(name)}: ${first[0]}\n` };
    const expect = async (value: unknown) => assert.deepEqual((await settle(sources))[name], value);
    await expect(first[1]);
    sources.environment = { [environmentNameOf(name)]: second[0] };
    await expect(second[1]);
    sources.argv = [flagOf(name), third[0]];
    await expect(third[1]);
    sources.argv = [`${flagOf(name)}=${third[0]}`];
    await expect(third[1]);
  });

  test(`${flagOf(name)}: a bad value is named with its place, also where another wins`, async () => {
    const good = examples[name].good[0]![0];
    for (const bad of examples[name].bad) {
      const quoted = JSON.stringify(bad).slice(1, -1);
      const flag = await problemOf({ argv: [`${flagOf(name)}=${bad}`] });
      assert.ok(flag.startsWith(`${flagOf(name)}: `) && flag.includes(quoted), flag);
      assert.ok(flag.endsWith(`give ${options[name].expected}`), flag);
      const variable = environmentNameOf(name);
      const environment = await problemOf({
        argv: [`${flagOf(name)}=${good}`],
        environment: { [variable]: bad },
      });
      assert.ok(environment.startsWith(`${variable}: `) && environment.includes(quoted), environment);
      const file = await problemOf({
        argv: [`${flagOf(name)}=${good}`],
        file: `${fileKeyOf(name)}: ${JSON.stringify(bad)}\n`,
      });
      assert.ok(file.startsWith(`broker.yaml: ${fileKeyOf(name)}: `) && file.includes(quoted), file);
    }
  });
}

test("an unknown name is named, with the nearest known one", async () => {
  const unknown: [Sources, string][] = [
    [{ argv: ["--redis-prot", "1"] }, "unknown option --redis-prot; did you mean --redis-port?"],
    [
      { argv: ["--port", "1"] },
      "unknown option --port; did you mean --redis-port or --amqp-port or --kafka-port or --http-port?",
    ],
    [{ argv: ["--cert", "c"] }, "unknown option --cert; did you mean --tls-cert?"],
    [{ argv: ["--nonsense"] }, "unknown option --nonsense"],
    [{ argv: ["-p", "1"] }, "unknown option -p"],
    [{ argv: ["redis-port=1"] }, 'unexpected argument "redis-port=1"; options begin with --'],
    [{ file: "kafkaport: 1" }, "unknown key in broker.yaml: kafkaport; did you mean kafka-port?"],
    [{ file: "config: other.yaml" }, "unknown key in broker.yaml: config"],
    [{ file: "1: 2" }, "unknown key in broker.yaml: 1"],
    [{ file: "? [a]\n: 2" }, 'unknown key in broker.yaml: "[ a ]"'],
  ];
  for (const [sources, problem] of unknown) assert.equal(await problemOf(sources), problem);
});

test("an unknown variable is told and ignored, with the nearest known one", async () => {
  const lines: string[] = [];
  const environment = { TROIKAMQ_AMQP_PROT: "1", TROIKAMQ_UTTER_NONSENSE: "" };
  const config = await settle({ environment, warn: (line) => lines.push(line) });
  assert.deepEqual(config, await settle({}));
  assert.deepEqual(lines, [
    "unknown environment variable TROIKAMQ_AMQP_PROT is ignored; did you mean TROIKAMQ_AMQP_PORT?",
    "unknown environment variable TROIKAMQ_UTTER_NONSENSE is ignored",
  ]);
});

/** What Kubernetes puts into every container of a namespace that has the service. */
function serviceLinks(service: string, ports: Record<string, number>): Record<string, string> {
  const prefix = service.toUpperCase().replaceAll("-", "_");
  const [first] = Object.values(ports);
  const links: Record<string, string> = {
    [`${prefix}_SERVICE_HOST`]: "10.0.0.1",
    [`${prefix}_SERVICE_PORT`]: String(first),
    [`${prefix}_PORT`]: `tcp://10.0.0.1:${first}`,
  };
  for (const [name, port] of Object.entries(ports)) {
    links[`${prefix}_SERVICE_PORT_${name.toUpperCase()}`] = String(port);
    const each = `${prefix}_PORT_${port}_TCP`;
    links[each] = `tcp://10.0.0.1:${port}`;
    Object.assign(links, {
      [`${each}_PROTO`]: "tcp",
      [`${each}_PORT`]: String(port),
      [`${each}_ADDR`]: "10.0.0.1",
    });
  }
  return links;
}

test("what Kubernetes writes of a service named as we are is passed over, also where an option has that name", async () => {
  const names = ["troikamq", "troikamq-redis", "troikamq-http-tls", "troikamq-advertised", "troikamq-mqtt"];
  for (const service of names) {
    const environment = serviceLinks(service, { redis: 6379, amqp: 5672 });
    const lines: string[] = [];
    const config = await settle({ environment, warn: (line) => lines.push(line) });
    assert.deepEqual([config, lines], [await settle({}), []], service);
  }
  // An option that was meant is still an option.
  assert.match(
    await problemOf({ environment: { TROIKAMQ_REDIS_PORT: "tcp" } }),
    /^TROIKAMQ_REDIS_PORT: tcp is not/,
  );
  assert.match(await problemOf({ environment: { TROIKAMQ_HOST: "tcp://a:1" } }), /^TROIKAMQ_HOST: .* is not/);
});

test("a flag needs its value", async () => {
  const problem = "--host needs a value; give a host name or an address, without scheme, port or brackets";
  assert.equal(await problemOf({ argv: ["--host"] }), problem);
  assert.equal(await problemOf({ argv: ["--host", "--http-port", "1"] }), problem);
  assert.match(await problemOf({ argv: ["--host="] }), /^--host: "" is not/);
  assert.match(await problemOf({ argv: ["--host", ""] }), /^--host: "" is not/);
});

test("the last of a repeated flag counts", async () => {
  assert.equal((await settle({ argv: ["--redis-port", "1", "--redis-port=2"] })).redisPort, 2);
});

test("only the flags of the subcommand are taken, but the environment is the broker's", async () => {
  const accepted = ["dataDir"] as const;
  assert.match(await problemOf({ accepted, argv: ["--redis-port", "1"] }), /^unknown option --redis-port/);
  const environment = { TROIKAMQ_REDIS_PORT: "1" };
  assert.equal((await settle({ accepted, environment, argv: ["--data-dir", "d"] })).dataDir, "d");
});

test("reserved and foreign variables are left alone; an empty one is not set", async () => {
  const environment = {
    TROIKAMQ_RUNTIME: "node",
    TROIKAMQ_TEST_ANYTHING: "x",
    TROIKAMQ_MQTT_PORT: "1883",
    TROIKAMQ_STOMP_PORT: "61613",
    TROIKA_REDIS_PORT: "x",
    TROIKAMQ_REDIS_PORT: "",
  };
  assert.deepEqual(await settle({ environment }), await settle({}));
});

test("the file may be empty, and is named when it is no YAML, no list of options, or not there", async () => {
  assert.equal((await settle({ file: "" })).redisPort, 6379);
  assert.equal((await settle({ file: "# nothing\n" })).redisPort, 6379);
  assert.match(await problemOf({ file: "a: b: c" }), /^broker\.yaml: .*line 1/);
  assert.match(await problemOf({ file: "host: a\nhost: b" }), /^broker\.yaml: .*unique/);
  assert.match(await problemOf({ file: "- a" }), /^broker\.yaml: is not YAML with "option: value" lines$/);
  assert.match(await problemOf({ file: "host:\n  name: x" }), /^broker\.yaml: host: is not one value/);
  assert.match(await problemOf({ file: "host:" }), /^broker\.yaml: host: is not one value/);
  const absent = await problemOf({ environment: { TROIKAMQ_CONFIG: "absent.yaml" } });
  assert.equal(absent, "--config absent.yaml cannot be read (ENOENT: no such file); give a YAML file");
});

test("whatever is given, the outcome is a config or one line", async () => {
  const word = fc.oneof(
    fc.string({ unit: "binary", maxLength: 12 }),
    fc.constantFrom(...optionNames.map(flagOf).filter((flag) => flag !== "--config"), "off", "1", "--"),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(word, { maxLength: 6 }), async (argv) => {
      await settle({ argv }).then(
        (config) => assert.deepEqual(Object.keys(config), optionNames),
        async () => assert.notEqual(await problemOf({ argv }), ""),
      );
    }),
  );
});

test("a redis.conf is no config file, and the error says where its settings go", async () => {
  const advice = /; docs\/from-redis\.md names the options that stand for redis\.conf's$/;
  const argument = await problemOf({ argv: ["/etc/redis/redis.conf"] });
  assert.match(argument, /^unexpected argument "?'?\/etc\/redis\/redis\.conf/);
  assert.match(argument, advice);
});

test("every default is a good value, and the help shows every option", () => {
  const help = optionsHelp(optionNames);
  for (const line of help.split("\n")) assert.ok(line.length <= 100, line);
  const oneLine = help.replaceAll(/\s+/g, " ");
  for (const name of optionNames) {
    const { default: fallback, parse, help: meaning } = options[name];
    if (fallback !== undefined) assert.notEqual(parse(fallback, { memoryBytesTotal: 1 << 30 }), undefined);
    assert.ok(
      help.split("\n").some((line) => `${line} `.startsWith(`  ${flagOf(name)} `)),
      name,
    );
    assert.ok(oneLine.includes(meaning), name);
  }
});

test("docs/configuration.md is what `npm run docs` writes", () => {
  const page = readFileSync(new URL("../../../docs/configuration.md", import.meta.url), "utf8");
  assert.equal(page, configurationPage());
});
