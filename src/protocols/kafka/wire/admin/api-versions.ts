/**
 * ApiVersions: the first request of most clients. A version we do not know is answered in version 0 with error 35
 * and the ranges, and the client tries again with what it finds there (KIP-511).
 */
import { Api } from "../api.ts";
import { array, boolean, int16, int32, int64, string } from "../schema.ts";

export const ApiVersions = new Api({
  key: 18,
  name: "ApiVersions",
  versions: [0, 4],
  flexibleSince: 3,
  request: {
    clientSoftwareName: string({ since: 3, default: "" }),
    clientSoftwareVersion: string({ since: 3, default: "" }),
  },
  response: {
    errorCode: int16(),
    apiKeys: array({ apiKey: int16(), minVersion: int16(), maxVersion: int16() }),
    throttleTimeMs: int32({ since: 1, default: 0 }),
    supportedFeatures: array(
      { name: string(), minVersion: int16(), maxVersion: int16() },
      { since: 3, tag: 0 },
    ),
    finalizedFeaturesEpoch: int64({ since: 3, tag: 1, default: -1 }),
    finalizedFeatures: array(
      { name: string(), maxVersionLevel: int16(), minVersionLevel: int16() },
      { since: 3, tag: 2 },
    ),
    zkMigrationReady: boolean({ since: 3, tag: 3, default: false }),
  },
});
