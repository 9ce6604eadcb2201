"""redis-py, with its synchronous and its asyncio client, as an application uses it."""

import asyncio
import threading
import time

import redis
import redis.asyncio
from redis.backoff import NoBackoff
from redis.cache import CacheConfig
from redis.exceptions import (
    LockError,
    LockNotOwnedError,
    NoScriptError,
    ResponseError,
    WatchError,
)
from redis.retry import Retry

from check import REDIS_URL, equal, raises, run, until


def client(**options):
    return redis.Redis.from_url(REDIS_URL, decode_responses=True, **options)


r = client(protocol=2)
r3 = client(protocol=3)


def strings():
    """strings, expiry, bit operations"""
    for c in (r, r3):
        c.flushall()
        equal(c.set("a", "1", ex=100), True)
        equal(c.get("a"), "1")
        equal(99 <= c.ttl("a") <= 100, True)
        equal(c.set("a", "2", nx=True), None)
        equal(c.set("a", "2", get=True), "1")
        equal(c.incrby("a", 40), 42)
        equal(c.incrbyfloat("a", 0.5), 42.5)
        equal(c.append("b", "xyz"), 3)
        equal(c.getrange("b", 1, -1), "yz")
        equal(c.mset({"m1": "1", "m2": "2"}), True)
        equal(c.mget("m1", "nothing", "m2"), ["1", None, "2"])
        equal(c.getex("m1", px=50_000), "1")
        equal(c.getdel("m2"), "2")
        equal(c.exists("m1", "m2"), 1)
        equal(c.setbit("bits", 7, 1), 0)
        equal(c.bitcount("bits"), 1)
        equal(c.bitfield("field").set("u8", 0, 200).incrby("u8", 0, 100, "SAT").execute(), [0, 255])
        raises(ResponseError, "value is not an integer", c.incr, "b")
        equal(c.type("a"), "string")
        equal(c.object("encoding", "m1"), "int")
        equal(c.copy("a", "a2"), True)
        equal(c.rename("a2", "a3"), True)
        equal(c.lcs("a", "a3"), "42.5")


def binary():
    """bytes that are not UTF-8, as keys and values"""
    b = redis.Redis.from_url(REDIS_URL)
    every = bytes(range(256))
    b.set(every, every * 4096)
    equal(b.get(every), every * 4096)
    equal(b.dump(every) is not None, True)
    b.restore(b"copy", 0, b.dump(every))
    equal(b.get(b"copy"), every * 4096)


def collections():
    """hashes, lists, sets, sorted sets"""
    for c in (r, r3):
        c.flushall()
        equal(c.hset("h", mapping={"f": "1", "g": "2"}), 2)
        equal(c.hgetall("h"), {"f": "1", "g": "2"})
        equal(c.hincrby("h", "f", 9), 10)
        equal(c.hmget("h", "f", "x"), ["10", None])
        equal(c.hrandfield("h", -5, withvalues=True) is not None, True)
        equal(c.rpush("l", *"abcde"), 5)
        equal(c.lrange("l", 0, -1), list("abcde"))
        equal(c.lpos("l", "d"), 3)
        equal(c.lmove("l", "l2", "LEFT", "RIGHT"), "a")
        equal(c.lmpop(2, "nothing", "l", direction="RIGHT", count=2), ["l", ["e", "d"]])
        equal(c.blpop(["nothing", "l"], timeout=1), ["l", "b"] if c is r3 else ("l", "b"))
        equal(c.sadd("s", "x", "y", "z"), 3)
        equal(c.sismember("s", "y"), 1)
        equal(c.smismember("s", ["x", "q"]), [1, 0])
        equal(c.sadd("t", "y", "q"), 2)
        equal(c.sinter("s", "t"), {"y"})
        equal(c.sunionstore("u", "s", "t"), 4)
        equal(c.sintercard(2, ["s", "t"]), 1)
        equal(c.zadd("z", {"one": 1, "two": 2, "three": 3.5}), 3)
        equal(c.zscore("z", "three"), 3.5)
        equal(c.zrange("z", 0, -1), ["one", "two", "three"])
        pairs = c.zrange("z", "(1", "+inf", byscore=True, withscores=True)
        equal([list(pair) for pair in pairs], [["two", 2.0], ["three", 3.5]])
        equal(c.zrangestore("z2", "z", 0, 1), 2)
        equal(c.zincrby("z", 10, "one"), 11.0)
        equal(c.zrank("z", "one"), 2)
        popped = c.zpopmin("z", 1)
        equal([list(pair) for pair in popped], [["two", 2.0]])
        equal(c.geoadd("geo", [13.361389, 38.115556, "Palermo", 15.087269, 37.502669, "Catania"]), 2)
        equal(c.geosearch("geo", longitude=15, latitude=37, radius=100, unit="km"), ["Catania"])
        equal(c.pfadd("hll", *"abcdefg"), 1)
        equal(c.pfcount("hll"), 7)
        raises(ResponseError, "WRONGTYPE", c.lpush, "h", "x")


