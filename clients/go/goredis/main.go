// go-redis, as an application uses it: RESP2 and RESP3, plain, pipelined, pooled and as a universal client.
package main

import (
	"context"
	"errors"
	"fmt"
	"sort"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
	"troikamq.example/clients/check"
)

var ctx = context.Background()

func options(protocol int) *redis.Options {
	parsed := check.Must(redis.ParseURL(check.RedisURL()))
	parsed.Protocol = protocol
	return parsed
}

// For each protocol a client of its own, on an empty server.
func both(run func(r *redis.Client)) func() {
	return func() {
		for _, protocol := range []int{2, 3} {
			r := redis.NewClient(options(protocol))
			check.Right(r.FlushAll(ctx).Err(), "FLUSHALL")
			run(r)
			check.Right(r.Close(), "close")
		}
	}
}

func stringsAndKeys(r *redis.Client) {
	check.Equal(check.Must(r.Set(ctx, "a", "1", time.Minute).Result()), "OK", "SET")
	check.Equal(check.Must(r.Get(ctx, "a").Result()), "1", "GET")
	check.Equal(r.Get(ctx, "nothing").Err(), redis.Nil, "GET of nothing")
	check.Equal(check.Must(r.SetNX(ctx, "a", "2", 0).Result()), false, "SETNX")
	check.Equal(check.Must(r.IncrBy(ctx, "a", 41).Result()), int64(42), "INCRBY")
	check.Equal(check.Must(r.IncrByFloat(ctx, "a", 0.5).Result()), 42.5, "INCRBYFLOAT")
	check.Equal(check.Must(r.TTL(ctx, "a").Result()) > 50*time.Second, true, "TTL")
	check.Equal(check.Must(r.MSet(ctx, "b", 1, "c", 2).Result()), "OK", "MSET")
	check.Equal(check.Must(r.MGet(ctx, "b", "x", "c").Result()), []any{"1", nil, "2"}, "MGET")
	check.Equal(check.Must(r.GetDel(ctx, "c").Result()), "2", "GETDEL")
	check.Equal(check.Must(r.Expire(ctx, "b", time.Hour).Result()), true, "EXPIRE")
	check.Equal(check.Must(r.Persist(ctx, "b").Result()), true, "PERSIST")
	check.Equal(check.Must(r.TTL(ctx, "b").Result()), time.Duration(-1), "TTL without expiry")
	check.Equal(check.Must(r.ObjectEncoding(ctx, "b").Result()), "int", "OBJECT ENCODING")
	check.Equal(check.Must(r.Type(ctx, "a").Result()), "string", "TYPE")
	dump := check.Must(r.Dump(ctx, "a").Result())
	check.Right(r.Restore(ctx, "a2", 0, dump).Err(), "RESTORE")
	check.Equal(check.Must(r.Get(ctx, "a2").Result()), "42.5", "GET of what was restored")
	check.Fails(r.Incr(ctx, "a2").Err(), "ERR value is not an integer or out of range")
	check.Equal(check.Must(r.BitField(ctx, "f", "SET", "u8", 0, 255, "OVERFLOW", "SAT", "INCRBY", "u8", 0, 9).Result()), []int64{0, 255}, "BITFIELD")
	big := strings.Repeat("\x00\xff\r\n", 500_000)
	check.Right(r.Set(ctx, "big", big, 0).Err(), "SET of 2 MB")
	check.Equal(check.Must(r.Get(ctx, "big").Result()) == big, true, "GET of 2 MB")
}

