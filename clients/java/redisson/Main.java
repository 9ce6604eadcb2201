import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.redisson.Redisson;
import org.redisson.api.BatchOptions;
import org.redisson.api.DeletedObjectListener;
import org.redisson.api.ExpiredObjectListener;
import org.redisson.api.LocalCachedMapOptions;
import org.redisson.api.RScript;
import org.redisson.api.RateType;
import org.redisson.api.RedissonClient;
import org.redisson.api.TransactionOptions;
import org.redisson.api.redisnode.RedisNodes;
import org.redisson.api.stream.StreamAddArgs;
import org.redisson.api.stream.StreamCreateGroupArgs;
import org.redisson.api.stream.StreamReadGroupArgs;
import org.redisson.client.codec.IntegerCodec;
import org.redisson.client.codec.StringCodec;
import org.redisson.config.Config;

/** Redisson, as an application uses it: two clients, which stand for two processes. */
class Main {
    static RedissonClient client() {
        Config config = new Config();
        config.setLockWatchdogTimeout(3000);
        config.useSingleServer().setAddress(Check.redisUrl().replace("/0", "")).setConnectionMinimumIdleSize(2);
        return Redisson.create(config);
    }

    static void locks(RedissonClient one, RedissonClient two) throws Exception {
        var lock = one.getLock("lock");
        lock.lock();
        lock.lock();
        Check.equal(lock.getHoldCount(), 2);
        Check.equal(two.getLock("lock").tryLock(), false);
        // The watchdog makes its time longer, again and again.
        Check.until("the watchdog", () -> lock.remainTimeToLive() < 2500);
        Check.until("the watchdog", () -> lock.remainTimeToLive() > 2500);
        var waiting = CompletableFuture.supplyAsync(() -> {
            try {
                return two.getLock("lock").tryLock(60, 30, TimeUnit.SECONDS);
            } catch (InterruptedException error) {
                return false;
            }
        });
        lock.unlock();
        Check.equal(waiting.isDone(), false);
        lock.unlock();
        Check.equal(waiting.get(), true);
        Check.fails("attempt to unlock lock", lock::unlock);
        Check.equal(two.getLock("lock").forceUnlock(), true);

        AtomicInteger inside = new AtomicInteger();
        List<CompletableFuture<Void>> all = new ArrayList<>();
        for (int i = 0; i < 8; i++) {
            var client = i % 2 == 0 ? one : two;
            all.add(CompletableFuture.runAsync(() -> {
                for (int n = 0; n < 10; n++) {
                    var each = client.getLock("busy");
                    each.lock();
                    Check.equal(inside.incrementAndGet(), 1);
                    inside.decrementAndGet();
                    each.unlock();
                }
            }));
        }
        for (var each : all) each.get();
    }

    static void otherLocks(RedissonClient one, RedissonClient two) throws Exception {
        var fair = one.getFairLock("fair");
        Check.equal(fair.tryLock(10, 30, TimeUnit.SECONDS), true);
        Check.equal(two.getFairLock("fair").tryLock(), false);
        fair.unlock();
        var shared = one.getReadWriteLock("shared");
        shared.readLock().lock();
        Check.equal(two.getReadWriteLock("shared").readLock().tryLock(), true);
        Check.equal(two.getReadWriteLock("shared").writeLock().tryLock(), false);
        shared.readLock().unlock();
        two.getReadWriteLock("shared").readLock().unlock();
        var multi = one.getMultiLock(one.getLock("m1"), one.getLock("m2"));
        multi.lock();
        Check.equal(two.getLock("m2").isLocked(), true);
        multi.unlock();
        var fenced = one.getFencedLock("fenced");
        long first = fenced.lockAndGetToken();
        fenced.unlock();
        Check.equal(fenced.lockAndGetToken() > first, true);
        fenced.unlock();
        var spin = one.getSpinLock("spin");
        spin.lock();
        Check.equal(two.getSpinLock("spin").tryLock(), false);
        spin.unlock();
    }

