/** How many times as much random work the storage's tests do: `THOROUGH=n`, which CI sets; 1 is for who waits for it. */
export const thorough = Number(process.env["THOROUGH"] ?? 1);
