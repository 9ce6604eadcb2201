import io.lettuce.core.KeyValue;
import io.lettuce.core.LettuceFutures;
import io.lettuce.core.Limit;
import io.lettuce.core.Range;
import io.lettuce.core.RedisClient;
import io.lettuce.core.RedisFuture;
import io.lettuce.core.RedisURI;
import io.lettuce.core.ScanArgs;
import io.lettuce.core.ScanIterator;
import io.lettuce.core.ScoredValue;
import io.lettuce.core.ScriptOutputType;
import io.lettuce.core.SetArgs;
import io.lettuce.core.TrackingArgs;
import io.lettuce.core.XAutoClaimArgs;
import io.lettuce.core.XGroupCreateArgs;
import io.lettuce.core.XReadArgs;
import io.lettuce.core.ClientOptions;
import io.lettuce.core.api.StatefulRedisConnection;
import io.lettuce.core.api.sync.RedisCommands;
import io.lettuce.core.protocol.ProtocolVersion;
import io.lettuce.core.pubsub.RedisPubSubAdapter;
import io.lettuce.core.support.caching.CacheAccessor;
import io.lettuce.core.support.caching.ClientSideCaching;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import reactor.core.publisher.Flux;

/** Lettuce, as an application uses it: synchronous, asynchronous and reactive. */
class Main {
    static RedisClient client(ProtocolVersion version) {
        RedisClient client = RedisClient.create(RedisURI.create(Check.redisUrl()));
        client.setOptions(ClientOptions.builder().protocolVersion(version).build());
        return client;
    }

    static void values(RedisCommands<String, String> r) {
        Check.equal(r.set("a", "1", SetArgs.Builder.ex(100)), "OK");
        Check.equal(r.setnx("a", "2"), false);
        Check.equal(r.incrby("a", 41), 42L);
        Check.equal(r.incrbyfloat("a", 0.5), 42.5);
        Check.equal(r.ttl("a") > 90, true);
        Check.equal(r.mset(Map.of("b", "1", "c", "2")), "OK");
        Check.equal(r.mget("b", "nothing"), List.of(KeyValue.just("b", "1"), KeyValue.empty("nothing")));
        Check.equal(r.hset("h", Map.of("f", "1", "g", "2")), 2L);
        Check.equal(r.hgetall("h"), Map.of("f", "1", "g", "2"));
        Check.equal(r.rpush("l", "a", "b", "c"), 3L);
        Check.equal(r.lrange("l", 0, -1), List.of("a", "b", "c"));
        Check.equal(r.sadd("s", "1", "2", "3"), 3L);
        Check.equal(r.smembers("s"), Set.of("1", "2", "3"));
        Check.equal(r.zadd("z", ScoredValue.just(1, "one"), ScoredValue.just(2.5, "two")), 2L);
        Check.equal(r.zrangeWithScores("z", 0, -1), List.of(ScoredValue.just(1, "one"), ScoredValue.just(2.5, "two")));
        Check.equal(r.zrangebyscore("z", Range.from(Range.Boundary.excluding(1), Range.Boundary.unbounded()), Limit.unlimited()), List.of("two"));
        Check.equal(r.zpopmin("z"), ScoredValue.just(1, "one"));
        Check.equal(r.geoadd("g", 13.361389, 38.115556, "Palermo"), 1L);
        Check.equal(r.geosearch("g", io.lettuce.core.GeoSearch.fromCoordinates(13, 38),
            io.lettuce.core.GeoSearch.byRadius(100, io.lettuce.core.GeoArgs.Unit.km)), Set.of("Palermo"));
        Check.equal(r.pfadd("p", "1", "2"), 1L);
        Check.equal(r.pfcount("p"), 2L);
        Check.equal(r.setbit("bits", 7, 1), 0L);
        Check.equal(r.restore("h2", 0, r.dump("h")), "OK");
        Check.equal(r.type("h2"), "hash");
        Check.fails("WRONGTYPE", () -> r.lpush("h", "x"));
    }

    static void transactions(RedisCommands<String, String> r, RedisCommands<String, String> other) {
        r.multi();
        r.set("n", "1");
        r.incr("n");
        Check.equal(List.copyOf(r.exec().stream().toList()), List.of("OK", 2L));
        r.watch("n");
        other.incr("n");
        r.multi();
        r.set("n", "lost");
        Check.equal(r.exec().wasDiscarded(), true);
        Check.equal(r.get("n"), "3");
    }