    static void semaphores(RedissonClient one, RedissonClient two) throws Exception {
        var semaphore = one.getSemaphore("semaphore");
        Check.equal(semaphore.trySetPermits(2), true);
        semaphore.acquire(2);
        Check.equal(two.getSemaphore("semaphore").tryAcquire(), false);
        var waiting = CompletableFuture.supplyAsync(() -> {
            try {
                return two.getSemaphore("semaphore").tryAcquire(Duration.ofSeconds(60));
            } catch (InterruptedException error) {
                return false;
            }
        });
        semaphore.release();
        Check.equal(waiting.get(), true);
        Check.equal(semaphore.availablePermits(), 0);

        var leased = one.getPermitExpirableSemaphore("leased");
        leased.trySetPermits(1);
        String permit = leased.acquire(300, TimeUnit.MILLISECONDS);
        // Nobody gives it back: its time ends.
        String next = two.getPermitExpirableSemaphore("leased").tryAcquire(60, 30, TimeUnit.SECONDS);
        Check.equal(next != null && !next.equals(permit), true);
        Check.equal(leased.tryRelease(permit), false);
        two.getPermitExpirableSemaphore("leased").release(next);

        var latch = one.getCountDownLatch("latch");
        latch.trySetCount(2);
        var opened = CompletableFuture.supplyAsync(() -> {
            try {
                return two.getCountDownLatch("latch").await(60, TimeUnit.SECONDS);
            } catch (InterruptedException error) {
                return false;
            }
        });
        latch.countDown();
        latch.countDown();
        Check.equal(opened.get(), true);

        var limiter = one.getRateLimiter("limiter");
        Check.equal(limiter.trySetRate(RateType.OVERALL, 3, Duration.ofMinutes(1)), true);
        Check.equal(List.of(limiter.tryAcquire(2), two.getRateLimiter("limiter").tryAcquire(1), limiter.tryAcquire(1)), List.of(true, true, false));
    }

    static void topics(RedissonClient one, RedissonClient two) throws Exception {
        List<String> heard = Collections.synchronizedList(new ArrayList<>());
        int listener = one.getTopic("news").addListener(String.class, (channel, text) -> heard.add(text));
        one.getPatternTopic("n*").addListener(String.class, (pattern, channel, text) -> heard.add(pattern + text));
        Check.equal(two.getTopic("news").publish("hello"), 2L);
        Check.until("two messages", () -> heard.size() == 2);
        Check.equal(heard.stream().sorted().toList(), List.of("hello", "n*hello"));
        Check.equal(two.getTopic("news").countSubscribers(), 1L);
        one.getTopic("news").removeListener(listener);
        one.getShardedTopic("part").addListener(String.class, (channel, text) -> heard.add("part " + text));
        Check.until("the sharded subscription", () -> two.getShardedTopic("part").publish("x") == 1);
        Check.until("the sharded message", () -> heard.contains("part x"));
        // Its messages wait for listeners that are away.
        one.getReliableTopic("sure").addListener(String.class, (channel, text) -> heard.add("sure " + text));
        two.getReliableTopic("sure").publish("y");
        Check.until("the reliable message", () -> heard.contains("sure y"));
    }