def scans():
    """SCAN, HSCAN, SSCAN, ZSCAN, SORT"""
    r.flushall()
    names = {f"key:{i}" for i in range(1000)}
    pipe = r.pipeline(transaction=False)
    for name in names:
        pipe.set(name, "v")
    pipe.execute()
    equal(set(r.scan_iter(match="key:*", count=100)), names)
    r.hset("h", mapping={f"f{i}": i for i in range(600)})
    equal(len(dict(r.hscan_iter("h"))), 600)
    r.sadd("s", *range(600))
    equal(len(set(r.sscan_iter("s"))), 600)
    r.zadd("z", {f"m{i}": i for i in range(600)})
    equal(len(dict(r.zscan_iter("z"))), 600)
    r.rpush("sorted", 3, 1, 2)
    equal(r.sort("sorted", desc=True), ["3", "2", "1"])
    equal(r.sort("sorted", by="weight_*", get="#"), ["1", "2", "3"])


def pipelines():
    """pipelines, MULTI, WATCH"""
    for c in (r, r3):
        c.flushall()
        equal(c.pipeline(transaction=False).set("a", 1).incr("a").get("a").execute(), [True, 2, "2"])
        equal(c.pipeline().set("a", 1).incr("a").hset("h", "f", 1).execute(), [True, 2, 1])
        answers = c.pipeline().set("x", "text").incr("x").get("x").execute(raise_on_error=False)
        equal(isinstance(answers[1], ResponseError), True)
        equal(answers[2], "text")
        raises(ResponseError, "Command # 1 (NOSUCH) of pipeline", c.pipeline().execute_command("NOSUCH").execute)
        with c.pipeline() as pipe:
            pipe.watch("a")
            c.set("a", "changed")
            pipe.multi()
            pipe.set("a", "lost")
            raises(WatchError, "Watched variable changed", pipe.execute)

        def double(pipe):
            value = int(pipe.get("n") or 1)
            pipe.multi()
            pipe.set("n", value * 2)

        equal(c.transaction(double, "n"), [True])
        equal(c.get("n"), "2")
    big = r.pipeline(transaction=False)
    for i in range(10_000):
        big.incr("counter")
    equal(big.execute()[-1], 10_000)


def pub_sub():
    """Pub/Sub with channels, patterns, a thread, sharded channels"""
    for c in (r, r3):
        ps = c.pubsub()
        ps.subscribe("news")
        ps.psubscribe("n*")
        equal([ps.get_message(timeout=5)["type"] for _ in range(2)], ["subscribe", "psubscribe"])
        equal(c.publish("news", "hello"), 2)
        got = sorted((m["type"], m["data"]) for m in (ps.get_message(timeout=5), ps.get_message(timeout=5)))
        equal(got, [("message", "hello"), ("pmessage", "hello")])
        equal(c.pubsub_channels(), ["news"])
        equal(c.pubsub_numsub("news"), [("news", 1)])
        equal(c.pubsub_numpat(), 1)
        if c is r:
            # redis-py 8.1 cannot read the answer of RESP3, which is no push.
            ps.ping()
            equal(ps.get_message(timeout=5)["type"], "pong")
        ps.unsubscribe()
        ps.punsubscribe()
        ps.close()
        got = []
        ps = c.pubsub()
        ps.subscribe(**{"jobs": lambda message: got.append(message["data"])})
        thread = ps.run_in_thread(sleep_time=0.01, daemon=True)
        until(lambda: c.pubsub_numsub("jobs") == [("jobs", 1)], "the subscription")
        for i in range(100):
            c.publish("jobs", i)
        until(lambda: len(got) == 100, "100 messages")
        equal(got, [str(i) for i in range(100)])
        thread.stop()
        thread.join()
        equal(c.execute_command("SPUBLISH", "shard", "x"), 0)


