<?php

/** php-amqplib, as an application uses it. */

require __DIR__ . '/check.php';
require 'PhpAmqpLib/autoload.php';

use PhpAmqpLib\Connection\AMQPStreamConnection;
use PhpAmqpLib\Exception\AMQPConnectionClosedException;
use PhpAmqpLib\Exception\AMQPTimeoutException;
use PhpAmqpLib\Message\AMQPMessage;
use PhpAmqpLib\Wire\AMQPTable;

const MANY = 10_000;

function connect(): AMQPStreamConnection
{
    return new AMQPStreamConnection(AMQP_HOST, AMQP_PORT, 'guest', 'guest', AMQP_VHOST, read_write_timeout: 60);
}

$shared = connect();

function fresh(bool $confirmed = false)
{
    global $shared;
    $channel = $shared->channel();
    if ($confirmed) {
        $channel->confirm_select();
    }
    return $channel;
}

function declared($channel, string $queue, array $arguments = []): void
{
    $channel->queue_declare($queue, false, true, false, false, false, new AMQPTable($arguments));
}

function publish($channel, string $exchange, string $key, string|AMQPMessage $body, bool $mandatory = false): void
{
    $channel->basic_publish(is_string($body) ? new AMQPMessage($body) : $body, $exchange, $key, $mandatory);
    $channel->wait_for_pending_acks_returns(60);
}

function got($channel, string $queue): AMQPMessage
{
    until("a message of $queue", function () use ($channel, $queue, &$found) {
        return $found = $channel->basic_get($queue);
    });
    return $found;
}

function bodies($channel, string $queue): array
{
    for ($found = []; $message = $channel->basic_get($queue, true); $found[] = $message->body);
    return $found;
}

function wait_for($channel, callable $done): void
{
    until('the messages', function () use ($channel, $done) {
        try {
            $channel->wait(null, false, 0.05);
        } catch (AMQPTimeoutException) {
        }
        return $done();
    });
}

scenario('confirms, mandatory returns, refusals of a full queue', function () {
    $channel = fresh(true);
    $heard = [];
    $channel->set_ack_handler(function ($message) use (&$heard) { $heard[] = "ack $message->body"; });
    $channel->set_nack_handler(function ($message) use (&$heard) { $heard[] = "nack $message->body"; });
    $channel->set_return_listener(function ($code, $text, $exchange, $key, $message) use (&$heard) { $heard[] = "$code $text $message->body"; });
    declared($channel, 'full', ['x-max-length' => 1, 'x-overflow' => 'reject-publish']);
    publish($channel, '', 'full', '1');
    publish($channel, '', 'full', '2');
    publish($channel, '', 'nobody', '3', true);
    equal($heard, ['ack 1', 'nack 2', '312 NO_ROUTE 3', 'ack 3']);
    equal(bodies($channel, 'full'), ['1']);
});

scenario('properties, headers, an empty and a large body', function () {
    $channel = fresh(true);
    declared($channel, 'properties');
    $headers = ['text' => 'größe', 'number' => 7, 'large' => 2 ** 40, 'true' => true, 'null' => null, 'list' => [1, 'two'], 'table' => ['deep' => ['er' => 1]]];
    $properties = ['content_type' => 'text/plain', 'delivery_mode' => 2, 'priority' => 3, 'correlation_id' => 'c', 'reply_to' => 'r', 'expiration' => '60000',
        'message_id' => 'm', 'timestamp' => 1_600_000_000, 'type' => 't', 'user_id' => 'guest', 'app_id' => 'a'];
    foreach (['', str_repeat('x', 2_000_000)] as $body) {
        publish($channel, '', 'properties', new AMQPMessage($body, $properties + ['application_headers' => new AMQPTable($headers)]));
        $message = got($channel, 'properties');
        $message->ack();
        equal($message->body === $body, true);
        equal($message->get('application_headers')->getNativeData(), $headers);
        foreach ($properties as $name => $value) {
            equal($message->get($name), $value);
        }
    }
});

