/** The bytes of a message as JSON, as RabbitMQ's API has them: a text where they are UTF-8, else base64. */
const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

function utf8Of(bytes: Buffer): string | undefined {
  try {
    return utf8.decode(bytes);
  } catch {
    return undefined;
  }
}

export interface ShownPayload {
  readonly payload: string;
  readonly payload_encoding: "string" | "base64";
}

export function shownPayload(bytes: Buffer, encoding: string): ShownPayload {
  const text = encoding === "auto" ? utf8Of(bytes) : undefined;
  return {
    payload: text ?? bytes.toString("base64"),
    payload_encoding: text === undefined ? "base64" : "string",
  };
}
