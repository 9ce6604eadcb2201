/**
 * The numbers of AMQP 0-9-1's framing (spec 2.3.5, 4.2.3). Reply codes are the session's.
 *
 *   frame = type:u8 channel:u16 size:u32 payload end:0xCE
 */
export const frameType = { method: 1, header: 2, body: 3, heartbeat: 8 } as const;

export const frameEnd = 0xce;
export const frameHeadBytes = 7;
/** What a frame takes besides its payload. */
export const frameOverheadBytes = frameHeadBytes + 1;
/** The least frame-max that a peer may ask for (spec 4.2.3, constant frame-min-size). */
export const frameMaxMin = 4096;

export const basicClassId = 60;
