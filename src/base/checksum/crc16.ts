/** CRC-16/XMODEM (polynomial 0x1021, from 0, not reflected), by which Redis Cluster finds the slot of a key. */

const table = new Uint16Array(256);
for (let byte = 0; byte < 256; byte++) {
  let value = byte << 8;
  for (let bit = 0; bit < 8; bit++) value = (value & 0x8000) === 0 ? value << 1 : (value << 1) ^ 0x1021;
  table[byte] = value;
}

export function crc16(bytes: Uint8Array, start: number, end: number): number {
  let crc = 0;
  for (let at = start; at < end; at++) crc = ((crc << 8) & 0xffff) ^ table[(crc >> 8) ^ bytes[at]!]!;
  return crc;
}