func collections(r *redis.Client) {
	type user struct {
		Name string `redis:"name"`
		Age  int    `redis:"age"`
	}
	check.Equal(check.Must(r.HSet(ctx, "h", user{"ann", 40}).Result()), int64(2), "HSET of a struct")
	var found user
	check.Right(r.HGetAll(ctx, "h").Scan(&found), "HGETALL into a struct")
	check.Equal(found, user{"ann", 40}, "the struct")
	check.Equal(check.Must(r.HIncrBy(ctx, "h", "age", 2).Result()), int64(42), "HINCRBY")
	check.Equal(len(check.Must(r.HRandFieldWithValues(ctx, "h", 2).Result())), 2, "HRANDFIELD")
	check.Equal(check.Must(r.RPush(ctx, "l", "a", "b", "c", "d").Result()), int64(4), "RPUSH")
	check.Equal(check.Must(r.LRange(ctx, "l", 0, -1).Result()), []string{"a", "b", "c", "d"}, "LRANGE")
	check.Equal(check.Must(r.LMove(ctx, "l", "l2", "right", "left").Result()), "d", "LMOVE")
	key, values, err := r.LMPop(ctx, "left", 2, "nothing", "l").Result()
	check.Right(err, "LMPOP")
	check.Equal([]any{key, values}, []any{"l", []string{"a", "b"}}, "LMPOP")
	check.Equal(check.Must(r.SAdd(ctx, "s", 1, 2, 3).Result()), int64(3), "SADD")
	check.Equal(check.Must(r.SMembersMap(ctx, "s").Result()), map[string]struct{}{"1": {}, "2": {}, "3": {}}, "SMEMBERS")
	check.Equal(check.Must(r.SMIsMember(ctx, "s", 1, 9).Result()), []bool{true, false}, "SMISMEMBER")
	check.Equal(check.Must(r.ZAdd(ctx, "z", redis.Z{Score: 1, Member: "one"}, redis.Z{Score: 2.5, Member: "two"}).Result()), int64(2), "ZADD")
	check.Equal(check.Must(r.ZRangeWithScores(ctx, "z", 0, -1).Result()), []redis.Z{{Score: 1, Member: "one"}, {Score: 2.5, Member: "two"}}, "ZRANGE WITHSCORES")
	check.Equal(check.Must(r.ZRangeArgs(ctx, redis.ZRangeArgs{Key: "z", Start: "(1", Stop: "+inf", ByScore: true}).Result()), []string{"two"}, "ZRANGE BYSCORE")
	check.Equal(check.Must(r.ZAddArgsIncr(ctx, "z", redis.ZAddArgs{XX: true, Members: []redis.Z{{Score: 4, Member: "one"}}}).Result()), 5.0, "ZADD INCR")
	check.Equal(check.Must(r.ZPopMin(ctx, "z").Result()), []redis.Z{{Score: 2.5, Member: "two"}}, "ZPOPMIN")
	check.Equal(check.Must(r.ZUnionWithScores(ctx, redis.ZStore{Keys: []string{"z", "s"}, Weights: []float64{2, 3}}).Result()),
		[]redis.Z{{Score: 3, Member: "1"}, {Score: 3, Member: "2"}, {Score: 3, Member: "3"}, {Score: 10, Member: "one"}}, "ZUNION")
	check.Equal(check.Must(r.GeoAdd(ctx, "g", &redis.GeoLocation{Name: "Palermo", Longitude: 13.361389, Latitude: 38.115556}).Result()), int64(1), "GEOADD")
	near := check.Must(r.GeoSearchLocation(ctx, "g", &redis.GeoSearchLocationQuery{
		GeoSearchQuery: redis.GeoSearchQuery{Longitude: 15, Latitude: 37, Radius: 200, RadiusUnit: "km"}, WithDist: true,
	}).Result())
	check.Equal(near[0].Dist, 190.4424, "GEOSEARCH WITHDIST")
	check.Equal(check.Must(r.PFAdd(ctx, "p", 1, 2, 3).Result()), int64(1), "PFADD")
	check.Equal(check.Must(r.PFCount(ctx, "p").Result()), int64(3), "PFCOUNT")
	check.Fails(r.LPush(ctx, "h", 1).Err(), "WRONGTYPE")
}

func scans(r *redis.Client) {
	pipe := r.Pipeline()
	for i := range 2000 {
		pipe.Set(ctx, fmt.Sprintf("key:%d", i), i, 0)
	}
	check.Must(pipe.Exec(ctx))
	seen := map[string]bool{}
	for iterator := r.Scan(ctx, 0, "key:*", 100).Iterator(); iterator.Next(ctx); {
		seen[iterator.Val()] = true
	}
	check.Equal(len(seen), 2000, "SCAN")
	check.Right(r.RPush(ctx, "list", 3, 1, 2).Err(), "RPUSH")
	check.Equal(check.Must(r.Sort(ctx, "list", &redis.Sort{Order: "DESC"}).Result()), []string{"3", "2", "1"}, "SORT")
}

