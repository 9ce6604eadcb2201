<?php

/** How every program of clients/php says what it checked, and how it waits. */

const WAIT_SECONDS_MAX = 60;

foreach (['REDIS', 'AMQP'] as $protocol) {
    $url = parse_url(getenv("{$protocol}_URL") ?: '');
    define("{$protocol}_HOST", $url['host'] ?? '');
    define("{$protocol}_PORT", $url['port'] ?? 0);
}
// Of AMQP, the last of the two.
define('AMQP_VHOST', urldecode(substr($url['path'] ?? '/%2f', 1)));
$failed = false;
error_reporting(E_ALL & ~E_DEPRECATED & ~E_USER_DEPRECATED);
set_error_handler(function (int $level, string $text, string $file, int $line) {
    throw new ErrorException($text, 0, $level, $file, $line);
}, E_WARNING | E_NOTICE);

function equal(mixed $actual, mixed $expected): void
{
    if ($actual !== $expected) {
        throw new Exception(var_export($actual, true) . ' is not ' . var_export($expected, true));
    }
}

/** The call throws, and the text of the error has this in it. */
function fails(string $text, callable $call): void
{
    try {
        $call();
    } catch (Throwable $error) {
        if (str_contains($error->getMessage(), $text)) {
            return;
        }
        throw $error;
    }
    throw new Exception("no error $text");
}

function until(string $what, callable $find): void
{
    for ($deadline = microtime(true) + WAIT_SECONDS_MAX; !$find(); usleep(10_000)) {
        if (microtime(true) > $deadline) {
            throw new Exception("$what did not come");
        }
    }
}

/** Closes the connection that its client gave this name, as an operator does. */
function close_connection(string $name): void
{
    $ask = function (string $method, string $path) {
        $header = 'authorization: Basic ' . base64_encode('guest:guest');
        $context = stream_context_create(['http' => ['method' => $method, 'header' => $header, 'ignore_errors' => true]]);
        return json_decode(file_get_contents(getenv('MANAGEMENT_URL') . "/api/$path", false, $context), true);
    };
    until("connection $name in the list", function () use ($ask, $name) {
        foreach ($ask('GET', 'connections') as $each) {
            if (($each['user_provided_name'] ?? null) === $name) {
                $ask('DELETE', 'connections/' . rawurlencode($each['name']));
                return true;
            }
        }
        return false;
    });
}

function scenario(string $name, callable $run): void
{
    global $failed;
    try {
        $run();
        echo "ok: $name\n";
    } catch (Throwable $error) {
        $failed = true;
        echo "FAILED: $name\n$error\n";
    }
}

function finish(): never
{
    global $failed;
    exit($failed ? 1 : 0);
}
