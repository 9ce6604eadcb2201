/**
 * What a message carries, so that its receiver can tell whether one is missing and how long it took. 16 bytes, the
 * smallest payload of the bench; larger ones are filled up.
 *
 *     payload := sequence:u32 source:u32 time:f64 filler     (little-endian; time is performance.now() of the generator)
 *
 * Invariant: a source counts its messages from 0 without a gap.
 */
export const payloadHeaderBytes = 16;
export const sourceOffset = 4;
export const timeOffset = 8;

export interface PayloadHeader {
  readonly sequence: number;
  readonly source: number;
  readonly timeMs: number;
}

export function writePayloadHeader(view: DataView, at: number, header: PayloadHeader): void {
  view.setUint32(at, header.sequence, true);
  view.setUint32(at + sourceOffset, header.source, true);
  view.setFloat64(at + timeOffset, header.timeMs, true);
}
