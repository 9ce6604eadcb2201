/**
 * Positions as redis has them: longitude and latitude, interleaved into 52 bits that are a score, and distances on a sphere.
 *
 * A cell is a square of a grid of 2^step by 2^step over the world (up to 85 degrees north and south); its bits are those of its column
 * and row in turns, column first. A score is the cell of step 26.
 * Not here: which cells a search looks at (cells.ts). Pure. Invariant: a position outside of the limits is never encoded.
 */
const longitudeMax = 180;
/** Where a square map of the world ends. */
const latitudeMax = 85.05112878;
/** Of a geohash as others write it. */
const wholeLatitude = 90;
export const stepMax = 26;
const earthRadius = 6372797.560856;
const radians = Math.PI / 180;

export interface Position {
  readonly longitude: number;
  readonly latitude: number;
}

export interface Cell {
  readonly column: number;
  readonly row: number;
  readonly step: number;
}

/** South-west and north-east corner. */
export interface Area {
  readonly west: number;
  readonly south: number;
  readonly east: number;
  readonly north: number;
}

export function isValid({ longitude, latitude }: Position): boolean {
  return Math.abs(longitude) <= longitudeMax && Math.abs(latitude) <= latitudeMax;
}

/** The cell that a position is in. `latitudeLimit` is where its grid ends. */
export function cellOf({ longitude, latitude }: Position, step: number, latitudeLimit = latitudeMax): Cell {
  const cells = 2 ** step;
  return {
    column: Math.floor(((longitude + longitudeMax) / (2 * longitudeMax)) * cells),
    row: Math.floor(((latitude + latitudeLimit) / (2 * latitudeLimit)) * cells),
    step,
  };
}

/** Every bit of 16 goes to twice its place. */
function spread(bits: number): number {
  let value = bits & 0xffff;
  value = (value | (value << 8)) & 0x00ff00ff;
  value = (value | (value << 4)) & 0x0f0f0f0f;
  value = (value | (value << 2)) & 0x33333333;
  return (value | (value << 1)) & 0x55555555;
}

function gather(bits: number): number {
  let value = bits & 0x55555555;
  value = (value | (value >>> 1)) & 0x33333333;
  value = (value | (value >>> 2)) & 0x0f0f0f0f;
  value = (value | (value >>> 4)) & 0x00ff00ff;
  return (value | (value >>> 8)) & 0xffff;
}

const half = 2 ** 32;

/** The bits of a cell, as a number of up to 54 bits. */
function bitsOf({ column, row }: Cell): number {
  const low = (spread(row) | (spread(column) << 1)) >>> 0;
  const high = (spread(row >>> 16) | (spread(column >>> 16) << 1)) >>> 0;
  return high * half + low;
}

export function scoreOf(position: Position): number {
  return bitsOf(cellOf(position, stepMax));
}

/** The least score of a position in the cell, and the least beyond it. */
export function scoresOf(cell: Cell): readonly [from: number, beyond: number] {
  const scale = 2 ** (2 * (stepMax - cell.step));
  const bits = bitsOf(cell);
  return [bits * scale, (bits + 1) * scale];
}

export function areaOf({ column, row, step }: Cell): Area {
  const cells = 2 ** step;
  const at = (limit: number, place: number): number => -limit + (place / cells) * (2 * limit);
  return {
    west: at(longitudeMax, column),
    east: at(longitudeMax, column + 1),
    south: at(latitudeMax, row),
    north: at(latitudeMax, row + 1),
  };
}

/** The middle of the cell that a score is. Of a score that is none, what the bits of its whole part say. */
export function positionOf(score: number): Position {
  const whole = Number.isFinite(score) ? Math.trunc(Math.abs(score)) : 0;
  const low = whole % half;
  const high = Math.floor(whole / half) % half;
  const area = areaOf({
    row: gather(low) | (gather(high) << 16),
    column: gather(low >>> 1) | (gather(high >>> 1) << 16),
    step: stepMax,
  });
  return {
    longitude: within((area.west + area.east) / 2, longitudeMax),
    latitude: within((area.south + area.north) / 2, latitudeMax),
  };
}

function within(degrees: number, limit: number): number {
  return Math.min(Math.max(degrees, -limit), limit);
}

export function latitudeDistance(one: number, other: number): number {
  return earthRadius * Math.abs(other * radians - one * radians);
}

/** In meters, by the haversine formula. */
export function distanceOf(one: Position, other: Position): number {
  const v = Math.sin((other.longitude * radians - one.longitude * radians) / 2);
  if (v === 0) return latitudeDistance(one.latitude, other.latitude);
  const from = one.latitude * radians;
  const to = other.latitude * radians;
  const u = Math.sin((to - from) / 2);
  return 2 * earthRadius * Math.asin(Math.sqrt(u * u + Math.cos(from) * Math.cos(to) * v * v));
}

/** What is within so many meters of a position, by latitude and longitude: on the side of the nearer pole. */
export function boundsAround({ longitude, latitude }: Position, width: number, height: number): Area {
  const latitudes = height / earthRadius / radians;
  const edge = latitude < 0 ? latitude - latitudes : latitude + latitudes;
  const longitudes = width / earthRadius / Math.cos(edge * radians) / radians;
  return {
    west: longitude - longitudes,
    east: longitude + longitudes,
    south: latitude - latitudes,
    north: latitude + latitudes,
  };
}

const alphabet = "0123456789bcdefghjkmnpqrstuvwxyz";
const textLength = 11;

/** A geohash as others write it, on a grid that reaches to the poles. There are bits for ten letters; the last one is "0". */
export function geohashOf(score: number): string {
  let bits = bitsOf(cellOf(positionOf(score), stepMax, wholeLatitude));
  // 52 bits are ten times 5, and 2 more.
  bits = Math.floor(bits / 4);
  let text = "";
  for (let i = 0; i < textLength - 1; i++) {
    text = alphabet[bits % 32]! + text;
    bits = Math.floor(bits / 32);
  }
  return `${text}0`;
}
