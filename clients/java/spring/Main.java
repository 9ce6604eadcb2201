import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import org.springframework.data.domain.Range;
import org.springframework.data.geo.Distance;
import org.springframework.data.geo.Metrics;
import org.springframework.data.geo.Point;
import org.springframework.data.redis.connection.DataType;
import org.springframework.data.redis.connection.RedisStandaloneConfiguration;
import org.springframework.data.redis.connection.lettuce.LettuceConnectionFactory;
import org.springframework.data.redis.connection.stream.Consumer;
import org.springframework.data.redis.connection.stream.MapRecord;
import org.springframework.data.redis.connection.stream.ReadOffset;
import org.springframework.data.redis.connection.stream.StreamOffset;
import org.springframework.data.redis.connection.stream.StreamReadOptions;
import org.springframework.data.redis.core.KeyScanOptions;
import org.springframework.data.redis.core.RedisOperations;
import org.springframework.data.redis.core.ReactiveStringRedisTemplate;
import org.springframework.data.redis.core.ScanOptions;
import org.springframework.data.redis.core.SessionCallback;
import org.springframework.data.redis.core.StringRedisTemplate;
import org.springframework.data.redis.core.ZSetOperations;
import org.springframework.data.redis.core.script.RedisScript;
import org.springframework.data.redis.cache.RedisCacheManager;
import org.springframework.data.redis.cache.RedisCacheConfiguration;
import org.springframework.data.redis.cache.RedisCacheWriter;
import org.springframework.data.redis.cache.BatchStrategies;
import org.springframework.data.redis.listener.ChannelTopic;
import org.springframework.data.redis.listener.PatternTopic;
import org.springframework.data.redis.listener.RedisMessageListenerContainer;
import org.springframework.data.redis.stream.StreamMessageListenerContainer;
import org.springframework.data.redis.support.atomic.RedisAtomicLong;

/** Spring Data Redis, as an application uses it: templates, listener containers, a cache. */
class Main {
    static LettuceConnectionFactory factory;
    static StringRedisTemplate template;

    static void values() {
        var strings = template.opsForValue();
        strings.set("a", "1", Duration.ofSeconds(100));
        Check.equal(strings.setIfAbsent("a", "2"), false);
        Check.equal(strings.increment("a", 41), 42L);
        Check.equal(template.getExpire("a") > 90, true);
        strings.multiSet(Map.of("b", "1", "c", "2"));
        Check.equal(strings.multiGet(List.of("b", "nothing")), java.util.Arrays.asList("1", null));
        Check.equal(strings.getAndDelete("c"), "2");
        template.opsForHash().putAll("h", Map.of("f", "1", "g", "2"));
        Check.equal(template.opsForHash().entries("h"), Map.of("f", "1", "g", "2"));
        Check.equal(template.opsForHash().increment("h", "f", 9), 10L);
        template.opsForList().rightPushAll("l", "a", "b", "c");
        Check.equal(template.opsForList().range("l", 0, -1), List.of("a", "b", "c"));
        Check.equal(template.opsForList().rightPopAndLeftPush("l", "l2"), "c");
        template.opsForSet().add("s", "1", "2", "3");
        Check.equal(template.opsForSet().members("s"), Set.of("1", "2", "3"));
        Check.equal(template.opsForSet().intersect("s", "s").size(), 3);
        template.opsForZSet().add("z", Set.of(ZSetOperations.TypedTuple.of("one", 1.0), ZSetOperations.TypedTuple.of("two", 2.5)));
        Check.equal(template.opsForZSet().rangeByScore("z", 2, 3), Set.of("two"));
        Check.equal(template.opsForZSet().popMin("z").getValue(), "one");
        template.opsForGeo().add("g", new Point(13.361389, 38.115556), "Palermo");
        Check.equal(template.opsForGeo().distance("g", "Palermo", "Palermo", Metrics.KILOMETERS), new Distance(0, Metrics.KILOMETERS));
        template.opsForHyperLogLog().add("p", "1", "2");
        Check.equal(template.opsForHyperLogLog().size("p"), 2L);
        Check.equal(strings.setBit("bits", 7, true), false);
        Check.equal(template.type("h"), DataType.HASH);
        Check.equal(template.copy("h", "h2", false), true);
        Check.equal(template.keys("h*"), Set.of("h", "h2"));
        Check.fails("WRONGTYPE", () -> template.opsForList().leftPush("h", "x"));
    }