def keyspace_events():
    """keyspace notifications"""
    r.config_set("notify-keyspace-events", "KEA")
    ps = r.pubsub()
    ps.psubscribe("__keyspace@0__:*")
    equal(ps.get_message(timeout=5)["type"], "psubscribe")
    r.set("noticed", "1", px=20)
    seen = []

    def expired():
        message = ps.get_message(timeout=1)
        if message:
            seen.append(message["data"])
        return "expired" in seen

    until(expired, "the notice of expiry")
    equal(seen, ["set", "expire", "expired"])
    ps.close()
    r.config_set("notify-keyspace-events", "")


def streams():
    """streams and consumer groups"""
    for c in (r, r3):
        c.flushall()
        ids = [c.xadd("s", {"n": i}) for i in range(10)]
        equal(c.xlen("s"), 10)
        equal(c.xrange("s", count=1), [(ids[0], {"n": "0"})])
        equal(c.xgroup_create("s", "g", "0"), True)
        raises(ResponseError, "BUSYGROUP", c.xgroup_create, "s", "g", "0")
        got = c.xreadgroup("g", "one", {"s": ">"}, count=4)
        entries = got[0][1] if c is r else got["s"][0]
        equal([entry[0] for entry in entries], ids[:4])
        equal(c.xack("s", "g", ids[0], ids[1]), 2)
        equal(c.xpending("s", "g")["pending"], 2)
        claimed = c.xautoclaim("s", "g", "two", min_idle_time=0, start_id="0")
        equal([entry[0] for entry in claimed[1]], ids[2:4])
        equal(c.xpending_range("s", "g", "-", "+", 10)[0]["times_delivered"], 2)
        equal(len(c.xclaim("s", "g", "three", 0, [ids[2]])), 1)
        info = c.xinfo_stream("s")
        equal((info["length"], info["last-generated-id"]), (10, ids[-1]))
        equal(c.xinfo_groups("s")[0]["name"], "g")
        equal({each["name"] for each in c.xinfo_consumers("s", "g")}, {"one", "two", "three"})
        equal(c.xdel("s", ids[9]), 1)
        equal(c.xtrim("s", maxlen=5, approximate=False), 4)
        equal(len(c.xinfo_stream("s", full=True)["entries"]), 5)
        waited = []
        reader = threading.Thread(target=lambda: waited.append(c.xread({"s": "$"}, block=30_000)))
        reader.start()
        until(lambda: any(each["cmd"] == "xread" for each in c.client_list()), "the blocked reader")
        c.xadd("s", {"late": "1"})
        reader.join()
        equal(len(waited[0]), 1)
        equal(c.xgroup_destroy("s", "g"), 1)


def blocking():
    """blocking pops, woken by another client"""
    r.flushall()
    results = []

    def wait(call, *args, **kwargs):
        thread = threading.Thread(target=lambda: results.append(call(*args, **kwargs)))
        thread.start()
        until(lambda: r.info("clients")["blocked_clients"] == 1, "the blocked client")
        return thread

    for call, args, kwargs, push in [
        (r.brpop, ("q",), {"timeout": 30}, lambda: r.lpush("q", "1")),
        (r.blmove, ("q", "done", 30), {}, lambda: r.lpush("q", "2")),
        (r.bzpopmin, ("z",), {"timeout": 30}, lambda: r.zadd("z", {"m": 1})),
        (r.blmpop, (30, 1, "q"), {"direction": "LEFT"}, lambda: r.rpush("q", "3", "4")),
    ]:
        thread = wait(call, *args, **kwargs)
        push()
        thread.join()
    equal(
        [list(each) if isinstance(each, tuple) else each for each in results],
        [["q", "1"], "2", ["z", "m", 1.0], ["q", ["3"]]],
    )
    equal(r.blpop("nothing", timeout=0.05), None)


