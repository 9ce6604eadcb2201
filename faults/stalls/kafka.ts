/** Kafka requests that name much: topics, partitions, groups, settings, ACLs, and batches that grow when decompressed. */
import net from "node:net";
import type { ApiName, RequestInput } from "../../src/protocols/kafka/wire/codec.ts";
import { codecs } from "../../src/message/kafka/compression.ts";
import { bomb, claimingTime, tinyRecords, twoBombs } from "../../test/support/kafka-bombs.ts";
import { method, shortText, uint } from "../../test/support/amqp-frames.ts";
import type { KafkaWireClient } from "../../test/support/kafka-wire-client.ts";
import type { Attack, AttackContext } from "./attack.ts";

const inflatedBytes = 99 << 20;
/** What is taken, for attacks on those who read it. */
const takenBytes = 7 << 20;

/** The answer as a short text; a refusal is an answer too. */
async function ask<N extends ApiName>(
  client: KafkaWireClient,
  name: N,
  version: number,
  body: RequestInput<N>,
): Promise<string> {
  try {
    return codesOf(JSON.stringify(await client.request(name, version, body)));
  } catch (error) {
    return String(error);
  }
}

/** How often each error code is in an answer. */
function codesOf(text: string): string {
  const counts = new Map<string, number>();
  for (const [, code] of text.matchAll(/"errorCode":(-?\d+)/g))
    counts.set(code!, (counts.get(code!) ?? 0) + 1);
  return [...counts].map(([code, count]) => `${count} x error ${code}`).join(", ");
}

const names = (count: number, prefix: string): string[] =>
  Array.from({ length: count }, (_, i) => prefix + i);

function topic(name: string, numPartitions: number): RequestInput<"CreateTopics">["topics"][number] {
  return { name, numPartitions, replicationFactor: 1, assignments: [], configs: [] };
}

async function create(client: KafkaWireClient, topics: ReturnType<typeof topic>[]): Promise<string> {
  return await ask(client, "CreateTopics", 5, { topics, timeoutMs: 60_000, validateOnly: false });
}

function produceBody(name: string, batches: readonly Buffer[]): RequestInput<"Produce"> {
  const partitionData = batches.map((records, index) => ({ index, records }));
  return { transactionalId: null, acks: 1, timeoutMs: 60_000, topicData: [{ name, partitionData }] };
}

async function store(client: KafkaWireClient, name: string, batches: readonly Buffer[]): Promise<void> {
  for (const records of batches) await ask(client, "Produce", 9, produceBody(name, [records]));
}

/** As many groups as asked for, each with one position on topic `t`. */
async function commitGroups({ kafka }: AttackContext, count: number): Promise<void> {
  const client = await kafka();
  await create(client, [topic("t", 1)]);
  const clients = await Promise.all(Array.from({ length: 20 }, kafka));
  let next = 0;
  const topics = [
    { name: "t", partitions: [{ partitionIndex: 0, committedOffset: 0, committedMetadata: null }] },
  ];
  await Promise.all(
    clients.map(async (each) => {
      while (next < count) {
        const groupId = `g${next++}`;
        await each.request("OffsetCommit", 8, {
          groupId,
          generationIdOrMemberEpoch: -1,
          memberId: "",
          groupInstanceId: null,
          topics,
        });
      }
    }),
  );
}

const acl = (i: number): RequestInput<"CreateAcls">["creations"][number] => ({
  resourceType: 2,
  resourceName: `t${i}`,
  resourcePatternType: 3,
  principal: "User:u",
  host: "*",
  operation: 3,
  permissionType: 3,
});

