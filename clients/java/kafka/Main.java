import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AlterConfigOp;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.admin.GroupListing;
import org.apache.kafka.clients.admin.ListGroupsOptions;
import org.apache.kafka.clients.admin.ListShareGroupOffsetsSpec;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.consumer.AcknowledgeType;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.KafkaShareConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.GroupState;
import org.apache.kafka.common.GroupType;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;

/** Kafka's Java client as an application uses it: share groups (KIP-932). */
class Main {
    static final String BROKERS = System.getenv("KAFKA_BROKERS");
    static final String MANAGEMENT = System.getenv("MANAGEMENT_URL");
    static Admin admin;
    static KafkaProducer<String, String> producer;

    static Map<String, Object> settings(Map<String, Object> own) {
        var settings = new HashMap<String, Object>(own);
        settings.put("bootstrap.servers", BROKERS);
        return settings;
    }

    static String topic(int partitions) throws Exception {
        var name = "t-" + UUID.randomUUID();
        admin.createTopics(List.of(new NewTopic(name, partitions, (short) 1))).all().get();
        return name;
    }

    /** A group that begins with the first record of its topics. */
    static String group(String... more) throws Exception {
        var name = "g-" + UUID.randomUUID();
        var changes = new ArrayList<AlterConfigOp>();
        changes.add(new AlterConfigOp(new ConfigEntry("share.auto.offset.reset", "earliest"), AlterConfigOp.OpType.SET));
        for (int i = 0; i < more.length; i += 2)
            changes.add(new AlterConfigOp(new ConfigEntry(more[i], more[i + 1]), AlterConfigOp.OpType.SET));
        admin.incrementalAlterConfigs(Map.of(new ConfigResource(ConfigResource.Type.GROUP, name), changes)).all().get();
        return name;
    }

    static void send(String topic, int from, int to) throws Exception {
        for (int i = from; i < to; i++) producer.send(new ProducerRecord<>(topic, "k" + i, "v" + i));
        producer.flush();
    }

    static KafkaShareConsumer<String, String> consumer(String group, String topic, boolean isExplicit, Object... more) {
        var own = new HashMap<String, Object>();
        own.put("group.id", group);
        own.put("share.acknowledgement.mode", isExplicit ? "explicit" : "implicit");
        for (int i = 0; i < more.length; i += 2) own.put((String) more[i], more[i + 1]);
        var consumer = new KafkaShareConsumer<>(settings(own), new StringDeserializer(), new StringDeserializer());
        consumer.subscribe(List.of(topic));
        return consumer;
    }

    /** Polls until there are so many records; a consumer that acknowledges by itself has none left then but the last ones. */
    static List<ConsumerRecord<String, String>> take(KafkaShareConsumer<String, String> consumer, int count) throws Exception {
        var taken = new ArrayList<ConsumerRecord<String, String>>();
        Check.until(count + " records", () -> {
            consumer.poll(Duration.ofMillis(200)).forEach(taken::add);
            return taken.size() >= count;
        });
        Check.equal(taken.size(), count);
        return taken;
    }

    static ConsumerRecord<String, String> one(KafkaShareConsumer<String, String> consumer) throws Exception {
        return take(consumer, 1).get(0);
    }

    static void acknowledge(
        KafkaShareConsumer<String, String> consumer,
        Collection<ConsumerRecord<String, String>> records,
        AcknowledgeType type
    ) {
        for (var record : records) consumer.acknowledge(record, type);
        for (var error : consumer.commitSync(Duration.ofSeconds(30)).values()) error.ifPresent(fault -> { throw fault; });
    }

    static List<String> values(Collection<ConsumerRecord<String, String>> records) {
        return records.stream().map(ConsumerRecord::value).toList();
    }

    static void nothingMore(KafkaShareConsumer<String, String> consumer) {
        for (int i = 0; i < 3; i++) Check.equal(consumer.poll(Duration.ofMillis(200)).count(), 0);
    }

