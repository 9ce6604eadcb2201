/**
 * The certificate that TLS listeners show: read, checked, and read again when the operator asks.
 *
 * Not here: handshakes (bun-tls.ts, node-tls.ts, http-*.ts).
 * Invariant: `current` is a certificate and its own key; files that are not leave it as it was. No error and no log
 * holds a byte of the key.
 */
import { createPrivateKey, X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import type { Clock } from "../base/clock.ts";
import { StartError } from "../base/errors.ts";
import type { Logger } from "../base/logger.ts";

export interface TlsFiles {
  readonly cert: string;
  readonly key: string;
  /** Authorities: if given, a client must show a certificate signed by one of them. */
  readonly ca: string | undefined;
}

/** The options of both runtimes, in PEM. */
export interface TlsServerOptions {
  readonly cert: string;
  readonly key: string;
  /** If given, a client must show a certificate, and the next two are true. */
  readonly ca?: string;
  readonly requestCert?: boolean;
  readonly rejectUnauthorized?: boolean;
}

export interface TlsMaterial {
  readonly options: TlsServerOptions;
  /** SHA-256 of the certificate, as tools show it. */
  readonly fingerprint: string;
}

export class TlsIdentity {
  current: TlsMaterial;
  readonly #files: TlsFiles;
  readonly #logger: Logger;
  readonly #clock: Clock;
  readonly #watchers = new Set<(material: TlsMaterial) => void>();

  /** @throws StartError */
  constructor(files: TlsFiles, logger: Logger, clock: Clock) {
    this.#files = files;
    this.#logger = logger;
    this.#clock = clock;
    this.current = this.#read();
  }

  /** Wall time, ms, at which the certificate in use ends. */
  get endsAt(): number {
    return Date.parse(new X509Certificate(this.current.options.cert).validTo);
  }

  /** Calls `watcher` with each certificate that replaces `current`; returns a function that stops it. */
  onChange(watcher: (material: TlsMaterial) => void): () => void {
    this.#watchers.add(watcher);
    return () => void this.#watchers.delete(watcher);
  }

  /** Reads the files again. New connections use the new certificate; if it is not valid, the current one. */
  reload(): boolean {
    try {
      this.current = this.#read();
    } catch (error) {
      this.#logger.error("the TLS certificate was not reloaded; the one in use stays", {
        error: error as Error,
      });
      return false;
    }
    for (const watcher of this.#watchers) {
      try {
        watcher(this.current);
      } catch (error) {
        // An error of one listener must not affect the others.
        this.#logger.error("a TLS listener did not take the new certificate", { error: error as Error });
      }
    }
    this.#logger.info("the TLS certificate was reloaded", { fingerprint: this.current.fingerprint });
    return true;
  }

  #read(): TlsMaterial {
    const cert = readText("--tls-cert", this.#files.cert);
    const key = readText("--tls-key", this.#files.key);
    const ca = this.#files.ca === undefined ? undefined : readText("--tls-ca", this.#files.ca);
    const own = certificatesIn("--tls-cert", this.#files.cert, cert)[0]!;
    if (ca !== undefined) certificatesIn("--tls-ca", this.#files.ca!, ca);
    if (!own.checkPrivateKey(privateKeyIn(this.#files.key, key))) {
      throw problem("--tls-key", this.#files.key, `is not the key of the certificate in ${this.#files.cert}`);
    }
    this.#warnOfDates(own);
    const demand = ca === undefined ? {} : { ca, requestCert: true, rejectUnauthorized: true };
    return { options: { cert, key, ...demand }, fingerprint: own.fingerprint256 };
  }

  /**
   * Only a warning: plain ports, and clients that pin the certificate, still work, and a broker that restarts at night must not
   * stay down because of it.
   */
  #warnOfDates({ validFrom, validTo }: X509Certificate): void {
    const now = this.#clock.now();
    const file = this.#files.cert;
    if (Date.parse(validTo) < now) {
      this.#logger.warn(
        "the TLS certificate has expired, so clients refuse it; put a new one in its place and send SIGHUP",
        { file, validTo },
      );
    } else if (Date.parse(validFrom) > now) {
      this.#logger.warn(
        "the TLS certificate is not valid yet, so clients refuse it; check it and this machine's clock",
        { file, validFrom },
      );
    }
  }
}

function readText(flag: string, path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    throw problem(flag, path, `cannot be read (${code ?? message})`);
  }
}

/** Parses every certificate: otherwise a listener would meet a broken one only at its first handshake. */
function certificatesIn(flag: string, path: string, text: string): X509Certificate[] {
  const blocks = text.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g) ?? [];
  try {
    const certificates = blocks.map((block) => new X509Certificate(block));
    if (certificates.length > 0) return certificates;
  } catch {
    // Told below.
  }
  throw problem(flag, path, "holds no PEM certificate, or a broken one");
}

function privateKeyIn(path: string, text: string): ReturnType<typeof createPrivateKey> {
  try {
    return createPrivateKey(text);
  } catch {
    throw problem("--tls-key", path, "holds no PEM private key that can be read without a passphrase");
  }
}

function problem(flag: string, path: string, what: string): StartError {
  return new StartError(2, `${flag} ${JSON.stringify(path)} ${what}`);
}