func transactions(r *redis.Client) {
	commands := check.Must(r.TxPipelined(ctx, func(pipe redis.Pipeliner) error {
		pipe.Set(ctx, "n", 1, 0)
		pipe.Incr(ctx, "n")
		return nil
	}))
	check.Equal(commands[1].(*redis.IntCmd).Val(), int64(2), "INCR in MULTI")
	increment := func() error {
		return r.Watch(ctx, func(tx *redis.Tx) error {
			n, err := tx.Get(ctx, "n").Int()
			if err != nil {
				return err
			}
			_, err = tx.TxPipelined(ctx, func(pipe redis.Pipeliner) error {
				pipe.Set(ctx, "n", n+1, 0)
				return nil
			})
			return err
		}, "n")
	}
	var group sync.WaitGroup
	for range 20 {
		group.Go(func() {
			for errors.Is(increment(), redis.TxFailedErr) {
			}
		})
	}
	group.Wait()
	check.Equal(check.Must(r.Get(ctx, "n").Int()), 22, "20 increments by WATCH")
}

func pubSub(r *redis.Client) {
	subscription := r.Subscribe(ctx, "news")
	check.Must(subscription.Receive(ctx))
	check.Right(subscription.PSubscribe(ctx, "room.*"), "PSUBSCRIBE")
	check.Must(subscription.Receive(ctx))
	channel := subscription.Channel()
	for i := range 500 {
		check.Equal(check.Must(r.Publish(ctx, "news", i).Result()), int64(1), "PUBLISH")
	}
	for i := range 500 {
		message := <-channel
		check.Equal([]string{message.Channel, message.Payload}, []string{"news", fmt.Sprint(i)}, "the message")
	}
	check.Right(r.Publish(ctx, "room.1", "hi").Err(), "PUBLISH")
	message := <-channel
	check.Equal(message.Pattern, "room.*", "the pattern")
	check.Right(subscription.Ping(ctx, "x"), "PING")
	check.Equal(check.Must(r.PubSubNumSub(ctx, "news").Result()), map[string]int64{"news": 1}, "PUBSUB NUMSUB")
	check.Right(subscription.Close(), "close")
	sharded := r.SSubscribe(ctx, "shard")
	check.Must(sharded.Receive(ctx))
	check.Equal(check.Must(r.SPublish(ctx, "shard", "x").Result()), int64(1), "SPUBLISH")
	check.Equal(check.Must(sharded.ReceiveMessage(ctx)).Payload, "x", "the message")
	check.Right(sharded.Close(), "close")
}

func streams(r *redis.Client) {
	var ids []string
	for i := range 10 {
		ids = append(ids, check.Must(r.XAdd(ctx, &redis.XAddArgs{Stream: "s", Values: map[string]any{"n": i}}).Result()))
	}
	check.Equal(check.Must(r.XLen(ctx, "s").Result()), int64(10), "XLEN")
	check.Right(r.XGroupCreate(ctx, "s", "g", "0").Err(), "XGROUP CREATE")
	check.Fails(r.XGroupCreate(ctx, "s", "g", "0").Err(), "BUSYGROUP")
	read := check.Must(r.XReadGroup(ctx, &redis.XReadGroupArgs{Group: "g", Consumer: "one", Streams: []string{"s", ">"}, Count: 4}).Result())
	check.Equal(read[0].Messages[3], redis.XMessage{ID: ids[3], Values: map[string]any{"n": "3"}}, "the fourth entry")
	check.Equal(check.Must(r.XAck(ctx, "s", "g", ids[0], ids[1]).Result()), int64(2), "XACK")
	check.Equal(check.Must(r.XPending(ctx, "s", "g").Result()), &redis.XPending{Count: 2, Lower: ids[2], Higher: ids[3], Consumers: map[string]int64{"one": 2}}, "XPENDING")
	claimed, _, err := r.XAutoClaim(ctx, &redis.XAutoClaimArgs{Stream: "s", Group: "g", Consumer: "two", Start: "0"}).Result()
	check.Right(err, "XAUTOCLAIM")
	check.Equal(len(claimed), 2, "XAUTOCLAIM")
	info := check.Must(r.XInfoStreamFull(ctx, "s", 0).Result())
	check.Equal([]any{info.Length, len(info.Groups[0].Pending), info.LastGeneratedID}, []any{int64(10), 2, ids[9]}, "XINFO STREAM FULL")
	check.Equal(check.Must(r.XInfoGroups(ctx, "s").Result())[0].Name, "g", "XINFO GROUPS")
	check.Equal(len(check.Must(r.XInfoConsumers(ctx, "s", "g").Result())), 2, "XINFO CONSUMERS")
	waiting := make(chan []redis.XStream)
	go func() {
		found, _ := r.XRead(ctx, &redis.XReadArgs{Streams: []string{"s", "$"}, Block: 30 * time.Second}).Result()
		waiting <- found
	}()
	check.Until(func() bool { return strings.Contains(r.Info(ctx, "clients").Val(), "blocked_clients:1") }, "the blocked reader")
	late := check.Must(r.XAdd(ctx, &redis.XAddArgs{Stream: "s", Values: []string{"late", "1"}}).Result())
	check.Equal((<-waiting)[0].Messages[0].ID, late, "what the reader got")
	check.Equal(check.Must(r.XTrimMaxLen(ctx, "s", 5).Result()), int64(6), "XTRIM")
	_, err = r.XRead(ctx, &redis.XReadArgs{Streams: []string{"s", "$"}, Block: 20 * time.Millisecond}).Result()
	check.Equal(err, redis.Nil, "XREAD that gets nothing")
}