    static void policy(String name, String pattern, String definition) throws Exception {
        var login = "Basic " + Base64.getEncoder().encodeToString("guest:guest".getBytes());
        var body = "{\"pattern\":\"" + pattern + "\",\"apply-to\":\"streams\",\"definition\":" + definition + "}";
        var request = HttpRequest.newBuilder(URI.create(MANAGEMENT + "/api/policies/%2F/" + name))
            .header("authorization", login)
            .PUT(HttpRequest.BodyPublishers.ofString(body))
            .build();
        var answer = HttpClient.newHttpClient().send(request, HttpResponse.BodyHandlers.ofString());
        Check.equal(answer.statusCode() / 100, 2);
    }

    public static void main(String[] args) throws Exception {
        admin = Admin.create(settings(Map.of()));
        producer = new KafkaProducer<>(settings(Map.of("linger.ms", 5)), new StringSerializer(), new StringSerializer());

        Check.scenario("a share consumer accepts what a producer sent, in order, and gets it once", () -> {
            var topic = topic(1);
            send(topic, 0, 100);
            try (var consumer = consumer(group(), topic, false)) {
                var records = take(consumer, 100);
                Check.equal(records.get(0).value(), "v0");
                Check.equal(records.get(99).value(), "v99");
                Check.equal(records.get(7).deliveryCount().get(), (short) 1);
                nothingMore(consumer);
                send(topic, 100, 101);
                Check.equal(one(consumer).value(), "v100");
            }
        });

        Check.scenario("what is accepted does not come again to the next consumer of the group", () -> {
            var topic = topic(1);
            var group = group();
            send(topic, 0, 10);
            try (var consumer = consumer(group, topic, true)) {
                acknowledge(consumer, take(consumer, 10), AcknowledgeType.ACCEPT);
            }
            send(topic, 10, 11);
            try (var consumer = consumer(group, topic, true)) {
                Check.equal(one(consumer).value(), "v10");
            }
        });

        Check.scenario("what is released comes again at once, with its delivery count", () -> {
            var topic = topic(1);
            send(topic, 0, 3);
            try (var consumer = consumer(group(), topic, true)) {
                for (short deliveries = 1; deliveries <= 3; deliveries++) {
                    var records = take(consumer, 3);
                    for (var record : records) Check.equal(record.deliveryCount().get(), deliveries);
                    Check.equal(values(records), List.of("v0", "v1", "v2"));
                    acknowledge(consumer, records, deliveries == 3 ? AcknowledgeType.ACCEPT : AcknowledgeType.RELEASE);
                }
                nothingMore(consumer);
            }
        });

        Check.scenario("a record that is released five times is delivered no more", () -> {
            var topic = topic(1);
            send(topic, 0, 1);
            try (var consumer = consumer(group(), topic, true)) {
                for (int i = 0; i < 5; i++) acknowledge(consumer, take(consumer, 1), AcknowledgeType.RELEASE);
                nothingMore(consumer);
            }
        });

        Check.scenario("what is rejected does not come again", () -> {
            var topic = topic(1);
            send(topic, 0, 4);
            try (var consumer = consumer(group(), topic, true)) {
                var records = take(consumer, 4);
                consumer.acknowledge(records.get(0), AcknowledgeType.ACCEPT);
                consumer.acknowledge(records.get(1), AcknowledgeType.REJECT);
                consumer.acknowledge(records.get(2), AcknowledgeType.RELEASE);
                consumer.acknowledge(records.get(3), AcknowledgeType.ACCEPT);
                consumer.commitSync();
                var again = one(consumer);
                Check.equal(again.value(), "v2");
                acknowledge(consumer, List.of(again), AcknowledgeType.ACCEPT);
                nothingMore(consumer);
            }
        });

        Check.scenario("two consumers share one partition: each record to one of them", () -> {
            var topic = topic(1);
            var group = group();
            var count = 2000;
            var seen = ConcurrentHashMap.<String>newKeySet();
            var takers = ConcurrentHashMap.<String>newKeySet();
            var twice = ConcurrentHashMap.<String>newKeySet();
            var threads = new ArrayList<Thread>();
            for (var name : List.of("a", "b")) {
                threads.add(new Thread(() -> {
                    try (var consumer = consumer(group, topic, false, "max.poll.records", 50, "share.acquire.mode", "record_limit")) {
                        long deadline = System.nanoTime() + Duration.ofSeconds(60).toNanos();
                        while (seen.size() < count && System.nanoTime() < deadline) {
                            for (var record : consumer.poll(Duration.ofMillis(100))) {
                                if (!seen.add(record.value())) twice.add(record.value());
                                takers.add(name);
                            }
                            // What it has had last would be given back when it closes.
                            consumer.commitSync();
                        }
                    }
                }));
            }
            for (var thread : threads) thread.start();
            // Both are there before there is much: each gets a part.
            for (int i = 0; i < count; i += 100) {
                send(topic, i, i + 100);
                Thread.sleep(20);
            }
            for (var thread : threads) thread.join();
            Check.equal(seen.size(), count);
            Check.equal(twice, Set.of());
            Check.equal(takers, Set.of("a", "b"));
        });

        Check.scenario("a consumer that closes gives back what it has not acknowledged", () -> {
            var topic = topic(1);
            var group = group();
            send(topic, 0, 5);
            try (var consumer = consumer(group, topic, true)) {
                var records = take(consumer, 5);
                acknowledge(consumer, records.subList(0, 2), AcknowledgeType.ACCEPT);
            }
            try (var consumer = consumer(group, topic, true)) {
                var records = take(consumer, 3);
                Check.equal(values(records), List.of("v2", "v3", "v4"));
                Check.equal(records.get(0).deliveryCount().get(), (short) 2);
                acknowledge(consumer, records, AcknowledgeType.ACCEPT);
            }
        });

        Check.scenario("several partitions and topics, with batches of every codec", () -> {
            var topic = topic(3);
            var group = group();
            var expected = new TreeSet<String>();
            for (var codec : List.of("none", "gzip", "snappy", "lz4", "zstd")) {
                var own = settings(Map.of("compression.type", codec, "linger.ms", 20));
                try (var packing = new KafkaProducer<>(own, new StringSerializer(), new StringSerializer())) {
                    for (int i = 0; i < 50; i++) {
                        packing.send(new ProducerRecord<>(topic, "k" + i, codec + i));
                        expected.add(codec + i);
                    }
                }
            }
            try (var consumer = consumer(group, topic, false, "max.poll.records", 20)) {
                var records = take(consumer, expected.size());
                Check.equal(new TreeSet<>(values(records)), expected);
                nothingMore(consumer);
            }
        });

        Check.scenario("renewed records stay with their consumer", () -> {
            var topic = topic(1);
            send(topic, 0, 2);
            try (var consumer = consumer(group(), topic, true)) {
                var records = take(consumer, 2);
                consumer.acknowledge(records.get(0), AcknowledgeType.RENEW);
                consumer.acknowledge(records.get(1), AcknowledgeType.ACCEPT);
                for (var error : consumer.commitSync().values()) error.ifPresent(fault -> { throw fault; });
                var renewed = one(consumer);
                Check.equal(renewed.value(), "v0");
                Check.equal(renewed.deliveryCount().get(), (short) 1);
                acknowledge(consumer, List.of(renewed), AcknowledgeType.ACCEPT);
                nothingMore(consumer);
            }
        });

        Check.scenario("an administrator lists, describes and deletes share groups", () -> {
            var topic = topic(2);
            var group = group();
            send(topic, 0, 20);
            try (var consumer = consumer(group, topic, false)) {
                take(consumer, 20);
                consumer.commitSync();
                var listed = admin.listGroups(ListGroupsOptions.forShareGroups()).all().get();
                Check.equal(listed.stream().anyMatch(each -> each.groupId().equals(group)), true);
                Check.equal(listed.stream().map(GroupListing::type).distinct().map(type -> type.get()).toList(), List.of(GroupType.SHARE));
                var described = admin.describeShareGroups(List.of(group)).all().get().get(group);
                Check.equal(described.groupState(), GroupState.STABLE);
                Check.equal(described.members().size(), 1);
                var assigned = described.members().iterator().next().assignment().topicPartitions();
                Check.equal(assigned, Set.of(new TopicPartition(topic, 0), new TopicPartition(topic, 1)));
                Check.fails("not empty", () -> admin.deleteShareGroups(List.of(group)).all().get());
            }
            Check.until("the group to be empty", () ->
                admin.describeShareGroups(List.of(group)).all().get().get(group).groupState() == GroupState.EMPTY);
            var offsets = admin.listShareGroupOffsets(Map.of(group, new ListShareGroupOffsetsSpec())).partitionsToOffsetInfo(group).get();
            var starts = new TreeMap<Integer, Long>();
            for (var entry : offsets.entrySet()) starts.put(entry.getKey().partition(), entry.getValue().startOffset());
            Check.equal(starts.values().stream().mapToLong(Long::longValue).sum(), 20L);
            admin.deleteShareGroups(List.of(group)).all().get();
            var left = admin.listGroups(ListGroupsOptions.forShareGroups()).all().get();
            Check.equal(left.stream().anyMatch(each -> each.groupId().equals(group)), false);
        });

        Check.scenario("settings of a group are shown and checked", () -> {
            var group = group("share.record.lock.duration.ms", "20000");
            var resource = new ConfigResource(ConfigResource.Type.GROUP, group);
            var shown = admin.describeConfigs(List.of(resource)).all().get().get(resource);
            Check.equal(shown.get("share.record.lock.duration.ms").value(), "20000");
            Check.equal(shown.get("share.auto.offset.reset").value(), "earliest");
            Check.fails("share.isolation.level", () -> group("share.isolation.level", "none"));
            Check.fails("Unknown group config", () -> group("share.colour", "red"));
        });

        // What is not Kafka's own.
        if (MANAGEMENT != null) {
            Check.scenario("a lock that ends gives the record to another consumer", () -> {
                var topic = topic(1);
                var group = group("share.record.lock.duration.ms", "1000");
                send(topic, 0, 1);
                try (var first = consumer(group, topic, true); var second = consumer(group, topic, true)) {
                    var record = one(first);
                    var again = one(second);
                    Check.equal(again.deliveryCount().get(), (short) 2);
                    first.acknowledge(record);
                    var results = first.commitSync();
                    Check.equal(results.values().stream().allMatch(each -> each.isPresent()), true);
                    acknowledge(second, List.of(again), AcknowledgeType.ACCEPT);
                }
            });

            Check.scenario("with a retry policy what is released or rejected comes again after its delay, then is a dead letter", () -> {
                var topic = topic(1);
                policy("retries", "^" + topic + "$", "{\"retry-limit\":3,\"retry-backoff-ms\":300,\"retry-factor\":1}");
                send(topic, 0, 2);
                try (var consumer = consumer(group(), topic, true)) {
                    long started = System.nanoTime();
                    var counts = new TreeMap<String, List<Short>>();
                    Check.until("all deliveries", () -> {
                        for (var record : consumer.poll(Duration.ofMillis(200))) {
                            counts.computeIfAbsent(record.value(), value -> new ArrayList<>()).add(record.deliveryCount().get());
                            consumer.acknowledge(record, record.value().equals("v0") ? AcknowledgeType.RELEASE : AcknowledgeType.REJECT);
                        }
                        consumer.commitSync();
                        return counts.values().stream().mapToInt(List::size).sum() == 6;
                    });
                    var once = List.of((short) 1, (short) 2, (short) 3);
                    Check.equal(counts, Map.of("v0", once, "v1", once));
                    Check.equal(System.nanoTime() - started >= Duration.ofMillis(600).toNanos(), true);
                    nothingMore(consumer);
                }
                var own = Map.<String, Object>of("auto.offset.reset", "earliest", "enable.auto.commit", false);
                try (var reader = new KafkaConsumer<>(settings(own), new StringDeserializer(), new StringDeserializer())) {
                    reader.assign(List.of(new TopicPartition(topic + ".dead", 0)));
                    var dead = new HashMap<String, String>();
                    Check.until("two dead letters", () -> {
                        for (var record : reader.poll(Duration.ofMillis(200)))
                            dead.put(record.value(), new String(record.headers().lastHeader("troika.reason").value()));
                        return dead.size() == 2;
                    });
                    Check.equal(dead, Map.of("v0", "maxdeliver", "v1", "rejected"));
                }
            });
        }

        producer.close();
        admin.close();
        Check.end();
    }
}