    static void collections(RedissonClient one, RedissonClient two) throws Exception {
        var map = one.<String, Integer>getMap("map");
        Check.equal(map.put("a", 1), null);
        Check.equal(map.putIfAbsent("a", 2), 1);
        var counts = one.<String, Integer>getMap("counts", IntegerCodec.INSTANCE);
        counts.fastPut("a", 1);
        Check.equal(counts.addAndGet("a", 41), 42);
        Check.equal(map.fastPut("b", 1), true);
        Check.equal(map.readAllMap(), Map.of("a", 1, "b", 1));
        Check.equal(map.compute("b", (key, value) -> value + 1), 2);
        Check.equal(map.replace("b", 2, 3), true);
        var expiring = one.<String, String>getMapCache("expiring");
        expiring.put("short", "x", 50, TimeUnit.MILLISECONDS);
        expiring.put("long", "y");
        Check.until("the expiry of an entry", () -> !expiring.containsKey("short"));
        Check.equal(expiring.get("long"), "y");
        var set = one.<Integer>getSet("set");
        for (int i = 0; i < 100; i++) set.add(i);
        Check.equal(set.readAll().size(), 100);
        Check.equal(set.contains(7), true);
        var sorted = one.<String>getScoredSortedSet("sorted");
        sorted.add(1, "one");
        sorted.add(2, "two");
        Check.equal(sorted.addScoreAndGetRank("one", 5), 1);
        Check.equal(sorted.pollFirst(), "two");
        var list = one.<String>getList("list");
        list.addAll(List.of("a", "b", "c"));
        list.add(1, "x");
        list.remove("b");
        Check.equal(list.readAll(), List.of("a", "x", "c"));
        Check.equal(one.getAtomicLong("long").addAndGet(5), 5L);
        Check.equal(two.getAtomicLong("long").compareAndSet(5, 6), true);
        Check.equal(one.getIdGenerator("ids").tryInit(1, 10), true);
        Check.equal(one.getIdGenerator("ids").nextId(), 1L);
        var bloom = one.<String>getBloomFilter("bloom");
        bloom.tryInit(1000, 0.01);
        bloom.add("x");
        Check.equal(List.of(bloom.contains("x"), bloom.contains("y")), List.of(true, false));
        var bucket = one.<String>getBucket("bucket");
        bucket.set("v", Duration.ofSeconds(100));
        Check.equal(bucket.compareAndSet("v", "w"), true);
        Check.equal(bucket.getAndSet("z"), "w");
        Check.equal(one.getKeys().countExists("map", "set", "nothing"), 2L);
    }

    static void queues(RedissonClient one, RedissonClient two) throws Exception {
        var queue = one.<String>getBlockingQueue("queue");
        var taken = CompletableFuture.supplyAsync(() -> {
            try {
                return queue.poll(60, TimeUnit.SECONDS);
            } catch (InterruptedException error) {
                return null;
            }
        });
        two.<String>getBlockingQueue("queue").offer("job");
        Check.equal(taken.get(), "job");
        var destination = one.<String>getBlockingQueue("due");
        var delayed = one.getDelayedQueue(destination);
        delayed.offer("later", 300, TimeUnit.MILLISECONDS);
        Check.equal(destination.poll(60, TimeUnit.SECONDS), "later");
        delayed.destroy();
        var priority = one.<Integer>getPriorityQueue("priority");
        priority.addAll(List.of(3, 1, 2));
        Check.equal(List.of(priority.poll(), priority.poll(), priority.poll()), List.of(1, 2, 3));
        var bounded = one.<String>getBoundedBlockingQueue("bounded");
        bounded.trySetCapacity(1);
        Check.equal(List.of(bounded.offer("a"), bounded.offer("b")), List.of(true, false));
        var ring = one.<Integer>getRingBuffer("ring");
        ring.trySetCapacity(2);
        ring.addAll(List.of(1, 2, 3));
        Check.equal(ring.readAll(), List.of(2, 3));
    }

    static void streams(RedissonClient one) {
        var stream = one.<String, String>getStream("stream", StringCodec.INSTANCE);
        stream.createGroup(StreamCreateGroupArgs.name("g").makeStream());
        var id = stream.add(StreamAddArgs.entry("k", "v"));
        var read = stream.readGroup("g", "c", StreamReadGroupArgs.neverDelivered());
        Check.equal(read, Map.of(id, Map.of("k", "v")));
        Check.equal(stream.getPendingInfo("g").getTotal(), 1L);
        Check.equal(stream.ack("g", id), 1L);
    }

