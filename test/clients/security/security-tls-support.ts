/**
 * Certificates for tests, made with the `openssl` program, and a broker with a TLS port beside each plain one.
 *
 * Not here: clients. Where there is no `openssl`, `noOpenssl` says so and is the reason to skip.
 */
import { execFileSync } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import tls from "node:tls";
import { type PortName, portNames } from "../../../src/base/config/listeners.ts";
import { startTestBroker, type TestBroker } from "../../support/broker.ts";

export const noOpenssl: string | false = hasOpenssl()
  ? false
  : "there is no openssl program to make certificates";

function hasOpenssl(): boolean {
  try {
    execFileSync("openssl", ["version"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

export interface Pair {
  readonly cert: string;
  readonly key: string;
}

/** A directory with an authority, and what it signs. */
export class Certificates {
  readonly directory = fs.mkdtempSync(path.join(os.tmpdir(), "troikamq-tls-"));
  readonly authority: Pair;

  constructor() {
    this.authority = this.signed("authority", null);
  }

  /** Paths of a certificate of this authority, or of one by itself, with its key. */
  signed(name: string, by: Pair | null = this.authority): Pair {
    const file = (ending: string) => path.join(this.directory, `${name}.${ending}`);
    const cert = file("crt");
    const key = file("key");
    const subject = ["-subj", `/CN=${name}`, "-days", "2"];
    const newKey = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", key];
    if (by === null) run(["req", "-x509", ...newKey, ...subject, "-out", cert]);
    else {
      fs.writeFileSync(file("ext"), "subjectAltName=DNS:localhost,IP:127.0.0.1\n");
      run(["req", "-new", ...newKey, "-subj", `/CN=${name}`, "-out", file("csr")]);
      const signing = ["-CA", by.cert, "-CAkey", by.key, "-CAcreateserial", "-days", "2"];
      run(["x509", "-req", "-in", file("csr"), ...signing, "-extfile", file("ext"), "-out", cert]);
    }
    return { cert, key };
  }

  read(file: string): string {
    return fs.readFileSync(file, "utf8");
  }

  remove(): void {
    fs.rmSync(this.directory, { recursive: true, force: true });
  }
}

function run(args: string[]): void {
  execFileSync("openssl", args, { stdio: ["ignore", "ignore", "pipe"] });
}

export type TlsPortName = `${PortName}Tls`;

export function tlsPorts(broker: TestBroker): Readonly<Record<TlsPortName, number>> {
  return broker.ports as unknown as Record<TlsPortName, number>;
}

/** With a free TLS port for each protocol. */
export function startTlsBroker(server: Pair, args: readonly string[] = []): Promise<TestBroker> {
  const ports = portNames.flatMap((name) => [`--${name}-tls-port`, "0"]);
  const files = ["--tls-cert", server.cert, "--tls-key", server.key];
  return startTestBroker({ args: [...ports, ...files, ...args] });
}

/** A TLS socket past its handshake; rejects when it fails. TLS 1.3 may tell of a refused client afterwards only. */
export function connectTls(options: tls.ConnectionOptions): Promise<tls.TLSSocket> {
  return new Promise((resolve, reject) => {
    const socket = tls.connect({ host: "127.0.0.1", ...options }, () => resolve(socket));
    socket.on("error", reject);
  });
}

/** The certificate that is shown at a port. */
export async function fingerprintAt(port: number, ca: string): Promise<string> {
  const socket = await connectTls({ port, ca });
  const { fingerprint256 } = socket.getPeerCertificate();
  socket.destroy();
  return fingerprint256;
}

/** What a socket is told after `request`, until that ends with `ending` or the socket closes. */
export function answerOf(socket: tls.TLSSocket, request: string, ending: string): Promise<string> {
  return new Promise((resolve) => {
    let text = "";
    socket.on("data", (bytes: Buffer) => {
      text += bytes.toString("latin1");
      if (text.endsWith(ending)) resolve(text);
    });
    socket.on("error", () => {});
    socket.on("close", () => resolve(text));
    socket.write(request);
  });
}
