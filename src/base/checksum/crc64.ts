/** CRC-64 as redis has it (Jones' polynomial, reflected): of DUMP's payloads. Of "123456789" it is e9c6d914c4b8d9ca. */
const polynomial = 0x95ac9329ac4bc9b5n;
let table: BigUint64Array | undefined;

function makeTable(): BigUint64Array {
  const made = new BigUint64Array(256);
  for (let byte = 0; byte < 256; byte++) {
    let sum = BigInt(byte);
    for (let bit = 0; bit < 8; bit++) sum = (sum & 1n) === 1n ? (sum >> 1n) ^ polynomial : sum >> 1n;
    made[byte] = sum;
  }
  return made;
}

export function crc64(bytes: Uint8Array): bigint {
  table ??= makeTable();
  let sum = 0n;
  for (const byte of bytes) sum = table[Number(sum & 0xffn) ^ byte]! ^ (sum >> 8n);
  return sum;
}
