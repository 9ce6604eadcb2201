"""What every program of clients/python begins with: how it says what it checked, and how it waits."""

import base64
import json
import os
import sys
import time
import traceback
import urllib.error
import urllib.parse
import urllib.request

REDIS_URL = os.environ.get("REDIS_URL", "")
AMQP_URL = os.environ.get("AMQP_URL", "")
MANAGEMENT_URL = os.environ.get("MANAGEMENT_URL", "")
WAIT_SECONDS_MAX = 60


def ok(what):
    print(f"ok: {what}", flush=True)


def equal(actual, expected, what=""):
    if actual != expected:
        raise AssertionError(f"{what}: {actual!r} is not {expected!r}")


def raises(kind, text, call, *args, **kwargs):
    """The call fails with an error of this kind whose text begins so."""
    try:
        got = call(*args, **kwargs)
    except kind as error:
        equal(str(error)[: len(text)], text, "the error's text")
        return
    raise AssertionError(f"no error of {kind} but {got!r}")


def until(find, what="the condition"):
    """Waits for what comes about by itself. The bound says that it never came; it measures nothing."""
    deadline = time.monotonic() + WAIT_SECONDS_MAX
    while time.monotonic() < deadline:
        found = find()
        if found:
            return found
        time.sleep(0.01)
    raise AssertionError(f"{what} did not come within {WAIT_SECONDS_MAX} s")


def management(method, path, body=None):
    """What RabbitMQ's management API answers."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"{MANAGEMENT_URL}/api/{path}", data, {"content-type": "application/json"}, method=method)
    request.add_header("authorization", "Basic " + base64.b64encode(b"guest:guest").decode())
    with urllib.request.urlopen(request, timeout=WAIT_SECONDS_MAX) as response:
        return json.loads(response.read() or b"null")


def close_connection(wanted, name_of=lambda each: each.get("user_provided_name")):
    """Closes the connection of that name (its client's property `connection_name`), as an operator does."""

    def found():
        return [each["name"] for each in management("GET", "connections") if name_of(each) == wanted]

    for name in until(found, f"connection {wanted} in the list"):
        try:
            management("DELETE", "connections/" + urllib.parse.quote(name, safe=""))
        except urllib.error.HTTPError as error:
            # The list of RabbitMQ still has connections that are gone.
            equal(error.code, 404)


def run(scenarios):
    """Runs each function, named by its docstring; the program fails after the last one if any of them raised."""
    failed = 0
    for scenario in scenarios:
        try:
            scenario()
        except Exception:
            failed += 1
            print(f"FAILED: {scenario.__doc__}", file=sys.stderr, flush=True)
            traceback.print_exc()
        else:
            ok(scenario.__doc__)
    # Threads that still wait for something would keep the program.
    os._exit(1 if failed else 0)
