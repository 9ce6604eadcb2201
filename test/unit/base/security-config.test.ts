/** What is refused at start, and that no refusal shows a password. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { resolveConfig } from "../../../src/base/config/config.ts";
import { StartError } from "../../../src/base/errors.ts";
import { isAddress, isLoopbackAddress } from "../../../src/base/addresses.ts";
import { startBroker } from "../../../src/embed.ts";
import { settleHost } from "../../../src/net/exposure.ts";

const secret = "pa55-of-the-test";

async function settle(argv: string[], environment: Record<string, string> = {}, file = "") {
  return await resolveConfig({ argv, environment, readFile: async () => file, memoryBytesTotal: 1 << 30 });
}

test("loopback addresses are known, and nothing that only looks like one", () => {
  for (const address of ["127.0.0.1", "127.255.0.9", "::1", "::ffff:127.0.0.1"]) {
    assert.ok(isLoopbackAddress(address) && isAddress(address), address);
  }
  const others = [
    "0.0.0.0",
    "::",
    "128.0.0.1",
    "::ffff:10.0.0.1",
    "127.0.0.1.example",
    "x127.0.0.1",
    "127.0.0.1\n",
    "",
  ];
  for (const address of others) assert.ok(!isLoopbackAddress(address), address);
  for (const name of ["localhost", "0", "127.1", "0x7f.0.0.1", "127.0.0.01", "256.0.0.1"]) {
    assert.ok(!isAddress(name), name);
  }
});

test("an open host without a password is one line that says what to do", async () => {
  for (const host of ["0.0.0.0", "::", "10.1.2.3", "0"]) {
    await assert.rejects(settleHost({ host, password: undefined, insecure: false }), (error) => {
      assert.ok(error instanceof StartError && error.exitCode === 2);
      assert.match(
        error.message,
        /^--host \S+( \(0\.0\.0\.0\))? can be reached .*TROIKAMQ_PASSWORD.*--insecure$/,
      );
      return true;
    });
    assert.ok(isAddress(await settleHost({ host, password: secret, insecure: false })));
    assert.ok(isAddress(await settleHost({ host, password: undefined, insecure: true })));
  }
  await assert.rejects(startBroker({ host: "0.0.0.0" }), StartError);
});

test("loopback needs none, by address and by a name for one", async () => {
  const none = { password: undefined, insecure: false };
  assert.equal(await settleHost({ host: "localhost", ...none }), "localhost");
  assert.equal(await settleHost({ host: "127.0.0.1", ...none }), "127.0.0.1");
  assert.equal(await settleHost({ host: "127.1", ...none }), "127.0.0.1");
  await assert.rejects(settleHost({ host: "no\nname.invalid", ...none }), (error) => {
    assert.ok(error instanceof StartError);
    assert.match(error.message, /^--host "no\\nname\.invalid" is neither an address/);
    return true;
  });
});

test("--insecure needs no value and takes none that is not its own", async () => {
  assert.equal((await settle(["--insecure"])).insecure, true);
  assert.equal((await settle(["--insecure", "--redis-port", "1"])).redisPort, 1);
  assert.equal((await settle(["--insecure=false"])).insecure, false);
  assert.equal((await settle([], { TROIKAMQ_INSECURE: "true" })).insecure, true);
  await assert.rejects(settle(["--insecure", "yes"]), /unexpected argument/);
});

test("a bad password is not shown", async () => {
  const wrong: [argv: string[], environment: Record<string, string>, file: string][] = [
    [[`--password=${secret}\n`], {}, ""],
    [[], { TROIKAMQ_PASSWORD: `\t${secret}` }, ""],
    [[`--passwort=${secret}`], {}, ""],
    [["--config", "f"], {}, `password: "${secret}`],
    [["--config", "f"], {}, `password: "${secret}\\n"`],
    [["--config", "f"], {}, `password: [${secret}]`],
    [["--config", "f"], {}, `host: a\npassword: a: ${secret}`],
    [["--config", "f"], {}, `password: &${secret} *${secret}`],
  ];
  for (const given of wrong) {
    await assert.rejects(settle(...given), (error) => {
      assert.ok(error instanceof StartError);
      assert.ok(!error.message.includes(secret), error.message);
      return true;
    });
  }
  // YAML would make 83 of it, and let in who knows that.
  await assert.rejects(settle(["--config", "f"], {}, "password: 0123"), /put it in quotes/);
  assert.equal((await settle(["--config", "f"], {}, 'password: "0123"')).password, "0123");
});