def locks():
    """locks: taken, waited for, extended, lost"""
    r.flushall()
    with r.lock("lock", timeout=30):
        equal(r.lock("lock", timeout=30).acquire(blocking=False), False)
    order = []

    def work(name):
        with client().lock("lock", timeout=30, sleep=0.005):
            order.append(f"{name} in")
            time.sleep(0.01)
            order.append(f"{name} out")

    threads = [threading.Thread(target=work, args=(i,)) for i in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    equal(len(order), 10)
    for i in range(0, 10, 2):
        equal(order[i].split()[0], order[i + 1].split()[0], "one holder at a time")
    lock = r.lock("lock", timeout=10)
    equal(lock.acquire(), True)
    equal(lock.extend(20), True)
    equal(r.pttl("lock") > 20_000, True)
    equal(lock.reacquire(), True)
    equal(lock.owned(), True)
    r.set("lock", "somebody else")
    raises(LockNotOwnedError, "Cannot release a lock that's no longer owned", lock.release)
    raises(LockError, "Cannot release a lock that's not owned", lock.release)


def scripts():
    """scripts, scripts in pipelines, functions"""
    for c in (r, r3):
        c.flushall()
        c.script_flush()
        add = c.register_script("return redis.call('INCRBY', KEYS[1], ARGV[1])")
        equal(add(keys=["n"], args=[5]), 5)
        pipe = c.pipeline()
        add(keys=["n"], args=[5], client=pipe)
        pipe.get("n")
        equal(pipe.execute(), [10, "10"])
        equal(c.eval("return {1, 'two', {3}, cjson.encode({a = ARGV[1]})}", 0, "x"), [1, "two", [3], '{"a":"x"}'])
        raises(NoScriptError, "No matching script", c.evalsha, "f" * 40, 0)
        sha = c.script_load("return ARGV[1]")
        equal(c.script_exists(sha, "f" * 40), [True, False])
        equal(c.evalsha(sha, 0, "x"), "x")
        raises(ResponseError, "my error", c.eval, "return redis.error_reply('my error')", 0)
        code = "#!lua name=lib\nredis.register_function('double', function(keys, args) return args[1] * 2 end)"
        equal(c.function_load(code, replace=True), "lib")
        equal(c.fcall("double", 0, 21), 42)
        equal(c.function_list(library="lib")[0] is not None, True)
        c.function_delete("lib")


def client_side_cache():
    """client-side cache over RESP3, invalidated by another client"""
    version = tuple(int(each) for each in r.info("server")["redis_version"].split(".")[:2])
    if version < (7, 4):
        # Older servers have what it takes, but redis-py does not try it there.
        raises(redis.ConnectionError, "To maximize compatibility", client(protocol=3, cache_config=CacheConfig()).ping)
        return
    cached = client(protocol=3, cache_config=CacheConfig(max_size=100))
    cached.set("color", "red")
    for _ in range(3):
        equal(cached.get("color"), "red")
    equal(len(cached.get_cache().collection) >= 1, True)
    r.set("color", "blue")
    until(lambda: cached.get("color") == "blue", "the invalidation")
    r.hset("profile", "name", "ann")
    equal(cached.hgetall("profile"), {"name": "ann"})
    r.hset("profile", "name", "bob")
    until(lambda: cached.hgetall("profile") == {"name": "bob"}, "the invalidation")
    r.flushall()
    until(lambda: cached.get("color") is None, "the invalidation of everything")
    cached.close()


def server():
    """INFO, CONFIG, CLIENT, ACL, MONITOR, SLOWLOG, MEMORY, COMMAND"""
    equal(r.ping(), True)
    info = r.info()
    equal(info["redis_mode"], "standalone")
    equal(info["role"], "master")
    equal("keyspace_hits" in r.info("stats"), True)
    equal(r.config_get("maxmemory-policy"), {"maxmemory-policy": "noeviction"})
    equal(r.client_setname("me"), True)
    equal(any(each["name"] == "me" for each in r.client_list()), True)
    equal(r.client_id() > 0, True)
    equal(r.acl_whoami(), "default")
    equal("default" in r.acl_users(), True)
    equal(r.acl_setuser("ann", enabled=True, passwords=["+secret"], keys=["a:*"], categories=["+@read"]), True)
    ann = client(username="ann", password="secret")
    equal(ann.get("a:1"), None)
    raises(redis.exceptions.NoPermissionError, "", ann.get, "b")
    ann.close()
    equal(r.acl_getuser("ann")["enabled"], True)
    equal(r.acl_deluser("ann"), 1)
    with r.monitor() as monitor:
        r3.get("watched")
        equal(monitor.next_command()["command"], "GET watched")
    equal(isinstance(r.slowlog_get(), list), True)
    r.set("big", "x" * 1000)
    equal(r.memory_usage("big") > 1000, True)
    equal(r.command_count() > 200, True)
    equal(r.command_getkeys("MSET", "a", "1", "b", "2"), ["a", "b"])
    equal(len(r.time()), 2)
    equal(r.lastsave() is not None, True)
    equal(r.wait(0, 10), 0)


def reconnects():
    """a client that is cut off connects again"""
    c = client(retry=Retry(NoBackoff(), 3))
    c.set("kept", "1")
    own = c.client_id()
    equal(r.client_kill_filter(_id=own), 1)
    equal(c.get("kept"), "1")
    equal(c.client_id() != own, True)


async def with_asyncio():
    for protocol in (2, 3):
        a = redis.asyncio.Redis.from_url(REDIS_URL, decode_responses=True, protocol=protocol)
        await a.flushall()
        answers = await asyncio.gather(*(a.incr("n") for _ in range(80)))
        equal(sorted(answers), list(range(1, 81)))
        async with a.pipeline(transaction=True) as pipe:
            equal(await pipe.set("a", 1).incr("a").execute(), [True, 2])
        async with a.pubsub() as ps:
            await ps.subscribe("room")
            equal((await ps.get_message(timeout=5))["type"], "subscribe")
            await a.publish("room", "hi")
            equal((await ps.get_message(timeout=5))["data"], "hi")
        waiting = asyncio.create_task(a.blpop(["jobs"], timeout=30))
        while (await a.info("clients"))["blocked_clients"] == 0:
            await asyncio.sleep(0.005)
        await a.rpush("jobs", "one")
        equal(list(await waiting), ["jobs", "one"])
        held = []

        async def critical(i):
            async with a.lock("alock", timeout=30, sleep=0.005):
                held.append(i)
                equal(len(held), 1, "one holder")
                await asyncio.sleep(0.005)
                held.remove(i)

        await asyncio.gather(*(critical(i) for i in range(5)))
        script = a.register_script("return {KEYS[1], ARGV[1]}")
        equal(await script(keys=["k"], args=["v"]), ["k", "v"])
        await a.xgroup_create("st", "g", mkstream=True)
        await a.xadd("st", {"f": "v"})
        equal(len(await a.xreadgroup("g", "c", {"st": ">"})), 1)
        equal({name async for name in a.scan_iter(match="s*")}, {"st"})
        await a.aclose()


def with_asyncio_client():
    """asyncio: gather, pipeline, Pub/Sub, blocking pop, lock, script, stream group"""
    asyncio.run(with_asyncio())


run(
    [
        strings,
        binary,
        collections,
        scans,
        pipelines,
        pub_sub,
        keyspace_events,
        streams,
        blocking,
        locks,
        scripts,
        client_side_cache,
        server,
        reconnects,
        with_asyncio_client,
    ]
)