scenario('prefetch, acknowledgement of many, nack with requeue', function () {
    $channel = fresh(true);
    declared($channel, 'prefetch');
    for ($i = 0; $i < 10; $i++) {
        publish($channel, '', 'prefetch', "$i");
    }
    $channel->basic_qos(null, 3, null);
    $seen = [];
    $channel->basic_consume('prefetch', '', false, false, false, false, function ($message) use (&$seen) { $seen[] = $message; });
    wait_for($channel, function () use (&$seen) { return count($seen) === 3; });
    equal(fresh()->queue_declare('prefetch', true)[1], 7);
    $seen[1]->ack(true);
    wait_for($channel, function () use (&$seen) { return count($seen) === 5; });
    $seen[2]->nack(true);
    wait_for($channel, function () use (&$seen) { return count($seen) === 6; });
    equal([$seen[5]->body, $seen[5]->isRedelivered()], ['2', true]);
    $channel->close();
});

scenario('dead letters: rejected, expired, delivered too often', function () {
    $channel = fresh(true);
    $channel->exchange_declare('dead', 'fanout');
    declared($channel, 'letters');
    $channel->queue_bind('letters', 'dead');
    $died = function (string $queue, string $reason) use ($channel) {
        $letter = got($channel, 'letters');
        $letter->ack();
        $death = $letter->get('application_headers')->getNativeData()['x-death'][0];
        equal([$death['queue'], $death['reason'], $death['count']], [$queue, $reason, 1]);
    };
    declared($channel, 'rejecting', ['x-dead-letter-exchange' => 'dead']);
    publish($channel, '', 'rejecting', 'no');
    got($channel, 'rejecting')->reject(false);
    $died('rejecting', 'rejected');
    declared($channel, 'expiring', ['x-dead-letter-exchange' => 'dead', 'x-message-ttl' => 20]);
    publish($channel, '', 'expiring', 'late');
    $died('expiring', 'expired');
    declared($channel, 'poisoned', ['x-dead-letter-exchange' => 'dead', 'x-queue-type' => 'quorum', 'x-delivery-limit' => 1]);
    publish($channel, '', 'poisoned', 'poison');
    got($channel, 'poisoned')->nack(true);
    got($channel, 'poisoned')->nack(true);
    $died('poisoned', 'delivery_limit');
});

scenario('RPC over direct reply-to', function () {
    [$server, $client] = [fresh(), fresh()];
    declared($server, 'double');
    $server->basic_consume('double', '', false, false, false, false, function ($message) use ($server) {
        $reply = new AMQPMessage((string) (2 * (int) $message->body), ['correlation_id' => $message->get('correlation_id')]);
        $server->basic_publish($reply, '', $message->get('reply_to'));
        $message->ack();
    });
    $replies = [];
    $client->basic_consume('amq.rabbitmq.reply-to', '', false, true, false, false, function ($message) use (&$replies) {
        $replies[$message->get('correlation_id')] = (int) $message->body;
    });
    for ($i = 0; $i < 100; $i++) {
        publish($client, '', 'double', new AMQPMessage("$i", ['correlation_id' => "$i", 'reply_to' => 'amq.rabbitmq.reply-to']));
    }
    until('the replies', function () use ($server, $client, &$replies) {
        // One message a call, and none is waited for.
        for ($i = 0; $i < 100; $i++) {
            foreach ([$server, $client] as $channel) {
                $channel->wait(null, true);
            }
        }
        return count($replies) === 100;
    });
    equal($replies, array_map(fn ($i) => 2 * $i, range(0, 99)));
});

