/**
 * Times that people write: `2026-01-31T12:00Z`, with a zone or without one, which is UTC then, wherever the broker and the reader are.
 *
 * Pure. Not here: unix milliseconds, offsets and words, which their readers look for first.
 */

/** A date, with a time behind it or not; what is behind that is the zone. */
const written = /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d(?:\.\d+)?)?)(Z|[+-]\d\d:?\d\d)?)?$/i;

/** In unix ms; NaN: it is no time. */
export function writtenTimeMs(text: string): number {
  const found = written.exec(text.trim());
  if (found === null) return NaN;
  const [, date, time = "00:00", zone = "Z"] = found;
  const offset = /^[+-]\d{4}$/.test(zone) ? `${zone.slice(0, 3)}:${zone.slice(3)}` : zone.toUpperCase();
  return Date.parse(`${date}T${time}${offset}`);
}
