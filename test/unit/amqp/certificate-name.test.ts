import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { X509Certificate } from "node:crypto";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { test } from "node:test";
import { nameOfCertificate } from "../../../src/protocols/amqp/core/certificate-name.ts";
import { noOpenssl } from "../../clients/security/security-tls-support.ts";

function made(subject: string, extension: string | null): Uint8Array {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), "troikamq-name-"));
  const [key, cert] = [path.join(directory, "k"), path.join(directory, "c")];
  const curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
  const more = extension === null ? [] : ["-addext", extension];
  const args = [
    "req",
    "-x509",
    ...curve,
    "-keyout",
    key,
    "-out",
    cert,
    "-subj",
    subject,
    "-days",
    "2",
    ...more,
  ];
  try {
    execFileSync("openssl", args, { stdio: "ignore" });
    return new X509Certificate(fs.readFileSync(cert)).raw;
  } finally {
    fs.rmSync(directory, { recursive: true });
  }
}

test("the user of a certificate, by RabbitMQ's three ways", { skip: noOpenssl }, () => {
  const full = made(
    "/C=DE/O=Us, Inc./OU=One/CN=me/emailAddress=me@us.example",
    "subjectAltName=IP:127.0.0.1,DNS:me.us.example,DNS:other",
  );
  assert.equal(
    nameOfCertificate(full, "distinguished_name"),
    "EMAILADDRESS=me@us.example,CN=me,OU=One,O=Us\\, Inc.,C=DE",
  );
  assert.equal(nameOfCertificate(full, "common_name"), "me");
  assert.equal(nameOfCertificate(full, "subject_alternative_name"), "me.us.example");
  const two = made("/CN=a/CN=b", null);
  assert.equal(nameOfCertificate(two, "common_name"), "a,b");
  assert.equal(nameOfCertificate(two, "subject_alternative_name"), null);
  assert.equal(nameOfCertificate(made("/O=only", null), "common_name"), null);
});
