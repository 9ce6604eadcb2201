/**
 * Requests and responses with their headers, in both directions: the broker decodes requests and encodes responses,
 * tests and the bench do the reverse.
 *
 *     request   int16 api key, int16 version, int32 correlation id, nullable string client id (header v1),
 *               in flexible versions tagged fields (header v2; the client id stays an int16-length string), body
 *     response  int32 correlation id (header v0), in flexible versions tagged fields (header v1), body
 *
 * The ApiVersions response keeps header v0 in every version, since the client cannot know yet what we speak (KIP-511).
 *
 * Not here: what a request means, and whether a version is too old for its handler (Produce below 3).
 */
import { ByteReader, type ByteWriter } from "../../../base/bytes.ts";
import type { Api, RequestInputOf, RequestOf, ResponseInputOf, ResponseOf } from "./api.ts";
import { readMessage, skipTaggedFields, type Struct } from "./decode.ts";
import { writeStruct, writeStructInPieces } from "./encode.ts";
import type { Plan } from "./plan.ts";
import * as messages from "./messages.ts";

export type Apis = typeof messages;
export type ApiName = keyof Apis;
export type RequestBody<N extends ApiName> = RequestOf<Apis[N]>;
export type RequestInput<N extends ApiName> = RequestInputOf<Apis[N]>;
export type ResponseBody<N extends ApiName> = ResponseOf<Apis[N]>;
export type ResponseInput<N extends ApiName> = ResponseInputOf<Apis[N]>;

interface RequestHead {
  readonly apiKey: number;
  readonly version: number;
  readonly correlationId: number;
  readonly clientId: string | null;
}

export interface RequestNamed<N extends ApiName> extends RequestHead {
  readonly name: N;
  readonly body: RequestBody<N>;
}

/**
 * A request whose api or version is not described. Kafka closes the connection, except for ApiVersions (key 18), which
 * it answers in version 0 with error 35 UNSUPPORTED_VERSION and the ranges, so that the client can try again.
 */
export interface UnsupportedRequest extends RequestHead {
  readonly name: null;
  readonly body: null;
}

export type KafkaRequest = { [N in ApiName]: RequestNamed<N> }[ApiName] | UnsupportedRequest;

/** The same descriptions without their own types, for code that works on all of them. */
const apiByName: ReadonlyMap<string, Api> = new Map(Object.entries<Api>(messages));
const apiVersionsKey = messages.ApiVersions.key;
export const produceKey: number = messages.Produce.key;
const apiByKey: (Api | undefined)[] = [];
for (const api of apiByName.values()) apiByKey[api.key] = api;

/** All apis by ascending key. */
export const allApis: readonly Api[] = apiByKey.filter((api) => api !== undefined);

export interface ApiVersionRange {
  readonly apiKey: number;
  readonly minVersion: number;
  readonly maxVersion: number;
}

/** The `apiKeys` of an ApiVersions response. */
export const apiVersionRanges: readonly ApiVersionRange[] = allApis.map((api) => ({
  apiKey: api.key,
  minVersion: api.versionMin,
  maxVersion: api.versionMax,
}));

/** Decodes the request in `buffer[start, end)`, the frame without its size. Its bytes fields are views of `buffer`. */
export function decodeRequest(buffer: Buffer, start: number, end: number): KafkaRequest {
  const reader = new ByteReader(buffer, start, end);
  const apiKey = reader.int16();
  const version = reader.int16();
  const correlationId = reader.int32();
  const api = apiByKey[apiKey];
  if (api === undefined || !api.supports(version)) {
    // What follows may have any form; the correlation id is all that an answer needs.
    return { name: null, apiKey, version, correlationId, clientId: null, body: null };
  }
  const plans = api.plans(version);
  const clientIdSize = reader.int16();
  const clientId = clientIdSize < 0 ? null : reader.utf8(clientIdSize);
  if (plans.flexible) skipTaggedFields(reader);
  const body = readMessage(plans.request, reader);
  return { name: api.name, apiKey, version, correlationId, clientId, body } as KafkaRequest;
}

/** Appends a whole response frame, its size included. */
export function encodeResponse<N extends ApiName>(
  writer: ByteWriter,
  name: N,
  head: { readonly version: number; readonly correlationId: number },
  body: ResponseInput<N>,
): void {
  const at = writer.reserve(4);
  finishFrame(writer, at, writeResponseHeader(writer, name, head), body);
}

/** The same, yielding after each piece about how many µs it took. The writer must not be used for anything else meanwhile. */
export function* encodeResponseInPieces<N extends ApiName>(
  writer: ByteWriter,
  name: N,
  head: { readonly version: number; readonly correlationId: number },
  body: ResponseInput<N>,
): Generator<number, void, void> {
  const at = writer.reserve(4);
  yield* writeStructInPieces(writeResponseHeader(writer, name, head), body, writer);
  writer.patchUint32(at, writer.length - at - 4);
}

/** Writes what is between size and body; returns the body's plan. */
function writeResponseHeader(
  writer: ByteWriter,
  name: ApiName,
  head: { readonly version: number; readonly correlationId: number },
): Plan {
  const api = apiByName.get(name)!;
  const plans = api.plans(head.version);
  writer.int32(head.correlationId);
  if (plans.flexible && api.key !== apiVersionsKey) writer.uint8(0);
  return plans.response;
}

/** Appends a whole request frame, its size included. */
export function encodeRequest<N extends ApiName>(
  writer: ByteWriter,
  name: N,
  head: { readonly version: number; readonly correlationId: number; readonly clientId: string | null },
  body: RequestInput<N>,
): void {
  const api = apiByName.get(name)!;
  const plans = api.plans(head.version);
  const at = writer.reserve(4);
  writer.int16(api.key).int16(head.version).int32(head.correlationId);
  if (head.clientId === null) writer.int16(-1);
  else writer.int16(Buffer.byteLength(head.clientId)).utf8(head.clientId);
  if (plans.flexible) writer.uint8(0);
  finishFrame(writer, at, plans.request, body);
}

/** Writes the body and then the frame's size. A body that cannot be written leaves nothing behind. */
function finishFrame(writer: ByteWriter, at: number, plan: Plan, body: Struct): void {
  try {
    writeStruct(plan, body, writer);
  } catch (error) {
    writer.length = at;
    throw error;
  }
  writer.patchUint32(at, writer.length - at - 4);
}

/** Decodes the response in `buffer[start, end)`, the frame without its size. */
export function decodeResponse<N extends ApiName>(
  buffer: Buffer,
  start: number,
  end: number,
  name: N,
  version: number,
): { correlationId: number; body: ResponseBody<N> } {
  const api = apiByName.get(name)!;
  const plans = api.plans(version);
  const reader = new ByteReader(buffer, start, end);
  const correlationId = reader.int32();
  if (plans.flexible && api.key !== apiVersionsKey) skipTaggedFields(reader);
  return { correlationId, body: readMessage(plans.response, reader, Infinity) as ResponseBody<N> };
}
