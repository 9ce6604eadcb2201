/**
 * The user that a client's certificate names (SASL EXTERNAL), as RabbitMQ's plugin rabbitmq_auth_mechanism_ssl reads it: `ssl_cert_login_from`.
 *
 *   distinguished_name          RFC 4514, the most specific part first: CN=me,O=us
 *   common_name                 all of them, with commas between
 *   subject_alternative_name    the first DNS name
 *
 * Not here: whether the certificate is trusted (net/: a socket whose certificate is not, is closed). Pure.
 */
import { X509Certificate } from "node:crypto";
import type { CertificateLogin } from "../../../broker/access/access.ts";

/** RabbitMQ's names where they are others than OpenSSL's. */
const shownTypes: Readonly<Record<string, string>> = {
  emailAddress: "EMAILADDRESS",
  GN: "GIVENNAME",
  street: "STREET",
  title: "TITLE",
  serialNumber: "SERIALNUMBER",
};

/** Null where it has no such name. */
export function nameOfCertificate(der: Uint8Array, from: CertificateLogin): string | null {
  const certificate = new X509Certificate(der);
  if (from === "subject_alternative_name") {
    const names = certificate.subjectAltName ?? "";
    return /(?:^|, )DNS:([^,"]+)/.exec(names)?.[1] ?? null;
  }
  // One part in each line, from the least specific on.
  const parts = certificate.subject.split("\n").filter((part) => part !== "");
  if (from === "common_name") {
    const names = parts.flatMap((part) => (part.startsWith("CN=") ? [part.slice(3)] : []));
    return names.length === 0 ? null : names.join(",");
  }
  const shown = parts.map((part) =>
    part.replace(/^([A-Za-z]+)=/, (_, type: string) => `${shownTypes[type] ?? type}=`),
  );
  return shown.length === 0 ? null : shown.toReversed().join(",");
}
