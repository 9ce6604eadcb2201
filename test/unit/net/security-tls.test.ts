/** TLS options that are refused at start, the certificate's files, and the library's `reloadTls`. */
import assert from "node:assert/strict";
import fs from "node:fs";
import { after, before, suite, test } from "node:test";
import { portNames } from "../../../src/base/config/listeners.ts";
import { resolveConfig } from "../../../src/base/config/config.ts";
import { StartError } from "../../../src/base/errors.ts";
import { Logger } from "../../../src/base/logger.ts";
import { startBroker } from "../../../src/embed.ts";
import { TlsIdentity } from "../../../src/net/tls.ts";
import { wantedTls } from "../../../src/net/tls-options.ts";
import {
  Certificates,
  connectTls,
  fingerprintAt,
  noOpenssl,
} from "../../clients/security/security-tls-support.ts";

async function wanted(...argv: string[]) {
  return wantedTls(
    await resolveConfig({ argv, environment: {}, readFile: async () => "", memoryBytesTotal: 1 << 30 }),
  );
}

async function problemOf(...argv: string[]): Promise<string> {
  return await wanted(...argv).then(
    () => "none",
    (error: unknown) => {
      assert.ok(error instanceof StartError && error.exitCode === 2);
      return error.message;
    },
  );
}

test("a TLS port needs a certificate and its key, and they a TLS port", async () => {
  const both = ["--tls-cert", "c", "--tls-key", "k"];
  for (const name of portNames) {
    const needs = `--${name}-tls-port needs a certificate; give --tls-cert FILE and --tls-key FILE`;
    assert.equal(await problemOf(`--${name}-tls-port`, "0"), needs);
    assert.equal(await problemOf(`--${name}-tls-port`, "0", "--tls-cert", "c"), needs);
    assert.deepEqual(await wanted(`--${name}-tls-port`, "0", ...both), {
      cert: "c",
      key: "k",
      ca: undefined,
    });
  }
  assert.match(await problemOf("--tls-cert", "c"), /^--tls-cert is given and --tls-key is not/);
  assert.match(await problemOf("--tls-key", "k"), /^--tls-key is given and --tls-cert is not/);
  assert.match(await problemOf(...both), /^--tls-cert is given and no TLS port; give one, such as/);
  assert.match(await problemOf("--tls-ca", "a"), /^--tls-ca is given and no TLS port/);
  assert.equal(await wanted(), null);
});

test("a TLS port is exposed as any other: not beyond loopback without a password", async () => {
  const off = { redis: "off", amqp: "off", kafka: "off", http: "off" } as const;
  await assert.rejects(
    startBroker({ host: "0.0.0.0", ports: { ...off, redisTls: 0 }, tlsCert: "none", tlsKey: "none" }),
    /^StartError: --host 0\.0\.0\.0 can be reached by others and no password is set/,
  );
});

