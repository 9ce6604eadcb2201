/**
 * How large an LZ4 frame becomes, found without decompressing it: the decompressor has no bound of its own.
 *
 *     frame     04 22 4d 18, flags, block size code, [int64 content size], [int32 dictionary id], header checksum, blocks
 *     block     little-endian int32 size (high bit: stored as is; 0: end of frame), bytes, [int32 checksum]
 *     sequence  token (4 bits literal length, 4 bits match length), [length bytes], literals, offset (2), [length bytes]
 *     A length of 15 goes on in further bytes, up to and including the first below 255. Matches are 4 bytes longer.
 *
 * Invariant: never less than the true size of a sound frame; broken frames are left for the decompressor to refuse.
 */
const frameMagic = 0x184d2204;
/** No byte of a compressed block stands for more than this many. */
const expansionMax = 255;

/** The exact size, or an upper bound if that is within `enough` (which takes no look into the blocks). */
export function lz4FrameSize(bytes: Uint8Array, enough: number): number {
  const bound = sumBlocks(bytes, boundOfBlock);
  return bound <= enough ? bound : sumBlocks(bytes, sizeOfBlock);
}

function sumBlocks(
  bytes: Uint8Array,
  sizeOf: (bytes: Uint8Array, start: number, end: number) => number,
): number {
  if (bytes.length < 7 || uint32At(bytes, 0) !== frameMagic) return 0;
  const flags = bytes[4]!;
  const blockChecksum = (flags & 0x10) !== 0 ? 4 : 0;
  let at = 7 + ((flags & 0x08) !== 0 ? 8 : 0) + ((flags & 0x01) !== 0 ? 4 : 0);
  let total = 0;
  while (at + 4 <= bytes.length) {
    const field = uint32At(bytes, at);
    if (field === 0) break;
    const size = field & 0x7fff_ffff;
    const end = Math.min(at + 4 + size, bytes.length);
    total += field > 0x7fff_ffff ? size : sizeOf(bytes, at + 4, end);
    at = end + blockChecksum;
  }
  return total;
}

function boundOfBlock(_bytes: Uint8Array, start: number, end: number): number {
  return (end - start) * expansionMax;
}

function sizeOfBlock(bytes: Uint8Array, start: number, end: number): number {
  let total = 0;
  let at = start;
  while (at < end) {
    const token = bytes[at++]!;
    let literals = token >>> 4;
    if (literals === 15) {
      let more = 255;
      while (more === 255 && at < end) literals += more = bytes[at++]!;
    }
    total += literals;
    at += literals;
    // The last sequence ends with its literals.
    if (at >= end) break;
    at += 2;
    let match = (token & 0x0f) + 4;
    if (match === 19) {
      let more = 255;
      while (more === 255 && at < end) match += more = bytes[at++]!;
    }
    total += match;
  }
  return total;
}

function uint32At(bytes: Uint8Array, at: number): number {
  return (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)) >>> 0;
}