func blocking(r *redis.Client) {
	results := make(chan []string)
	go func() { results <- r.BLPop(ctx, 30*time.Second, "q1", "q2").Val() }()
	check.Until(func() bool { return strings.Contains(r.Info(ctx, "clients").Val(), "blocked_clients:1") }, "the blocked client")
	check.Right(r.RPush(ctx, "q2", "x").Err(), "RPUSH")
	check.Equal(<-results, []string{"q2", "x"}, "BLPOP")
	check.Equal(r.BLPop(ctx, 50*time.Millisecond, "q1").Err(), redis.Nil, "BLPOP that gets nothing")
	// A canceled context closes the connection of a blocked command, and the element stays.
	canceled, cancel := context.WithCancel(ctx)
	impatient := redis.NewClient(func() *redis.Options { o := options(r.Options().Protocol); o.ContextTimeoutEnabled = true; return o }())
	timed, cancelTimed := context.WithTimeout(canceled, 50*time.Millisecond)
	err := impatient.BLPop(timed, 0, "q1").Err()
	check.Equal(err != nil, true, "an error of the context")
	cancelTimed()
	cancel()
	check.Right(impatient.Close(), "close")
	check.Until(func() bool { return strings.Contains(r.Info(ctx, "clients").Val(), "blocked_clients:0") }, "the end of the blocked client")
	check.Right(r.RPush(ctx, "q1", "kept").Err(), "RPUSH")
	check.Equal(check.Must(r.LLen(ctx, "q1").Result()), int64(1), "LLEN")
	var order []string
	for i := range 3 {
		go func() { results <- append(r.BLPop(ctx, 30*time.Second, "fair").Val(), fmt.Sprint(i)) }()
		check.Until(func() bool {
			return strings.Contains(r.Info(ctx, "clients").Val(), fmt.Sprintf("blocked_clients:%d", i+1))
		}, "the blocked client")
	}
	check.Right(r.RPush(ctx, "fair", "0", "1", "2").Err(), "RPUSH")
	for range 3 {
		got := <-results
		check.Equal(got[1], got[2], "who came first is served first")
		order = append(order, got[1])
	}
	sort.Strings(order)
	check.Equal(order, []string{"0", "1", "2"}, "all were served")
}

func scripts(r *redis.Client) {
	check.Right(r.ScriptFlush(ctx).Err(), "SCRIPT FLUSH")
	script := redis.NewScript(`
		local n = redis.call('INCRBY', KEYS[1], ARGV[1])
		return {n, tostring(n), {'nested', false}}`)
	check.Equal(check.Must(script.Run(ctx, r, []string{"n"}, 5).Result()), []any{int64(5), "5", []any{"nested", nil}}, "EVALSHA, then EVAL")
	check.Equal(check.Must(script.Exists(ctx, r).Result()), []bool{true}, "SCRIPT EXISTS")
	read := redis.NewScript("return redis.call('GET', KEYS[1])")
	check.Equal(check.Must(read.EvalRO(ctx, r, []string{"n"}).Result()), "5", "EVAL_RO")
	check.Fails(redis.NewScript("return redis.call('SET', KEYS[1], 1)").EvalRO(ctx, r, []string{"n"}).Err(), "Write commands are not allowed")
	check.Fails(redis.NewScript("return redis.error_reply('MYERR mine')").Eval(ctx, r, nil).Err(), "MYERR mine")
	check.Fails(redis.NewScript("return {").Eval(ctx, r, nil).Err(), "ERR Error compiling script")
}