    static void batchesAndScripts(RedissonClient one, RedissonClient two) {
        for (var mode : BatchOptions.ExecutionMode.values()) {
            var batch = one.createBatch(BatchOptions.defaults().executionMode(mode));
            for (int i = 0; i < 100; i++) batch.getAtomicLong("batch" + mode).incrementAndGetAsync();
            Check.equal(batch.execute().getResponses().size(), 100);
            Check.equal(two.getAtomicLong("batch" + mode).get(), 100L);
        }
        var script = one.getScript(StringCodec.INSTANCE);
        Check.equal(script.<Long>eval(RScript.Mode.READ_WRITE, "return redis.call('incrby', KEYS[1], ARGV[1])", RScript.ReturnType.LONG, List.of("sn"), "5"), 5L);
        String sha = script.scriptLoad("return ARGV[1]");
        Check.equal(script.<String>evalSha(RScript.Mode.READ_ONLY, sha, RScript.ReturnType.VALUE, List.of(), "x"), "x");
        var transaction = one.createTransaction(TransactionOptions.defaults());
        transaction.getMap("tmap").put("a", "1");
        transaction.getBucket("tbucket").set("b");
        Check.equal(two.getBucket("tbucket").isExists(), false);
        transaction.commit();
        Check.equal(two.getBucket("tbucket").get(), "b");
        Check.equal(two.getMap("tmap").get("a"), "1");
    }

    static void localCache(RedissonClient one, RedissonClient two) throws Exception {
        var options = LocalCachedMapOptions.<String, String>defaults();
        var here = one.getLocalCachedMap("cached", options);
        var there = two.getLocalCachedMap("cached", options);
        here.put("a", "1");
        Check.equal(there.get("a"), "1");
        here.put("a", "2");
        Check.until("the invalidation", () -> "2".equals(there.get("a")));
    }

    static void keyEvents(RedissonClient one, RedissonClient two) throws Exception {
        one.getRedisNodes(RedisNodes.SINGLE).getInstance().setConfig("notify-keyspace-events", "KEA");
        var gone = new CountDownLatch(2);
        one.getBucket("watched").addListener((DeletedObjectListener) name -> gone.countDown());
        one.getBucket("watched2").addListener((ExpiredObjectListener) name -> gone.countDown());
        two.getBucket("watched").set("x");
        two.getBucket("watched").delete();
        two.getBucket("watched2").set("x", Duration.ofMillis(50));
        Check.equal(gone.await(60, TimeUnit.SECONDS), true);
    }

    record Sum(int a, int b) implements Callable<Integer>, java.io.Serializable {
        @Override
        public Integer call() {
            return a + b;
        }
    }

    static void executor(RedissonClient one, RedissonClient two) throws Exception {
        var service = one.getExecutorService("work");
        two.getExecutorService("work").registerWorkers(org.redisson.api.WorkerOptions.defaults().workers(2));
        Check.equal(service.submit(new Sum(2, 3)).get(60, TimeUnit.SECONDS), 5);
        Check.equal(service.schedule(new Sum(4, 5), 200, TimeUnit.MILLISECONDS).get(60, TimeUnit.SECONDS), 9);
        service.delete();
    }

    public static void main(String[] args) throws Exception {
        RedissonClient one = client();
        RedissonClient two = client();
        one.getKeys().flushall();
        Check.scenario("locks, watchdog, waiting", () -> locks(one, two));
        Check.scenario("fair, read-write, multi, fenced and spin locks", () -> otherLocks(one, two));
        Check.scenario("semaphores, latch, rate limiter", () -> semaphores(one, two));
        Check.scenario("topics: plain, pattern, sharded, reliable", () -> topics(one, two));
        Check.scenario("maps, sets, lists, counters, buckets", () -> collections(one, two));
        Check.scenario("queues: blocking, delayed, priority, bounded, ring", () -> queues(one, two));
        Check.scenario("streams", () -> streams(one));
        Check.scenario("batches, scripts, transactions", () -> batchesAndScripts(one, two));
        Check.scenario("a map with a local cache", () -> localCache(one, two));
        Check.scenario("listeners of keys", () -> keyEvents(one, two));
        Check.scenario("an executor service", () -> executor(one, two));
        Check.end();
    }
}