scenario('topic and headers exchanges, bindings between them, consumer priorities, cancellation by the server', function () {
    $channel = fresh(true);
    $channel->exchange_declare('topic', 'topic');
    $channel->exchange_declare('headers', 'headers');
    foreach (['stars', 'match'] as $queue) {
        declared($channel, $queue);
    }
    $channel->queue_bind('stars', 'topic', 'a.*.#');
    $channel->queue_bind('match', 'headers', '', false, new AMQPTable(['x-match' => 'all', 'kind' => 'pdf']));
    $channel->exchange_bind('headers', 'topic', '#');
    foreach (['a.b' => 'pdf', 'a' => 'txt', 'a.b.c' => 'txt'] as $key => $kind) {
        publish($channel, 'topic', $key, new AMQPMessage($key, ['application_headers' => new AMQPTable(['kind' => $kind])]));
    }
    equal([bodies($channel, 'stars'), bodies($channel, 'match')], [['a.b', 'a.b.c'], ['a.b']]);
    $by = [];
    $channel->basic_qos(null, 1, null);
    foreach (['low' => 1, 'high' => 9] as $name => $priority) {
        $note = function () use (&$by, $name) { $by[] = $name; };
        $channel->basic_consume('stars', $name, false, false, false, false, $note, null, new AMQPTable(['x-priority' => $priority]));
    }
    publish($channel, '', 'stars', '1');
    publish($channel, '', 'stars', '2');
    wait_for($channel, function () use (&$by) { return count($by) === 2; });
    equal($by, ['high', 'low']);
    fresh()->queue_delete('stars');
    fails('cancel', fn () => wait_for($channel, fn () => false));
});

scenario('exclusive queues, errors, transactions', function () {
    $owner = connect();
    [$named] = $owner->channel()->queue_declare('', false, false, true);
    fails('RESOURCE_LOCKED', fn () => fresh()->queue_declare($named, true));
    $owner->close();
    fails('NOT_FOUND', fn () => fresh()->queue_declare('nothing', true));
    fails("inequivalent arg 'type'", fn () => fresh()->exchange_declare('amq.topic', 'fanout', false, true, false));
    $channel = fresh();
    declared($channel, 'tx');
    $channel->tx_select();
    $channel->basic_publish(new AMQPMessage('kept'), '', 'tx');
    equal(fresh()->queue_declare('tx', true)[1], 0);
    $channel->tx_commit();
    $channel->basic_publish(new AMQPMessage('lost'), '', 'tx');
    $channel->tx_rollback();
    equal(bodies(fresh(), 'tx'), ['kept']);
});

scenario('streams with offsets', function () {
    $channel = fresh(true);
    declared($channel, 'stream', ['x-queue-type' => 'stream']);
    for ($i = 0; $i < 100; $i++) {
        publish($channel, '', 'stream', "$i");
    }
    foreach ([['first', 0], [60, 60]] as [$offset, $first]) {
        $reader = fresh();
        $reader->basic_qos(null, 20, null);
        $seen = [];
        $note = function ($message) use (&$seen) {
            $seen[] = (int) $message->body;
            equal($message->get('application_headers')->getNativeData()['x-stream-offset'], (int) $message->body);
            $message->ack();
        };
        $reader->basic_consume('stream', '', false, false, false, false, $note, null, new AMQPTable(['x-stream-offset' => $offset]));
        wait_for($reader, function () use (&$seen, $first) { return count($seen) === 100 - $first; });
        equal($seen, range($first, 99));
        $reader->close();
    }
});

scenario('10,000 messages in batches, consumed', function () {
    $channel = fresh(true);
    declared($channel, 'many');
    for ($i = 0; $i < MANY; $i++) {
        $channel->batch_basic_publish(new AMQPMessage("$i", ['delivery_mode' => 2]), '', 'many');
        if ($i % 500 === 499) {
            $channel->publish_batch();
        }
    }
    $channel->wait_for_pending_acks(60);
    $channel->basic_qos(null, 500, null);
    $seen = 0;
    $channel->basic_consume('many', '', false, false, false, false, function ($message) use (&$seen) {
        equal($message->body, (string) $seen);
        if (++$seen % 100 === 0) {
            $message->ack(true);
        }
    });
    while ($seen < MANY) {
        $channel->wait(null, false, 60);
    }
});

scenario('a connection that an operator closes, and the next one', function () {
    AMQPStreamConnection::$LIBRARY_PROPERTIES['connection_name'] = ['S', 'closed-by-operator'];
    $connection = connect();
    $channel = $connection->channel();
    declared($channel, 'kept');
    publish($channel, '', 'kept', 'unsettled');
    got($channel, 'kept');
    close_connection('closed-by-operator');
    fails('CONNECTION_FORCED', fn () => $channel->basic_get('nothing'));
    $connection->reconnect();
    $message = got($connection->channel(), 'kept');
    equal([$message->body, $message->isRedelivered()], ['unsettled', true]);
    $connection->close();
});

finish();