func functions(r *redis.Client) {
	code := "#!lua name=lib\nredis.register_function{function_name='double', callback=function(keys, args) return args[1] * 2 end, flags={'no-writes'}}"
	check.Equal(check.Must(r.FunctionLoadReplace(ctx, code).Result()), "lib", "FUNCTION LOAD")
	check.Equal(check.Must(r.FCallRO(ctx, "double", nil, 21).Int()), 42, "FCALL_RO")
	check.Equal(check.Must(r.FunctionList(ctx, redis.FunctionListQuery{}).Result())[0].Functions[0].Name, "double", "FUNCTION LIST")
	dump := check.Must(r.FunctionDump(ctx).Result())
	check.Right(r.FunctionFlush(ctx).Err(), "FUNCTION FLUSH")
	check.Right(r.FunctionRestore(ctx, dump).Err(), "FUNCTION RESTORE")
	check.Equal(check.Must(r.FCall(ctx, "double", nil, 4).Int()), 8, "FCALL")
	check.Right(r.FunctionDelete(ctx, "lib").Err(), "FUNCTION DELETE")
}

func server(r *redis.Client) {
	check.Equal(check.Must(r.Ping(ctx).Result()), "PONG", "PING")
	check.Equal(check.Must(r.ConfigGet(ctx, "maxmemory-policy").Result()), map[string]string{"maxmemory-policy": "noeviction"}, "CONFIG GET")
	check.Equal(strings.Contains(check.Must(r.Info(ctx, "server").Result()), "redis_version"), true, "INFO")
	commands := check.Must(r.Command(ctx).Result())
	check.Equal(len(commands) > 200, true, "COMMAND")
	check.Equal(commands["get"].ReadOnly, true, "COMMAND of GET")
	check.Equal(check.Must(r.CommandGetKeys(ctx, "MSET", "a", 1, "b", 2).Result()), []string{"a", "b"}, "COMMAND GETKEYS")
	check.Equal(check.Must(r.ClientID(ctx).Result()) > 0, true, "CLIENT ID")
	check.Equal(check.Must(r.ClientInfo(ctx).Result()).ID > 0, true, "CLIENT INFO")
	check.Equal(strings.Contains(check.Must(r.ClientList(ctx).Result()), "addr="), true, "CLIENT LIST")
	check.Must(r.SlowLogGet(ctx, 10).Result())
	check.Right(r.Set(ctx, "k", strings.Repeat("x", 1000), 0).Err(), "SET")
	check.Equal(check.Must(r.MemoryUsage(ctx, "k").Result()) > 1000, true, "MEMORY USAGE")
	check.Equal(time.Since(check.Must(r.Time(ctx).Result())).Abs() < time.Minute, true, "TIME")
	check.Equal(check.Must(r.ACLWhoAmI(ctx).Result()), "default", "ACL WHOAMI")
	connection := r.Conn()
	check.Right(connection.Select(ctx, 3).Err(), "SELECT")
	check.Right(connection.Set(ctx, "elsewhere", 1, 0).Err(), "SET")
	// Its connection goes back to the pool as it is.
	check.Right(connection.Select(ctx, 0).Err(), "SELECT")
	check.Right(connection.Close(), "close")
	check.Equal(check.Must(r.Exists(ctx, "elsewhere").Result()), int64(0), "EXISTS in another database")
}

// Commands of many goroutines share the connections of a pool.
func pool(r *redis.Client) {
	var group sync.WaitGroup
	for range 50 {
		group.Go(func() {
			for range 100 {
				check.Right(r.Incr(ctx, "n").Err(), "INCR")
			}
		})
	}
	group.Wait()
	check.Equal(check.Must(r.Get(ctx, "n").Int()), 5000, "5,000 increments")
	id := check.Must(r.ClientID(ctx).Result())
	other := redis.NewClient(options(2))
	check.Must(other.ClientKillByFilter(ctx, "ID", fmt.Sprint(id)).Result())
	check.Right(other.Close(), "close")
	check.Right(r.Incr(ctx, "n").Err(), "INCR after the connection was cut")
}

func main() {
	check.Run([]check.Scenario{
		{Name: "strings and keys", Run: both(stringsAndKeys)},
		{Name: "hashes, lists, sets, sorted sets, geo, HyperLogLog", Run: both(collections)},
		{Name: "SCAN, SORT", Run: both(scans)},
		{Name: "MULTI, WATCH", Run: both(transactions)},
		{Name: "Pub/Sub, sharded too", Run: both(pubSub)},
		{Name: "streams and consumer groups", Run: both(streams)},
		{Name: "blocking pops in order", Run: both(blocking)},
		{Name: "scripts", Run: both(scripts)},
		{Name: "functions", Run: both(functions)},
		{Name: "INFO, CONFIG, COMMAND, CLIENT, MEMORY, SELECT", Run: both(server)},
		{Name: "a pool of connections, one of them cut", Run: both(pool)},
	})
}
