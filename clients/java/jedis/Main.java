import java.net.URI;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import redis.clients.jedis.DefaultJedisClientConfig;
import redis.clients.jedis.HostAndPort;
import redis.clients.jedis.Jedis;
import redis.clients.jedis.JedisPubSub;
import redis.clients.jedis.RedisClient;
import redis.clients.jedis.RedisProtocol;
import redis.clients.jedis.StreamEntryID;
import redis.clients.jedis.args.ListDirection;
import redis.clients.jedis.csc.Cache;
import redis.clients.jedis.csc.CacheConfig;
import redis.clients.jedis.params.ScanParams;
import redis.clients.jedis.params.SetParams;
import redis.clients.jedis.params.XAddParams;
import redis.clients.jedis.params.XAutoClaimParams;
import redis.clients.jedis.params.XReadGroupParams;
import redis.clients.jedis.params.XReadParams;
import redis.clients.jedis.params.ZRangeParams;
import redis.clients.jedis.resps.ScanResult;
import redis.clients.jedis.resps.StreamEntry;
import redis.clients.jedis.resps.Tuple;

/** Jedis, as an application uses it: its pooled client, and a connection of its own. */
class Main {
    static final URI url = URI.create(Check.redisUrl());

    static RedisClient pooled(RedisProtocol protocol) {
        return RedisClient.builder()
            .hostAndPort(new HostAndPort(url.getHost(), url.getPort()))
            .clientConfig(DefaultJedisClientConfig.builder().protocol(protocol).build())
            .build();
    }

    static void values(RedisClient r) {
        Check.equal(r.set("a", "1", SetParams.setParams().ex(100)), "OK");
        Check.equal(r.set("a", "2", SetParams.setParams().nx()), null);
        Check.equal(r.incrBy("a", 41), 42L);
        Check.equal(r.incrByFloat("a", 0.5), 42.5);
        Check.equal(r.ttl("a") > 90, true);
        Check.equal(r.mset("b", "1", "c", "2"), "OK");
        Check.equal(r.mget("b", "nothing", "c"), java.util.Arrays.asList("1", null, "2"));
        Check.equal(r.hset("h", Map.of("f", "1", "g", "2")), 2L);
        Check.equal(r.hgetAll("h"), Map.of("f", "1", "g", "2"));
        Check.equal(r.hincrBy("h", "f", 9), 10L);
        Check.equal(r.rpush("l", "a", "b", "c"), 3L);
        Check.equal(r.lmove("l", "l2", ListDirection.RIGHT, ListDirection.LEFT), "c");
        Check.equal(r.lmpop(ListDirection.LEFT, 5, "nothing", "l").getValue(), List.of("a", "b"));
        Check.equal(r.sadd("s", "1", "2", "3"), 3L);
        Check.equal(r.smembers("s"), Set.of("1", "2", "3"));
        Check.equal(r.smismember("s", "1", "9"), List.of(true, false));
        Check.equal(r.zadd("z", Map.of("one", 1.0, "two", 2.5)), 2L);
        Check.equal(r.zrangeWithScores("z", 0, -1), List.of(new Tuple("one", 1.0), new Tuple("two", 2.5)));
        Check.equal(r.zrange("z", ZRangeParams.zrangeByScoreParams(2, Double.POSITIVE_INFINITY)), List.of("two"));
        Check.equal(r.zpopmin("z"), new Tuple("one", 1.0));
        Check.equal(r.geoadd("g", 13.361389, 38.115556, "Palermo"), 1L);
        Check.equal(r.geodist("g", "Palermo", "Palermo"), 0.0);
        Check.equal(r.pfadd("p", "1", "2"), 1L);
        Check.equal(r.pfcount("p"), 2L);
        Check.equal(r.setbit("bits", 7, true), false);
        Check.equal(r.bitcount("bits"), 1L);
        byte[] dump = r.dump("h");
        Check.equal(r.restore("h2", 0, dump), "OK");
        Check.equal(r.hgetAll("h2"), Map.of("f", "10", "g", "2"));
        Check.fails("WRONGTYPE", () -> r.lpush("h", "x"));
    }

