/** SIGHUP: new connections get the new certificate, open ones stay, bad files change nothing, nobody is turned away. */
import assert from "node:assert/strict";
import fs from "node:fs";
import https from "node:https";
import net from "node:net";
import { after, before, suite, test } from "node:test";
import { Redis } from "ioredis";
import type { TestBroker } from "../../support/broker.ts";
import {
  Certificates,
  fingerprintAt,
  noOpenssl,
  type Pair,
  startTlsBroker,
  tlsPorts,
} from "./security-tls-support.ts";

suite("reload of the certificate", { skip: noOpenssl }, () => {
  let certificates: Certificates;
  let broker: TestBroker;
  let ca: string;
  let used: Pair;
  let witness: Redis;
  before(async () => {
    certificates = new Certificates();
    ca = certificates.read(certificates.authority.cert);
    used = certificates.signed("used");
    broker = await startTlsBroker(used);
    witness = new Redis({ port: tlsPorts(broker).redisTls, host: "127.0.0.1", tls: { ca } });
    witness.on("close", () => assert.fail("an open connection was cut off"));
  });
  after(async () => {
    witness.removeAllListeners("close");
    await witness.quit();
    await broker.stop();
    certificates.remove();
  });

  /** Puts another certificate in the place of the one that the broker was given. */
  function replaceBy({ cert, key }: Pair): void {
    fs.copyFileSync(cert, used.cert);
    fs.copyFileSync(key, used.key);
  }

  async function reload(outcome: string): Promise<void> {
    broker.log = "";
    process.kill(broker.pid, "SIGHUP");
    await broker.logged(outcome);
  }

  async function fingerprints(): Promise<string[]> {
    return await Promise.all(Object.values(portsOf(broker)).map((port) => fingerprintAt(port, ca)));
  }

  test("every listener shows the new one, and an open connection goes on", async () => {
    await witness.set("a", "1");
    const first = await fingerprints();
    replaceBy(certificates.signed("second"));
    assert.deepEqual(await fingerprints(), first);
    await reload("the TLS certificate was reloaded");
    const second = await fingerprints();
    assert.equal(new Set([...first, ...second]).size, 2, "one certificate before, another after");
    assert.equal(await witness.get("a"), "1");
  });

  test("a bad file is an error in the log, without a byte of it, and the old one stays", async () => {
    const shown = await fingerprints();
    const { cert, key } = { cert: certificates.read(used.cert), key: certificates.read(used.key) };
    const other = certificates.signed("other");
    const bad: [what: string, spoil: () => void][] = [
      ["is not the key of the certificate", () => fs.copyFileSync(other.key, used.key)],
      ["holds no PEM private key", () => fs.writeFileSync(used.key, key.slice(0, 100))],
      ["holds no PEM certificate", () => fs.writeFileSync(used.cert, cert.replaceAll("A", "!"))],
      ["cannot be read (ENOENT)", () => fs.rmSync(used.cert)],
    ];
    for (const [what, spoil] of bad) {
      spoil();
      await reload("the TLS certificate was not reloaded");
      await broker.logged(what);
      assert.ok(!broker.log.includes(key.slice(40, 60)));
      assert.deepEqual(await fingerprints(), shown);
      fs.writeFileSync(used.cert, cert);
      fs.writeFileSync(used.key, key);
    }
    assert.equal(await witness.get("a"), "1");
  });

  test("of connections that come meanwhile none is refused", async (t) => {
    const { redisTls, httpTls } = tlsPorts(broker);
    const pairs = [certificates.signed("even"), certificates.signed("odd")];
    const made = { [redisTls]: 0, [httpTls]: 0 };
    const refused = { [redisTls]: 0, [httpTls]: 0 };
    let isOver = false;
    const storm = async (port: number): Promise<void> => {
      while (!isOver) {
        if (await isAccepted(port)) made[port]!++;
        else refused[port]!++;
      }
    };
    const storms = [storm(redisTls), storm(redisTls), storm(httpTls), storm(httpTls)];
    const hasFew = (): boolean => Math.min(made[redisTls]!, made[httpTls]!) <= 20;
    let rounds = 0;
    for (; rounds < 20 || hasFew(); rounds++) {
      replaceBy(pairs[rounds % 2]!);
      await reload("the TLS certificate was reloaded");
    }
    isOver = true;
    await Promise.all(storms);
    t.diagnostic(`Redis ${made[redisTls]} made, ${refused[redisTls]} refused`);
    t.diagnostic(`HTTPS ${made[httpTls]} made, ${refused[httpTls]} refused in ${rounds} reloads`);
    assert.deepEqual([refused[redisTls], refused[httpTls]], [0, 0]);
  });

  test("HTTPS answers after all that, also on a connection kept from before a reload", async () => {
    const agent = new https.Agent({ keepAlive: true, maxSockets: 1, ca });
    const get = (): Promise<number> =>
      new Promise((resolve, reject) => {
        const url = `https://127.0.0.1:${tlsPorts(broker).httpTls}/livez`;
        const request = https.get(url, { agent }, (response) => {
          response.resume();
          response.on("end", () => resolve(response.statusCode!));
        });
        request.on("error", reject);
      });
    assert.equal(await get(), 200);
    await reload("the TLS certificate was reloaded");
    assert.equal(await get(), 200);
    agent.destroy();
  });
});

function portsOf(broker: TestBroker): Record<string, number> {
  const { redisTls, amqpTls, kafkaTls, httpTls } = tlsPorts(broker);
  return { redisTls, amqpTls, kafkaTls, httpTls };
}

/** Whether a connection is made and not reset right afterwards. */
function isAccepted(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = net.connect(port, "127.0.0.1");
    const settle = (answer: boolean): void => {
      resolve(answer);
      socket.destroy();
    };
    socket.on("error", () => settle(false));
    socket.on("connect", () => setTimeout(() => settle(true), 5));
  });
}