    static void asynchronous(StatefulRedisConnection<String, String> connection) {
        var r = connection.async();
        List<RedisFuture<?>> futures = new ArrayList<>();
        connection.setAutoFlushCommands(false);
        for (int i = 0; i < 5000; i++) futures.add(r.set("key:" + i, "v"));
        connection.flushCommands();
        connection.setAutoFlushCommands(true);
        Check.equal(LettuceFutures.awaitAll(Duration.ofSeconds(60), futures.toArray(RedisFuture[]::new)), true);
        Set<String> seen = new HashSet<>();
        ScanIterator.scan(connection.sync(), ScanArgs.Builder.matches("key:*").limit(200)).forEachRemaining(seen::add);
        Check.equal(seen.size(), 5000);
    }

    static void reactive(StatefulRedisConnection<String, String> connection) {
        var r = connection.reactive();
        List<Long> numbers = Flux.range(1, 200).flatMap(i -> r.incr("counter")).collectList().block();
        Check.equal(new HashSet<>(numbers).size(), 200);
        Check.equal(r.get("counter").block(), "200");
        Check.equal(r.get("nothing").blockOptional().isPresent(), false);
    }

    static void pubSub(RedisClient client, RedisCommands<String, String> r) throws Exception {
        List<String> heard = Collections.synchronizedList(new ArrayList<>());
        try (var connection = client.connectPubSub()) {
            connection.addListener(new RedisPubSubAdapter<>() {
                @Override
                public void message(String channel, String message) {
                    heard.add(channel + " " + message);
                }

                @Override
                public void message(String pattern, String channel, String message) {
                    heard.add(pattern + " " + channel + " " + message);
                }

                @Override
                public void smessage(String channel, String message) {
                    heard.add("shard " + channel + " " + message);
                }
            });
            connection.sync().subscribe("news");
            connection.sync().psubscribe("room.*");
            connection.sync().ssubscribe("part");
            for (int i = 0; i < 100; i++) Check.equal(r.publish("news", "" + i), 1L);
            r.publish("room.1", "hi");
            r.spublish("part", "x");
            Check.until("102 messages", () -> heard.size() == 102);
            Check.equal(heard.get(99), "news 99");
            Check.equal(heard.subList(100, 102), List.of("room.* room.1 hi", "shard part x"));
            Check.equal(r.pubsubNumsub("news"), Map.of("news", 1L));
            connection.sync().unsubscribe("news");
        }
    }

    static void streams(RedisClient client, RedisCommands<String, String> r) throws Exception {
        List<String> ids = new ArrayList<>();
        for (int i = 0; i < 10; i++) ids.add(r.xadd("s", Map.of("n", "" + i)));
        Check.equal(r.xgroupCreate(XReadArgs.StreamOffset.from("s", "0"), "g", XGroupCreateArgs.Builder.mkstream()), "OK");
        Check.fails("BUSYGROUP", () -> r.xgroupCreate(XReadArgs.StreamOffset.from("s", "0"), "g"));
        var one = io.lettuce.core.Consumer.from("g", "one");
        var two = io.lettuce.core.Consumer.from("g", "two");
        var read = r.xreadgroup(one, XReadArgs.Builder.count(4), XReadArgs.StreamOffset.lastConsumed("s"));
        Check.equal(read.get(3).getId(), ids.get(3));
        Check.equal(read.get(3).getBody(), Map.of("n", "3"));
        Check.equal(r.xack("s", "g", ids.get(0), ids.get(1)), 2L);
        Check.equal(r.xpending("s", "g").getCount(), 2L);
        var claimed = r.xautoclaim("s", new XAutoClaimArgs<String>().consumer(two).minIdleTime(0).startId("0"));
        Check.equal(claimed.getMessages().size(), 2);
        Check.equal(r.xlen("s"), 10L);
        try (var connection = client.connect()) {
            connection.setTimeout(Duration.ofSeconds(60));
            var waiting = connection.async().xread(XReadArgs.Builder.block(30_000), XReadArgs.StreamOffset.latest("s"));
            Check.until("the blocked reader", () -> r.info("clients").contains("blocked_clients:1"));
            String late = r.xadd("s", Map.of("late", "1"));
            Check.equal(waiting.get(60, TimeUnit.SECONDS).get(0).getId(), late);
        }
        Check.equal(r.xtrim("s", 5), 6L);
        Check.equal(r.xrange("s", Range.unbounded()).size(), 5);
    }