    static void scan(RedisClient r) {
        try (var pipeline = r.pipelined()) {
            for (int i = 0; i < 2000; i++) pipeline.set("key:" + i, "v");
            pipeline.sync();
        }
        Set<String> seen = new HashSet<>();
        String cursor = ScanParams.SCAN_POINTER_START;
        do {
            ScanResult<String> page = r.scan(cursor, new ScanParams().match("key:*").count(100));
            seen.addAll(page.getResult());
            cursor = page.getCursor();
        } while (!cursor.equals(ScanParams.SCAN_POINTER_START));
        Check.equal(seen.size(), 2000);
    }

    static void transactions(RedisClient r) {
        try (var transaction = r.multi()) {
            transaction.set("n", "1");
            var incremented = transaction.incr("n");
            Check.equal(transaction.exec().size(), 2);
            Check.equal(incremented.get(), 2L);
        }
        try (var transaction = r.transaction(false)) {
            transaction.watch("n");
            r.incr("n");
            transaction.multi();
            transaction.set("n", "lost");
            Check.equal(transaction.exec(), null);
        }
        Check.equal(r.get("n"), "3");
    }

    static void pubSub(RedisClient r) throws Exception {
        List<String> heard = Collections.synchronizedList(new ArrayList<>());
        JedisPubSub listener = new JedisPubSub() {
            @Override
            public void onMessage(String channel, String message) {
                heard.add(channel + " " + message);
                if (message.equals("stop")) unsubscribe();
            }
        };
        var done = CompletableFuture.runAsync(() -> r.subscribe(listener, "news", "other"));
        Check.until("two subscriptions", () -> listener.getSubscribedChannels() == 2);
        for (int i = 0; i < 100; i++) Check.equal(r.publish("news", "" + i), 1L);
        r.publish("other", "stop");
        done.get();
        Check.equal(heard.size(), 101);
        Check.equal(heard.get(99), "news 99");
    }

    static void streams(RedisClient r) throws Exception {
        List<StreamEntryID> ids = new ArrayList<>();
        for (int i = 0; i < 10; i++) ids.add(r.xadd("s", XAddParams.xAddParams(), Map.of("n", "" + i)));
        Check.equal(r.xgroupCreate("s", "g", new StreamEntryID("0-0"), false), "OK");
        Check.fails("BUSYGROUP", () -> r.xgroupCreate("s", "g", new StreamEntryID("0-0"), false));
        List<StreamEntry> read = r.xreadGroup("g", "one", new XReadGroupParams().count(4),
            Map.of("s", StreamEntryID.XREADGROUP_UNDELIVERED_ENTRY)).get(0).getValue();
        Check.equal(read.get(3).getID(), ids.get(3));
        Check.equal(read.get(3).getFields(), Map.of("n", "3"));
        Check.equal(r.xack("s", "g", ids.get(0), ids.get(1)), 2L);
        Check.equal(r.xpending("s", "g").getTotal(), 2L);
        Check.equal(r.xautoclaim("s", "g", "two", 0, new StreamEntryID("0-0"), new XAutoClaimParams()).getValue().size(), 2);
        Check.equal(r.xinfoStream("s").getLength(), 10L);
        Check.equal(r.xinfoGroups("s").get(0).getName(), "g");
        Check.equal(r.xinfoConsumers2("s", "g").size(), 2);
        var waiting = CompletableFuture.supplyAsync(() ->
            r.xread(XReadParams.xReadParams().block(30_000), Map.of("s", StreamEntryID.XREAD_NEW_ENTRY)));
        Check.until("the blocked reader", () -> r.info("clients").contains("blocked_clients:1"));
        StreamEntryID late = r.xadd("s", XAddParams.xAddParams(), Map.of("late", "1"));
        Check.equal(waiting.get().get(0).getValue().get(0).getID(), late);
        Check.equal(r.xtrim("s", 5, false), 6L);
    }

    static void blocking(RedisClient r) throws Exception {
        var waiting = CompletableFuture.supplyAsync(() -> r.blpop(30, "q1", "q2"));
        Check.until("the blocked client", () -> r.info("clients").contains("blocked_clients:1"));
        r.rpush("q2", "x");
        Check.equal(waiting.get(), List.of("q2", "x"));
        Check.equal(r.brpop(0.05, "q1"), null);
        Check.equal(r.bzpopmin(0.05, "q1"), null);
    }

