<?php

/** Laravel's queue, cache, locks and limiters over Redis, with each of the two drivers it has. */

require __DIR__ . '/check.php';
require 'Illuminate/Queue/autoload.php';
require 'Illuminate/Redis/autoload.php';
require 'Illuminate/Cache/autoload.php';
require 'Illuminate/Events/autoload.php';

use Illuminate\Cache\CacheManager;
use Illuminate\Container\Container;
use Illuminate\Contracts\Debug\ExceptionHandler;
use Illuminate\Contracts\Redis\LimiterTimeoutException;
use Illuminate\Events\Dispatcher;
use Illuminate\Queue\Capsule\Manager as Queue;
use Illuminate\Queue\Worker;
use Illuminate\Queue\WorkerOptions;
use Illuminate\Redis\RedisManager;

/** A handler of jobs by name, as `Class@method` in a payload says. */
class Jobs
{
    public static array $seen = [];
    public static array $failed = [];

    public function note($job, $data): void
    {
        self::$seen[] = $data['text'];
        $job->delete();
    }

    public function flaky($job, $data): void
    {
        self::$seen[] = 'try ' . $job->attempts();
        if ($job->attempts() < 3) {
            throw new RuntimeException('not yet');
        }
        $job->delete();
    }

    public function again($job, $data): void
    {
        self::$seen[] = 'attempt ' . $job->attempts();
        $job->attempts() < 2 ? $job->release(1) : $job->delete();
    }

    public function held($job, $data): void
    {
        // Neither deleted nor released: as of a worker that was killed.
    }

    public function failed($data, $error, $uuid): void
    {
        self::$failed[] = $error->getMessage();
    }
}

class Quiet implements ExceptionHandler
{
    public function report(Throwable $error)
    {
    }

    public function shouldReport(Throwable $error)
    {
        return false;
    }

    public function render($request, Throwable $error)
    {
    }

    public function renderForConsole($output, Throwable $error)
    {
    }
}

foreach (['phpredis', 'predis'] as $driver) {
    $container = new Container();
    Container::setInstance($container);
    $redis = new RedisManager($container, $driver, [
        'default' => ['host' => REDIS_HOST, 'port' => REDIS_PORT, 'database' => 0, 'read_write_timeout' => -1],
    ]);
    $redis->connection()->flushall();
    $container->instance('redis', $redis);
    $events = new Dispatcher($container);
    $container->instance('events', $events);
    $queue = new Queue($container);
    $queue->addConnection(['driver' => 'redis', 'connection' => 'default', 'queue' => 'default', 'retry_after' => 1, 'block_for' => null], 'default');
    $queue->addConnection(['driver' => 'redis', 'connection' => 'default', 'queue' => 'waited', 'retry_after' => 60, 'block_for' => 1], 'blocking');
    $worker = new Worker($queue->getQueueManager(), $events, new Quiet(), fn () => false);
    $options = new WorkerOptions(sleep: 0, maxTries: 5, backoff: 0);
    $work = fn (string $connection = 'default') => $worker->runNextJob($connection, null, $options);

    scenario("jobs, one by one and in bulk, by $driver", function () use ($queue, $work) {
        Jobs::$seen = [];
        $queue->getConnection()->push('Jobs@note', ['text' => 'one']);
        $queue->getConnection()->bulk(['Jobs@note', 'Jobs@note'], ['text' => 'many']);
        equal($queue->getConnection()->size(), 3);
        for ($i = 0; $i < 3; $i++) {
            $work();
        }
        equal(Jobs::$seen, ['one', 'many', 'many']);
        equal($queue->getConnection()->size(), 0);
    });

    scenario("a delayed job by $driver", function () use ($queue, $work) {
        Jobs::$seen = [];
        $queue->getConnection()->later(1, 'Jobs@note', ['text' => 'late']);
        $work();
        until('the job', function () use ($work) {
            $work();
            return Jobs::$seen === ['late'];
        });
    });

    scenario("tries, release, failure by $driver", function () use ($queue, $work, $worker) {
        Jobs::$seen = [];
        $queue->getConnection()->push('Jobs@flaky');
        until('three tries', function () use ($work) {
            $work();
            return Jobs::$seen === ['try 1', 'try 2', 'try 3'];
        });
        Jobs::$seen = [];
        $queue->getConnection()->push('Jobs@again');
        until('two attempts', function () use ($work) {
            $work();
            return Jobs::$seen === ['attempt 1', 'attempt 2'];
        });
        $queue->getConnection()->push('Jobs@flaky');
        $worker->runNextJob('default', null, new WorkerOptions(maxTries: 1));
        equal(Jobs::$failed, ['not yet']);
        Jobs::$failed = [];
        equal($queue->getConnection()->size(), 0);
    });

    scenario("a job that nobody finished comes again by $driver", function () use ($queue, $redis) {
        $connection = $queue->getConnection();
        $connection->push('Jobs@held');
        $first = $connection->pop();
        equal($first->attempts(), 1);
        equal($connection->pop(), null);
        $second = null;
        until('the same job', function () use ($connection, &$second) {
            return ($second = $connection->pop()) !== null;
        });
        equal([$second->getJobId() === $first->getJobId(), $second->attempts()], [true, 2]);
        $second->delete();
        equal($connection->clear('default'), 0);
    });

    scenario("a worker that waits by $driver", function () use ($queue, $work) {
        Jobs::$seen = [];
        $work('blocking');
        $queue->getConnection('blocking')->push('Jobs@note', ['text' => 'waited for']);
        $work('blocking');
        equal(Jobs::$seen, ['waited for']);
    });

    scenario("cache, locks, counters by $driver", function () use ($redis) {
        $store = new Illuminate\Cache\RedisStore($redis, 'app');
        $cache = new Illuminate\Cache\Repository($store);
        equal($cache->put('a', ['x' => 1], 100), true);
        equal($cache->get('a'), ['x' => 1]);
        equal($cache->add('a', 2, 100), false);
        equal($cache->remember('b', 100, fn () => 'made'), 'made');
        equal($cache->increment('n', 5), 5);
        equal($cache->many(['b', 'nothing']), ['b' => 'made', 'nothing' => null]);
        $lock = $store->lock('lock', 10);
        equal($lock->get(), true);
        equal($store->lock('lock', 10)->get(), false);
        equal($lock->release(), true);
        equal($store->lock('lock', 10)->block(5, fn () => 'inside'), 'inside');
        $tagged = new Illuminate\Cache\RedisTaggedCache($store, new Illuminate\Cache\TagSet($store, ['people']));
        $tagged->put('ann', 1, 100);
        equal((int) $tagged->get('ann'), 1);
        $tagged->flush();
        equal($tagged->get('ann'), null);
    });

    scenario("limiters by $driver", function () use ($redis) {
        $count = 0;
        $limited = function () use ($redis, &$count) {
            $redis->throttle('key')->allow(2)->every(60)->block(0)->then(function () use (&$count) {
                $count++;
            });
        };
        $limited();
        $limited();
        try {
            $limited();
            throw new Exception('a third one');
        } catch (LimiterTimeoutException) {
            equal($count, 2);
        }
        equal($redis->funnel('slots')->limit(1)->releaseAfter(60)->block(0)->then(fn () => 'in'), 'in');
    });
}

finish();
