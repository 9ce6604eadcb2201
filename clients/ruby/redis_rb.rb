# redis-rb, as an application uses it.
require "redis"
require_relative "check"

R = Redis.new(url: Check::REDIS_URL)
R.flushall

Check.scenario("values of all types") do
  Check.equal(R.set("a", 1, ex: 100), "OK")
  Check.equal(R.set("a", 2, nx: true), false)
  Check.equal(R.incrby("a", 41), 42)
  Check.equal(R.incrbyfloat("a", 0.5), 42.5)
  Check.equal(R.ttl("a") > 90, true)
  Check.equal(R.mapped_mget("a", "nothing"), { "a" => "42.5", "nothing" => nil })
  Check.equal(R.hset("h", { "f" => 1, "g" => 2 }), 2)
  Check.equal(R.hgetall("h"), { "f" => "1", "g" => "2" })
  Check.equal(R.rpush("l", %w[a b c]), 3)
  Check.equal(R.lmove("l", "l2", "RIGHT", "LEFT"), "c")
  Check.equal(R.lrange("l", 0, -1), %w[a b])
  Check.equal(R.sadd("s", %w[x y]), 2)
  Check.equal(R.smembers("s").sort, %w[x y])
  Check.equal(R.zadd("z", [[1, "one"], [2.5, "two"]]), 2)
  Check.equal(R.zrange("z", 0, -1, with_scores: true), [["one", 1.0], ["two", 2.5]])
  Check.equal(R.zpopmin("z"), ["one", 1.0])
  Check.equal(R.geoadd("g", 13.361389, 38.115556, "Palermo"), 1)
  Check.equal(R.pfadd("p", %w[a b]), true)
  Check.equal(R.restore("h2", 0, R.dump("h")), "OK")
  Check.equal(R.hgetall("h2"), { "f" => "1", "g" => "2" })
  Check.fails("WRONGTYPE") { R.lpush("h", "x") }
end

Check.scenario("pipelines, MULTI, WATCH, SCAN") do
  Check.equal(R.pipelined { |pipe| 1000.times { |i| pipe.set("key:#{i}", i) } }.size, 1000)
  Check.equal(R.scan_each(match: "key:*").to_a.uniq.size, 1000)
  Check.equal(R.multi { |tx| tx.set("n", 1); tx.incr("n") }, ["OK", 2])
  other = Redis.new(url: Check::REDIS_URL)
  lost = R.watch("n") do
    other.incr("n")
    R.multi { |tx| tx.set("n", "lost") }
  end
  Check.equal(lost, nil)
  Check.equal(R.get("n"), "3")
end

Check.scenario("Pub/Sub") do
  heard = Queue.new
  listener = Thread.new do
    Redis.new(url: Check::REDIS_URL).subscribe("news") do |on|
      on.subscribe { |_, count| heard << count }
      on.message { |_, text| heard << text }
    end
  end
  Check.equal(heard.pop, 1)
  100.times { |i| R.publish("news", i) }
  Check.equal(Array.new(100) { heard.pop }, (0...100).map(&:to_s))
  listener.kill
end

Check.scenario("streams and consumer groups") do
  ids = (0...10).map { |i| R.xadd("stream", { n: i }) }
  Check.equal(R.xgroup(:create, "stream", "g", "0"), "OK")
  read = R.xreadgroup("g", "one", "stream", ">", count: 4)
  Check.equal(read["stream"].map(&:first), ids[0, 4])
  Check.equal(R.xack("stream", "g", *ids[0, 2]), 2)
  Check.equal(R.xpending("stream", "g")["size"], 2)
  Check.equal(R.xautoclaim("stream", "g", "two", 0, "0")["entries"].size, 2)
  Check.equal(R.xinfo(:stream, "stream")["length"], 10)
  waiting = Thread.new { Redis.new(url: Check::REDIS_URL).xread("stream", "$", block: 30_000) }
  Check.until("the blocked reader") { R.info("clients")["blocked_clients"] == "1" }
  late = R.xadd("stream", { late: 1 })
  Check.equal(waiting.value["stream"][0][0], late)
end

Check.scenario("blocking pops, scripts") do
  waiting = Thread.new { Redis.new(url: Check::REDIS_URL).brpop("q", timeout: 30) }
  Check.until("the blocked client") { R.info("clients")["blocked_clients"] == "1" }
  R.lpush("q", "x")
  Check.equal(waiting.value, %w[q x])
  sha = R.script(:load, "return {KEYS[1], ARGV[1], {1}}")
  Check.equal(R.evalsha(sha, ["k"], ["v"]), ["k", "v", [1]])
  Check.fails("NOSCRIPT") { R.evalsha("f" * 40) }
end

Check.finish
