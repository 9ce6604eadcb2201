<?php

/** phpredis and Predis, as an application uses them. What both do alike is written once. */

require __DIR__ . '/check.php';
require 'Predis/Autoloader.php';
Predis\Autoloader::register();

$phpredis = new Redis();
$phpredis->connect(REDIS_HOST, REDIS_PORT);
$predis = new Predis\Client(['host' => REDIS_HOST, 'port' => REDIS_PORT, 'read_write_timeout' => -1]);

// Before anything is written, which ends the headers.
scenario('phpredis: sessions with a lock', function () {
    ini_set('session.save_handler', 'redis');
    ini_set('session.save_path', 'tcp://' . REDIS_HOST . ':' . REDIS_PORT);
    ini_set('redis.session.locking_enabled', '1');
    session_id('abc');
    session_start();
    $_SESSION['user'] = 'ann';
    session_write_close();
    session_start();
    equal($_SESSION['user'], 'ann');
    session_destroy();
});

foreach (['phpredis' => $phpredis, 'Predis' => $predis] as $by => $r) {
    scenario("values of all types by $by", function () use ($r) {
        $r->flushall();
        $r->setex('a', 100, '1');
        equal($r->incrby('a', 41), 42);
        equal($r->get('a'), '42');
        equal($r->ttl('a') > 90, true);
        equal($r->hset('h', 'f', '1'), 1);
        $r->hmset('h', ['g' => '2']);
        equal($r->hgetall('h'), ['f' => '1', 'g' => '2']);
        equal($r->rpush('l', 'a', 'b', 'c'), 3);
        equal($r->rpoplpush('l', 'l2'), 'c');
        equal($r->lrange('l', 0, -1), ['a', 'b']);
        equal($r->zadd('z', 1.5, 'one'), 1);
        equal((float) $r->zscore('z', 'one'), 1.5);
        equal($r->eval("return {KEYS[1], ARGV[1], 3}", ...($r instanceof Redis ? [['k', 'v'], 1] : [1, 'k', 'v'])), ['k', 'v', 3]);
        $every = implode(array_map('chr', range(0, 255)));
        $r->set($every, $every);
        equal($r->get($every), $every);
    });
}

scenario('phpredis: pipeline, MULTI, WATCH, SCAN', function () use ($phpredis, $predis) {
    $pipe = $phpredis->pipeline();
    for ($i = 0; $i < 1000; $i++) {
        $pipe->set("key:$i", $i);
    }
    equal(count($pipe->exec()), 1000);
    $seen = [];
    $cursor = null;
    $phpredis->setOption(Redis::OPT_SCAN, Redis::SCAN_RETRY);
    while ($keys = $phpredis->scan($cursor, 'key:*', 100)) {
        $seen += array_flip($keys);
    }
    equal(count($seen), 1000);
    equal($phpredis->multi()->set('n', 1)->incr('n')->exec(), [true, 2]);
    $phpredis->watch('n');
    $predis->incr('n');
    equal($phpredis->multi()->set('n', 'lost')->exec(), false);
    equal($phpredis->get('n'), '3');
});

scenario('phpredis: streams', function () use ($phpredis) {
    $id = $phpredis->xAdd('s', '*', ['n' => '1']);
    equal($phpredis->xGroup('CREATE', 's', 'g', '0'), true);
    equal($phpredis->xReadGroup('g', 'c', ['s' => '>']), ['s' => [$id => ['n' => '1']]]);
    equal($phpredis->xPending('s', 'g')[0], 1);
    equal($phpredis->xAck('s', 'g', [$id]), 1);
    equal($phpredis->xInfo('STREAM', 's')['length'], 1);
    equal($phpredis->xRead(['s' => '$'], 1, 20), []);
});

scenario('Predis: pipeline, transaction with check and set, Pub/Sub', function () use ($predis) {
    $answers = $predis->pipeline(function ($pipe) {
        for ($i = 0; $i < 500; $i++) {
            $pipe->incr('counter');
        }
    });
    equal(end($answers), 500);
    $done = $predis->transaction(['cas' => true, 'watch' => 'n', 'retry' => 3], function ($transaction) {
        $n = $transaction->get('n');
        $transaction->multi();
        $transaction->set('n', $n + 1);
    });
    equal((string) $done[0], 'OK');
    equal($predis->get('n'), '4');
    $publisher = new Predis\Client(['host' => REDIS_HOST, 'port' => REDIS_PORT]);
    $loop = $predis->pubSubLoop(['subscribe' => 'news']);
    $heard = [];
    foreach ($loop as $message) {
        if ($message->kind === 'subscribe') {
            $publisher->publish('news', 'hello');
        } elseif ($message->kind === 'message') {
            $heard[] = $message->payload;
            $loop->unsubscribe();
        }
    }
    equal($heard, ['hello']);
});

finish();