const attacks: Attack[] = [
  {
    name: "kafka-create-topics",
    what: "CreateTopics naming 30 topics of 10,000 partitions",
    async attack({ kafka }) {
      return await create(
        await kafka(),
        names(30, "t").map((name) => topic(name, 10_000)),
      );
    },
  },
  {
    name: "kafka-create-topics-most",
    what: "CreateTopics naming 5 topics of 2,000 partitions",
    async attack({ kafka }) {
      return await create(
        await kafka(),
        names(5, "t").map((name) => topic(name, 2000)),
      );
    },
  },
  {
    name: "kafka-create-partitions",
    what: "CreatePartitions asking for a million partitions",
    async prepare({ kafka }) {
      await create(await kafka(), [topic("t", 2)]);
    },
    async attack({ kafka }) {
      const topics = [{ name: "t", count: 1_000_000, assignments: null }];
      return await ask(await kafka(), "CreatePartitions", 1, { topics, timeoutMs: 9, validateOnly: false });
    },
  },
  {
    name: "kafka-delete-topics",
    what: "DeleteTopics naming 5 topics of 2,000 partitions, beside 20,000 groups",
    async prepare(context) {
      await commitGroups(context, 20_000);
      await create(
        await context.kafka(),
        names(5, "d").map((name) => topic(name, 2000)),
      );
    },
    async attack({ kafka }) {
      return await ask(await kafka(), "DeleteTopics", 4, { topicNames: names(5, "d"), timeoutMs: 60_000 });
    },
  },
  {
    name: "kafka-metadata-unknown",
    what: "Metadata naming 50,000 unknown topics",
    async attack({ kafka }) {
      const topics = names(50_000, "t").map((name) => ({ name }));
      return await ask(await kafka(), "Metadata", 9, { topics, allowAutoTopicCreation: true });
    },
  },
  {
    name: "kafka-metadata-all",
    what: "Metadata of all of 5 topics of 2,000 partitions, and one of them named 20,000 times",
    async prepare({ kafka }) {
      await create(
        await kafka(),
        names(5, "t").map((name) => topic(name, 2000)),
      );
    },
    async attack({ kafka }) {
      const client = await kafka();
      const all = await ask(client, "Metadata", 9, { topics: null, allowAutoTopicCreation: false });
      const topics = Array.from({ length: 20_000 }, () => ({ name: "t0" }));
      return `${all}; ${await ask(client, "Metadata", 9, { topics, allowAutoTopicCreation: false })}`;
    },
  },
  {
    name: "kafka-produce-bombs",
    what: "one Produce of 60 zstd batches that inflate to 99 MiB each",
    async prepare({ kafka }) {
      await create(await kafka(), [topic("t", 60)]);
    },
    async attack({ kafka }) {
      const batch = bomb(codecs.zstd, inflatedBytes);
      return await ask(await kafka(), "Produce", 9, produceBody("t", Array(60).fill(batch)));
    },
  },
  ...(["gzip", "snappy", "lz4", "zstd"] as const).map((codec): Attack => ({
    name: `kafka-produce-${codec}`,
    what: `one Produce of 60 ${codec} batches that inflate to 7 MiB each`,
    async prepare({ kafka }) {
      await create(await kafka(), [topic("t", 60)]);
    },
    async attack({ kafka }) {
      const batch = bomb(codecs[codec], takenBytes);
      return await ask(await kafka(), "Produce", 9, produceBody("t", Array(60).fill(batch)));
    },
  })),
  {
    name: "kafka-produce-tiny",
    what: "one Produce of 20 batches of 800,000 records of eight bytes",
    async prepare({ kafka }) {
      await create(await kafka(), [topic("t", 20)]);
    },
    async attack({ kafka }) {
      const batch = tinyRecords(codecs.zstd, 800_000);
      return await ask(await kafka(), "Produce", 9, produceBody("t", Array(20).fill(batch)));
    },
  },
  ...[inflatedBytes, takenBytes].map((bytes): Attack => ({
    name: `kafka-list-offsets-${bytes >> 20}`,
    what: `ListOffsets of one partition fifty times, over a batch of ${bytes >> 20} MiB`,
    async prepare({ kafka }) {
      await store(await kafka(), "t", [bomb(codecs.zstd, bytes, 1000)]);
    },
    async attack({ kafka }) {
      const partitions = Array.from({ length: 50 }, () => ({ partitionIndex: 0, timestamp: 500 }));
      const topics = [{ name: "t", partitions }];
      return await ask(await kafka(), "ListOffsets", 5, { replicaId: -1, isolationLevel: 0, topics });
    },
  })),
  {
    name: "kafka-list-offsets-log",
    what: "ListOffsets at a time that 60 batches of 7 MiB claim and none has",
    async prepare({ kafka }) {
      const batch = bomb(codecs.zstd, takenBytes, 1000);
      await store(await kafka(), "t", Array(60).fill(claimingTime(batch, 2000)));
    },
    async attack({ kafka }) {
      const topics = [{ name: "t", partitions: [{ partitionIndex: 0, timestamp: 1500 }] }];
      return await ask(await kafka(), "ListOffsets", 5, { replicaId: -1, isolationLevel: 0, topics });
    },
  },
  {
    name: "kafka-fetch-holes",
    what: "Fetch of 30 partitions, each with a batch of 7 MiB of which a record is gone",
    async prepare({ kafka, redis }) {
      const client = await kafka();
      await create(client, [topic("t", 30)]);
      const records = twoBombs(codecs.zstd, takenBytes);
      for (let index = 0; index < 30; index++) {
        const topicData = [{ name: "t", partitionData: [{ index, records }] }];
        await ask(client, "Produce", 9, { transactionalId: null, acks: 1, timeoutMs: 9, topicData });
      }
      const remover = await redis();
      for (let i = 0; i < 30; i++) {
        const entries = await remover.call("xrevrange", `t-${i}`, "+", "-", "count", 1);
        await remover.call("xdel", `t-${i}`, /\d+-\d+/.exec(entries)![0]);
      }
    },
    async attack({ kafka }) {
      return await fetchOf(await kafka(), [
        { topic: "t", partitions: names(30, "").map((n) => fetched(Number(n))) },
      ]);
    },
  },
  {
    name: "kafka-fetch-many",
    what: "Fetch of one partition named 9,900 times, and 50,000 times",
    async prepare({ kafka }) {
      await store(await kafka(), "t", [bomb(codecs.none, 10)]);
    },
    async attack({ kafka }) {
      const times = (length: number) => [
        { topic: "t", partitions: Array.from({ length }, () => fetched(0)) },
      ];
      const answer = await fetchOf(await kafka(), times(9900));
      return `${answer}; ${await fetchOf(await kafka(), times(50_000))}`;
    },
  },
  ...[
    { bytes: inflatedBytes, count: 30 },
    { bytes: takenBytes, count: 100 },
  ].map(({ bytes, count }): Attack => ({
    name: `bombs-xrange-${bytes >> 20}`,
    what: `XRANGE of ${count} stored batches of ${bytes >> 20} MiB`,
    async prepare({ kafka }) {
      await store(await kafka(), "t", Array(count).fill(bomb(codecs.zstd, bytes)));
    },
    async attack({ broker, atEnd }) {
      const socket = net.connect(broker.ports.redis, "127.0.0.1");
      atEnd(() => socket.destroy());
      socket.write("XRANGE t - +\r\n");
      let received = 0;
      let first = "";
      // Reads what two of them are, and goes.
      await new Promise<void>((resolve) => {
        socket.on("error", () => {});
        socket.on("close", () => resolve());
        socket.on("data", (chunk: Buffer) => {
          first ||= chunk.toString("latin1", 0, 80);
          received += chunk.length;
          if (received > 2 * bytes || first.startsWith("-") || first.startsWith("*0")) resolve();
        });
      });
      return `${received >> 20} MiB received, ${first}`;
    },
  })),
  ...[inflatedBytes, takenBytes].map((bytes): Attack => ({
    name: `bombs-amqp-${bytes >> 20}`,
    what: `an AMQP consumer with prefetch 100 over 100 stored batches of ${bytes >> 20} MiB`,
    async prepare({ kafka, amqp }) {
      const client = await amqp();
      client.send(method(1, 50, 10, uint(2, 0), shortText("q"), Buffer.of(2), uint(4, 0)));
      await client.method("50.11");
      await store(await kafka(), "q", Array(100).fill(bomb(codecs.zstd, bytes)));
    },
    async attack({ amqp }) {
      const client = await amqp();
      client.send(method(1, 60, 10, uint(4, 0), uint(2, 100), Buffer.of(0)));
      client.send(method(1, 60, 20, uint(2, 0), shortText("q"), shortText("c"), Buffer.of(0), uint(4, 0)));
      // Nothing comes where the batches were refused.
      const isNothing = await client.method("60.60").then(
        () => false,
        () => true,
      );
      if (isNothing) return "nothing was stored";
      // Reads two whole ones and goes, as one who attacks would.
      let received = 0;
      client.socket.removeAllListeners("data");
      await new Promise<void>((resolve) => {
        client.socket.on("close", resolve);
        client.socket.on("data", (chunk: Buffer) => {
          received += chunk.length;
          if (received > 2 * bytes) resolve();
        });
      });
      return `${received >> 20} MiB received`;
    },
  })),
  {
    name: "kafka-list-groups",
    what: "ListGroups of 100,000 groups",
    prepare: (context) => commitGroups(context, 100_000),
    async attack({ kafka }) {
      return await ask(await kafka(), "ListGroups", 4, { statesFilter: [] });
    },
  },
  {
    name: "kafka-delete-groups",
    what: "DeleteGroups and DescribeGroups naming 50,000 groups",
    prepare: (context) => commitGroups(context, 50_000),
    async attack({ kafka }) {
      const client = await kafka();
      const groups = names(50_000, "g");
      const described = await ask(client, "DescribeGroups", 4, {
        groups,
        includeAuthorizedOperations: false,
      });
      return `${described}; ${await ask(client, "DeleteGroups", 1, { groupsNames: groups })}`;
    },
  },
  {
    name: "kafka-offset-commit",
    what: "OffsetCommit of one partition named 50,000 times, and OffsetFetch of all of them",
    async prepare({ kafka }) {
      await create(await kafka(), [topic("t", 2000)]);
    },
    async attack({ kafka }) {
      const client = await kafka();
      const numbers = Array.from({ length: 50_000 }, (_, i) => i % 2000);
      const partitions = numbers.map((partitionIndex) => ({
        partitionIndex,
        committedOffset: 1,
        committedMetadata: "m".repeat(100),
      }));
      const committed = await ask(client, "OffsetCommit", 8, {
        groupId: "g",
        generationIdOrMemberEpoch: -1,
        memberId: "",
        groupInstanceId: null,
        topics: [{ name: "t", partitions }],
      });
      const groups = Array.from({ length: 20_000 }, () => ({ groupId: "g", topics: null }));
      return `${committed}; ${await ask(client, "OffsetFetch", 8, { groups, requireStable: false })}`;
    },
  },
  {
    name: "kafka-describe-configs",
    what: "DescribeConfigs of one topic named 50,000 times, and AlterConfigs of it as often",
    async prepare({ kafka }) {
      await create(await kafka(), [topic("t", 2000)]);
    },
    async attack({ kafka }) {
      const client = await kafka();
      const resource = { resourceType: 2, resourceName: "t" };
      const resources = Array.from({ length: 50_000 }, () => ({ ...resource, configurationKeys: null }));
      const described = await ask(client, "DescribeConfigs", 4, {
        resources,
        includeSynonyms: true,
        includeDocumentation: false,
      });
      const configs = [{ name: "retention.ms", value: "1000" }];
      const changed = Array.from({ length: 50_000 }, () => ({ ...resource, configs }));
      return `${described}; ${await ask(client, "AlterConfigs", 1, { resources: changed, validateOnly: false })}`;
    },
  },
  {
    name: "kafka-acls",
    what: "CreateAcls of 50,000 bindings, and DeleteAcls with 50,000 filters that match none",
    async attack({ kafka }) {
      const client = await kafka();
      const indexes = Array.from({ length: 50_000 }, (_, i) => i);
      const made = await ask(client, "CreateAcls", 1, { creations: indexes.map(acl) });
      const filters = indexes.map((i) => ({
        resourceTypeFilter: 2,
        resourceNameFilter: `none${i}`,
        patternTypeFilter: 3,
        principalFilter: null,
        hostFilter: null,
        operation: 1,
        permissionType: 1,
      }));
      return `${made}; ${await ask(client, "DeleteAcls", 1, { filters })}`;
    },
  },
  {
    name: "kafka-join-metadata",
    what: "10 members that join 10 groups with 50 MB of metadata each",
    async attack({ kafka }) {
      const answers: string[] = [];
      for (let i = 0; i < 10; i++) {
        const client = await kafka();
        const answer = await ask(client, "JoinGroup", 3, {
          groupId: `g${i}`,
          sessionTimeoutMs: 60_000,
          rebalanceTimeoutMs: 60_000,
          memberId: "",
          protocolType: "consumer",
          protocols: [{ name: "range", metadata: Buffer.alloc(50_000_000) }],
        });
        answers.push(answer);
        client.close();
      }
      return answers.join("; ");
    },
  },
  {
    name: "kafka-elements",
    what: "requests of 16 MiB and 90 MiB that name as many empty topics as fit",
    async attack({ kafka }) {
      const answers: string[] = [];
      for (const count of [59_000, 200_000, 5_000_000]) {
        const nameless = { name: "", partitions: [] };
        const topics = Array.from({ length: count }, () => nameless);
        answers.push(
          await ask(await kafka(), "ListOffsets", 5, { replicaId: -1, isolationLevel: 0, topics }),
        );
      }
      return answers.join("; ");
    },
  },
];

function fetched(partition: number): RequestInput<"Fetch">["topics"][number]["partitions"][number] {
  return { partition, fetchOffset: 0, logStartOffset: -1, partitionMaxBytes: 1 << 20 };
}

async function fetchOf(client: KafkaWireClient, topics: RequestInput<"Fetch">["topics"]): Promise<string> {
  return await ask(client, "Fetch", 6, {
    replicaId: -1,
    maxWaitMs: 100,
    minBytes: 1,
    maxBytes: 50 << 20,
    isolationLevel: 0,
    topics,
  });
}

export default attacks;