suite("with certificates", { skip: noOpenssl }, () => {
  let certificates: Certificates;
  before(() => {
    certificates = new Certificates();
  });
  after(() => certificates.remove());

  function identityOf(
    files: { cert: string; key: string; ca?: string },
    lines: string[] = [],
    now = Date.now(),
  ): TlsIdentity {
    const clock = { now: () => now, monotonic: () => 0 };
    const logger = new Logger({ level: "info", clock, sink: (line) => lines.push(line) });
    return new TlsIdentity({ ca: undefined, ...files }, logger, clock);
  }

  test("files that are no good are one line that names the option and the file", () => {
    const good = certificates.signed("good");
    const other = certificates.signed("other");
    const broken = `${certificates.directory}/broken`;
    fs.writeFileSync(broken, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
    const bad: [files: { cert: string; key: string; ca?: string }, problem: RegExp][] = [
      [{ ...good, cert: "/nowhere" }, /^--tls-cert "\/nowhere" cannot be read \(ENOENT\)$/],
      [{ ...good, key: "/nowhere" }, /^--tls-key "\/nowhere" cannot be read \(ENOENT\)$/],
      [{ ...good, ca: "/nowhere" }, /^--tls-ca "\/nowhere" cannot be read \(ENOENT\)$/],
      [{ ...good, cert: good.key }, /^--tls-cert ".*" holds no PEM certificate, or a broken one$/],
      [{ ...good, cert: broken }, /^--tls-cert ".*" holds no PEM certificate, or a broken one$/],
      [{ ...good, ca: broken }, /^--tls-ca ".*" holds no PEM certificate, or a broken one$/],
      [{ ...good, key: good.cert }, /^--tls-key ".*" holds no PEM private key that can be read without/],
      [{ ...good, key: other.key }, /^--tls-key ".*" is not the key of the certificate in .*good\.crt$/],
    ];
    for (const [files, problem] of bad) {
      assert.throws(() => identityOf(files), { name: "StartError", exitCode: 2, message: problem });
    }
    const identity = identityOf({ ...good, ca: certificates.authority.cert });
    assert.ok(identity.current.options.requestCert && identity.current.options.rejectUnauthorized);
    assert.equal(identityOf(good).current.options.requestCert, undefined);
  });

  test("a certificate that has expired, or is not valid yet, is told in the log, and at each reload", () => {
    const files = certificates.signed("dated");
    const dayMs = 24 * 60 * 60 * 1000;
    const warnings: [days: number, text: RegExp][] = [
      [3, /warn the TLS certificate has expired, .* file=\S*dated\.crt validTo=/],
      [-1, /warn the TLS certificate is not valid yet, .* file=\S*dated\.crt validFrom=/],
    ];
    for (const [days, text] of warnings) {
      const lines: string[] = [];
      const identity = identityOf(files, lines, Date.now() + days * dayMs);
      assert.equal(lines.length, 1);
      assert.match(lines[0]!, text);
      assert.equal(identity.reload(), true);
      assert.match(lines[1]!, text);
    }
    const lines: string[] = [];
    identityOf(files, lines);
    assert.deepEqual(lines, []);
  });

  test("one watcher's trouble is told, and not the others'", () => {
    const lines: string[] = [];
    const identity = identityOf(certificates.signed("watched"), lines);
    const seen: string[] = [];
    identity.onChange(() => {
      throw new Error("no port");
    });
    identity.onChange(({ fingerprint }) => seen.push(fingerprint));
    const unwatch = identity.onChange(() => seen.push("unwatched"));
    unwatch();
    assert.equal(identity.reload(), true);
    assert.deepEqual(seen, [identity.current.fingerprint]);
    assert.match(lines.join(""), /error a TLS listener did not take the new certificate error="no port"/);
  });

  test("the library: TLS ports on request, reloadTls where there are any, plain ports may be off", async () => {
    const off = { redis: "off", amqp: "off", kafka: "off", http: "off" } as const;
    const { cert: tlsCert, key: tlsKey } = certificates.signed("library");
    const ports = { ...off, redisTls: 0, httpTls: 0 } as const;
    const broker = await startBroker({ tlsCert, tlsKey, ports, logLevel: "silent" });
    assert.deepEqual(Object.keys(broker.ports), ["redisTls", "httpTls"]);
    const ca = certificates.read(certificates.authority.cert);
    const first = await fingerprintAt(broker.ports.redisTls!, ca);
    const kept = await connectTls({ port: broker.ports.redisTls!, ca });
    const next = certificates.signed("next");
    fs.copyFileSync(next.cert, tlsCert);
    assert.equal(broker.reloadTls!(), false);
    assert.equal(await fingerprintAt(broker.ports.redisTls!, ca), first);
    fs.copyFileSync(next.key, tlsKey);
    assert.equal(broker.reloadTls!(), true);
    assert.notEqual(await fingerprintAt(broker.ports.redisTls!, ca), first);
    assert.equal(
      await fingerprintAt(broker.ports.httpTls!, ca),
      await fingerprintAt(broker.ports.redisTls!, ca),
    );
    const answer = new Promise<string>((resolve) => {
      kept.once("data", (bytes: Buffer) => resolve(bytes.toString()));
    });
    kept.write("PING\r\n");
    assert.equal(await answer, "+PONG\r\n");
    const ended = new Promise((resolve) => void kept.once("close", resolve));
    kept.resume();
    await broker.close();
    await ended;
    const plain = await startBroker({ ports: { ...off, redis: 0 } });
    assert.equal(plain.reloadTls, undefined);
    await plain.close();
  });

  test("a TLS port that is in use is named with its option", async (t) => {
    const off = { redis: "off", amqp: "off", kafka: "off", http: "off" } as const;
    const { cert: tlsCert, key: tlsKey } = certificates.signed("taken");
    const first = await startBroker({ tlsCert, tlsKey, ports: { ...off, redisTls: 0, httpTls: 0 } });
    t.after(() => first.close());
    const { redisTls, httpTls } = first.ports as { redisTls: number; httpTls: number };
    await assert.rejects(
      startBroker({ tlsCert, tlsKey, ports: { ...off, redisTls } }),
      /redis TLS port \d+ on localhost is in use; .* choose another --redis-tls-port/,
    );
    await assert.rejects(
      startBroker({ tlsCert, tlsKey, ports: { ...off, httpTls } }),
      /http TLS port \d+ on localhost is in use; .* choose another --http-tls-port/,
    );
  });
});