    static void blocking(RedisClient client, RedisCommands<String, String> r) throws Exception {
        try (var connection = client.connect()) {
            var waiting = connection.async().blpop(30, "q1", "q2");
            Check.until("the blocked client", () -> r.info("clients").contains("blocked_clients:1"));
            r.rpush("q2", "x");
            Check.equal(waiting.get(60, TimeUnit.SECONDS), KeyValue.just("q2", "x"));
            Check.equal(connection.sync().brpop(0.05, "q1"), null);
        }
    }

    static void scripts(RedisCommands<String, String> r) {
        Check.equal(r.eval("return redis.call('INCRBY', KEYS[1], ARGV[1])", ScriptOutputType.INTEGER, new String[] { "sn" }, "5"), 5L);
        String sha = r.scriptLoad("return {KEYS[1], ARGV[1], {1}}");
        Check.equal(r.evalsha(sha, ScriptOutputType.MULTI, new String[] { "k" }, "v"), List.of("k", "v", List.of(1L)));
        Check.equal(r.scriptExists(sha, "f".repeat(40)), List.of(true, false));
        Check.fails("NOSCRIPT", () -> r.evalsha("f".repeat(40), ScriptOutputType.VALUE));
        r.functionLoad("#!lua name=lib\nredis.register_function('double', function(k, a) return a[1] * 2 end)", true);
        Check.equal(r.fcall("double", ScriptOutputType.INTEGER, new String[0], "21"), 42L);
        r.functionFlush(io.lettuce.core.FlushMode.SYNC);
    }

    static void cache(RedisClient client, RedisCommands<String, String> other) throws Exception {
        try (var connection = client.connect()) {
            Map<String, String> local = new ConcurrentHashMap<>();
            var cached = ClientSideCaching.enable(CacheAccessor.forMap(local), connection, TrackingArgs.Builder.enabled());
            other.set("color", "red");
            Check.equal(cached.get("color"), "red");
            Check.equal(local, Map.of("color", "red"));
            other.set("color", "blue");
            Check.until("the invalidation", () -> !local.containsKey("color"));
            Check.equal(cached.get("color"), "blue");
            Check.equal(cached.get("made", () -> "here"), "here");
            Check.equal(other.get("made"), "here");
            cached.close();
        }
    }

    /** It connects again by itself, and sends what was not answered. */
    static void reconnects(RedisClient client, RedisCommands<String, String> other) throws Exception {
        try (var connection = client.connect()) {
            var r = connection.sync();
            r.select(4);
            long id = r.clientId();
            Check.equal(other.clientKill(io.lettuce.core.KillArgs.Builder.id(id)), 1L);
            r.set("after", "1");
            Check.equal(r.clientId() != id, true);
            Check.equal(other.exists("after"), 0L);
        }
    }

    static void server(RedisCommands<String, String> r) {
        Check.equal(r.ping(), "PONG");
        Check.equal(r.configGet("maxmemory-policy"), Map.of("maxmemory-policy", "noeviction"));
        Check.equal(r.commandCount() > 200, true);
        Check.equal(io.lettuce.core.models.command.CommandDetailParser.parse(r.commandInfo("get")).get(0).getName(), "get");
        Check.equal(r.aclWhoami(), "default");
        Check.equal(r.role().get(0), "master");
        Check.equal(r.clientList().contains("lib-name=") || r.clientList().contains("addr="), true);
        Check.equal(r.objectEncoding("n"), "int");
        Check.equal(r.memoryUsage("n") > 0, true);
        Check.equal(r.waitForReplication(0, 10), 0L);
    }

    public static void main(String[] args) {
        for (ProtocolVersion version : ProtocolVersion.values()) {
            RedisClient client = client(version);
            var connection = client.connect();
            var r = connection.sync();
            var other = client.connect().sync();
            r.flushall();
            String by = " by " + version;
            Check.scenario("values of all types" + by, () -> values(r));
            Check.scenario("MULTI and WATCH" + by, () -> transactions(r, other));
            Check.scenario("5,000 commands at once, SCAN" + by, () -> asynchronous(connection));
            Check.scenario("reactive" + by, () -> reactive(connection));
            Check.scenario("Pub/Sub" + by, () -> pubSub(client, r));
            r.del("s");
            Check.scenario("streams and consumer groups" + by, () -> streams(client, r));
            Check.scenario("blocking pops" + by, () -> blocking(client, r));
            Check.scenario("scripts and functions" + by, () -> scripts(r));
            if (version == ProtocolVersion.RESP3) Check.scenario("client-side cache" + by, () -> cache(client, other));
            Check.scenario("a connection that is cut" + by, () -> reconnects(client, other));
            Check.scenario("INFO, CONFIG, COMMAND" + by, () -> server(r));
        }
        Check.end();
    }
}
