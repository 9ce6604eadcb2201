/** ApiVersions: the supported requests. Every client sends it first, possibly in an unsupported version (KIP-511). */
import { limits } from "../../../base/limits.ts";
import type { Connection } from "../../contract.ts";
import type { Handler } from "../core/call.ts";
import { apiVersionRanges, encodeResponse, type UnsupportedRequest } from "../wire/codec.ts";
import { errorCodes } from "../wire/error-codes.ts";

const apiVersionsKey = 18;
/** KIP-511 lets a broker refuse names that could not be labels of a metric. */
const softwareName = /^[a-zA-Z0-9](?:[a-zA-Z0-9\-.]*[a-zA-Z0-9])?$/;

/** Share groups (KIP-932) are there. Clients look for the requests, tools for this. */
const features = {
  supportedFeatures: [{ name: "share.version", minVersion: 0, maxVersion: 1 }],
  finalizedFeaturesEpoch: 0,
  finalizedFeatures: [{ name: "share.version", minVersionLevel: 1, maxVersionLevel: 1 }],
};

export const apiVersions: Handler<"ApiVersions"> = (call, request) => {
  const isNamed = call.version >= 3;
  if (
    isNamed &&
    (!softwareName.test(request.clientSoftwareName) || !softwareName.test(request.clientSoftwareVersion))
  ) {
    return { errorCode: errorCodes.INVALID_REQUEST, apiKeys: [] };
  }
  if (isNamed) {
    const textOf = (text: string): string => text.slice(0, limits.clientTextBytesMax);
    call.caller.software = {
      name: textOf(request.clientSoftwareName),
      version: textOf(request.clientSoftwareVersion),
    };
  }
  return { errorCode: errorCodes.NONE, apiKeys: apiVersionRanges, ...features };
};

/** Answers an ApiVersions request of an unknown version, in version 0; false for every other request. */
export function answerUnsupported(connection: Connection, request: UnsupportedRequest): boolean {
  if (request.apiKey !== apiVersionsKey) return false;
  const { correlationId } = request;
  encodeResponse(
    connection.output,
    "ApiVersions",
    { version: 0, correlationId },
    { errorCode: errorCodes.UNSUPPORTED_VERSION, apiKeys: apiVersionRanges },
  );
  connection.touch();
  return true;
}