    static void pipelined() {
        List<Object> answers = template.executePipelined(new SessionCallback<Object>() {
            @Override
            @SuppressWarnings("unchecked")
            public Object execute(RedisOperations operations) {
                for (int i = 0; i < 1000; i++) operations.opsForValue().set("key:" + i, "v");
                return null;
            }
        });
        Check.equal(answers.size(), 1000);
        int seen = 0;
        try (var cursor = template.scan(KeyScanOptions.scanOptions(DataType.STRING).match("key:*").count(100).build())) {
            for (; cursor.hasNext(); cursor.next()) seen++;
        }
        Check.equal(seen, 1000);
        template.opsForHash().putAll("wide", Collections.singletonMap("only", "1"));
        try (var cursor = template.opsForHash().scan("wide", ScanOptions.NONE)) {
            Check.equal(cursor.next().getKey(), "only");
        }
    }

    static void transactions() {
        List<Object> answers = template.execute(new SessionCallback<List<Object>>() {
            @Override
            @SuppressWarnings("unchecked")
            public List<Object> execute(RedisOperations operations) {
                operations.watch("n");
                operations.multi();
                operations.opsForValue().set("n", "1");
                operations.opsForValue().increment("n");
                return operations.exec();
            }
        });
        Check.equal(answers, List.of(true, 2L));
        var counter = new RedisAtomicLong("atomic", factory);
        Check.equal(counter.compareAndSet(0, 7), true);
        Check.equal(counter.incrementAndGet(), 8L);
    }

    static void listeners() throws Exception {
        List<String> heard = Collections.synchronizedList(new ArrayList<>());
        var container = new RedisMessageListenerContainer();
        container.setConnectionFactory(factory);
        container.addMessageListener((message, pattern) -> heard.add(new String(message.getBody())), ChannelTopic.of("news"));
        container.addMessageListener((message, pattern) -> heard.add(new String(pattern) + new String(message.getBody())), PatternTopic.of("room.*"));
        container.afterPropertiesSet();
        container.start();
        Check.until("the subscriptions", () -> template.convertAndSend("news", "first") == 1);
        Check.until("the first message", () -> heard.size() == 1);
        for (int i = 0; i < 100; i++) template.convertAndSend("news", "" + i);
        template.convertAndSend("room.1", "hi");
        Check.until("102 messages", () -> heard.size() == 102);
        Check.equal(heard.contains("room.*hi"), true);
        container.destroy();
    }

    static void streams() throws Exception {
        var stream = template.opsForStream();
        var id = stream.add("stream", Map.of("n", "1"));
        stream.createGroup("stream", ReadOffset.from("0"), "g");
        var read = stream.read(Consumer.from("g", "one"), StreamReadOptions.empty().count(10), StreamOffset.create("stream", ReadOffset.lastConsumed()));
        Check.equal(read.get(0).getId(), id);
        Check.equal(stream.pending("stream", "g").getTotalPendingMessages(), 1L);
        Check.equal(stream.acknowledge("stream", "g", id), 1L);
        Check.equal(stream.range("stream", Range.unbounded()).size(), 1);
        Check.equal(stream.info("stream").streamLength(), 1L);
        Check.equal(stream.groups("stream").get(0).groupName(), "g");

        List<String> heard = Collections.synchronizedList(new ArrayList<>());
        var options = StreamMessageListenerContainer.StreamMessageListenerContainerOptions.builder().pollTimeout(Duration.ofMillis(200)).build();
        StreamMessageListenerContainer<String, MapRecord<String, String, String>> container = StreamMessageListenerContainer.create(factory, options);
        container.receiveAutoAck(Consumer.from("g", "two"), StreamOffset.create("stream", ReadOffset.lastConsumed()), record -> heard.add(record.getValue().get("n")));
        container.start();
        for (int i = 0; i < 50; i++) stream.add("stream", Map.of("n", "" + i));
        Check.until("50 entries", () -> heard.size() == 50);
        Check.equal(heard.get(49), "49");
        Check.until("their acknowledgement", () -> stream.pending("stream", "g").getTotalPendingMessages() == 0);
        container.stop();
    }