    static void scripts(RedisClient r) {
        Check.equal(r.eval("return redis.call('INCRBY', KEYS[1], ARGV[1])", List.of("n"), List.of("5")), 5L);
        String sha = r.scriptLoad("return {KEYS[1], ARGV[1], {1}}");
        Check.equal(r.evalsha(sha, List.of("k"), List.of("v")), List.of("k", "v", List.of(1L)));
        Check.fails("NOSCRIPT", () -> r.evalsha("f".repeat(40)));
        Check.fails("MYERR mine", () -> r.eval("return redis.error_reply('MYERR mine')"));
        r.functionLoadReplace("#!lua name=lib\nredis.register_function('double', function(k, a) return a[1] * 2 end)");
        Check.equal(r.fcall("double", List.of(), List.of("21")), 42L);
        Check.equal(r.functionDelete("lib"), "OK");
    }

    /** What only a connection of one's own can do. */
    static void connection() {
        try (Jedis own = new Jedis(url)) {
            Check.equal(own.ping(), "PONG");
            own.select(3);
            own.set("elsewhere", "1");
            own.select(0);
            Check.equal(own.exists("elsewhere"), false);
            own.clientSetname("me");
            Check.equal(own.clientList().contains("name=me"), true);
            Check.equal(own.configGet("maxmemory-policy"), Map.of("maxmemory-policy", "noeviction"));
            Check.equal(own.aclWhoAmI(), "default");
            own.set("n", "5");
            Check.equal(own.objectEncoding("n"), "int");
            Check.equal(own.move("n", 5), 1L);
            Check.equal(own.swapDB(0, 5), "OK");
            Check.equal(own.get("n"), "5");
            Check.equal(own.flushAll(), "OK");
        }
    }

    static RedisClient caching() {
        return RedisClient.builder()
            .hostAndPort(new HostAndPort(url.getHost(), url.getPort()))
            .clientConfig(DefaultJedisClientConfig.builder().protocol(RedisProtocol.RESP3).build())
            .cacheConfig(CacheConfig.builder().maxSize(100).build())
            .build();
    }

    /** What it has read it reads from its own memory, until another client changes it. */
    static void cache(RedisClient other) throws Exception {
        List<Integer> version = java.util.Arrays.stream(other.info("server").split("redis_version:")[1].split("[.]", 3))
            .limit(2).map(Integer::valueOf).toList();
        if (version.get(0) < 7 || version.equals(List.of(7, 0)) || version.equals(List.of(7, 2))) {
            // Older servers have what it takes, but Jedis does not try it there.
            Check.fails("Client side caching is only supported", () -> caching().ping());
            return;
        }
        try (RedisClient r = caching()) {
            Cache local = r.getCache();
            other.set("color", "red");
            for (int i = 0; i < 3; i++) Check.equal(r.get("color"), "red");
            Check.equal(local.getStats().getHitCount(), 2L);
            Check.equal(local.getSize(), 1);
            other.set("color", "blue");
            Check.until("the invalidation", () -> r.get("color").equals("blue"));
            Check.equal(local.getStats().getInvalidationCount() > 0, true);
            other.hset("profile", "name", "ann");
            Check.equal(r.hgetAll("profile"), Map.of("name", "ann"));
            other.hset("profile", "name", "bob");
            Check.until("the invalidation of a hash", () -> r.hgetAll("profile").equals(Map.of("name", "bob")));
            other.flushAll();
            Check.until("the invalidation of everything", () -> r.get("color") == null);
        }
    }

    public static void main(String[] args) {
        for (RedisProtocol protocol : new RedisProtocol[] { RedisProtocol.RESP2, RedisProtocol.RESP3 }) {
            RedisClient r = pooled(protocol);
            r.flushAll();
            String by = " by " + protocol;
            Check.scenario("values of all types" + by, () -> values(r));
            Check.scenario("a pipeline and SCAN" + by, () -> scan(r));
            Check.scenario("MULTI and WATCH" + by, () -> transactions(r));
            r.flushAll();
            Check.scenario("a connection of its own" + by, () -> connection());
            Check.scenario("Pub/Sub" + by, () -> pubSub(r));
            Check.scenario("streams and consumer groups" + by, () -> streams(r));
            Check.scenario("blocking pops" + by, () -> blocking(r));
            Check.scenario("scripts and functions" + by, () -> scripts(r));
        }
        Check.scenario("a client-side cache", () -> cache(pooled(RedisProtocol.RESP3)));
        Check.end();
    }
}