    static void blocking() throws Exception {
        var waiting = CompletableFuture.supplyAsync(() -> template.opsForList().leftPop("q", Duration.ofSeconds(30)));
        Check.until("the blocked client", () -> template.execute((org.springframework.data.redis.core.RedisCallback<String>) connection ->
            connection.serverCommands().info("clients").getProperty("blocked_clients")).equals("1"));
        template.opsForList().rightPush("q", "x");
        Check.equal(waiting.get(), "x");
    }

    static void scripts() {
        var script = RedisScript.of("return redis.call('INCRBY', KEYS[1], ARGV[1])", Long.class);
        Check.equal(template.execute(script, List.of("sn"), "5"), 5L);
        Check.equal(template.execute(script, List.of("sn"), "5"), 10L);
        Check.equal(template.execute(RedisScript.of("return {ARGV[1], 'b'}", List.class), List.of(), "a"), List.of("a", "b"));
    }

    static void cache() throws Exception {
        var writer = RedisCacheWriter.lockingRedisCacheWriter(factory, BatchStrategies.scan(100));
        var manager = RedisCacheManager.builder(writer)
            .cacheDefaults(RedisCacheConfiguration.defaultCacheConfig().entryTtl(Duration.ofMinutes(1))).build();
        manager.afterPropertiesSet();
        var cache = manager.getCache("books");
        cache.put("1", "Emma");
        Check.equal(cache.get("1", String.class), "Emma");
        Check.equal(cache.get("2", () -> "made"), "made");
        Check.equal(cache.putIfAbsent("2", "other").get(), "made");
        // Both may be done later.
        cache.evict("1");
        Check.until("the evicted entry's end", () -> cache.get("1") == null);
        cache.clear();
        Check.until("the empty cache", () -> template.keys("books*").isEmpty());
    }

    static void reactive() {
        var reactive = new ReactiveStringRedisTemplate(factory);
        Check.equal(reactive.opsForValue().set("r", "1").then(reactive.opsForValue().increment("r")).block(), 2L);
        Check.equal(reactive.opsForList().rightPushAll("rl", "a", "b").thenMany(reactive.opsForList().range("rl", 0, -1)).collectList().block(), List.of("a", "b"));
        Check.equal(reactive.scan(ScanOptions.scanOptions().match("r*").build()).collectList().block().size(), 2);
    }

    public static void main(String[] args) {
        var url = java.net.URI.create(Check.redisUrl());
        factory = new LettuceConnectionFactory(new RedisStandaloneConfiguration(url.getHost(), url.getPort()));
        factory.afterPropertiesSet();
        factory.start();
        template = new StringRedisTemplate(factory);
        template.execute((org.springframework.data.redis.core.RedisCallback<Object>) connection -> {
            connection.serverCommands().flushAll();
            return null;
        });
        Check.scenario("values of all types", Main::values);
        Check.scenario("pipelines and cursors", Main::pipelined);
        Check.scenario("transactions", Main::transactions);
        Check.scenario("message listeners", Main::listeners);
        Check.scenario("streams, with a listener container", Main::streams);
        Check.scenario("blocking pops", Main::blocking);
        Check.scenario("scripts", Main::scripts);
        Check.scenario("a cache with locks", Main::cache);
        Check.scenario("the reactive template", Main::reactive);
        Check.end();
    }
}
