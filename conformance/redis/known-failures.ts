/**
 * The tests of Redis's suite that do not pass here, by unit and name, each with its reason. One that is named here and passes is
 * an error of the run, so that the list stays true.
 */
const orderOfLargeHash =
  "the order of fields: a hash of more than 4 KiB is a table here whatever hash-max-listpack-value says, and redis " +
  "keeps the order of fields only in its listpack";

const watchOfClients =
  "a client's line has `watch=`, as in redis 7.4; the suite compares the whole line of 7.0";

export const knownFailures: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  "unit/type/string": {
    "trim on SET with big value": "it is run only where INFO names jemalloc as the allocator",
  },
  "unit/type/hash": {
    "Hash ziplist of various encodings": orderOfLargeHash,
    "Hash ziplist of various encodings - sanitize dump": orderOfLargeHash,
  },
  "unit/bitops": {
    "SETBIT/BITFIELD only increase dirty when the value changed":
      "rdb_changes_since_last_save is always 0: each change is in the journal before its reply",
  },
  "unit/dump": {
    "RESTORE fail with invalid payload size":
      "Debian's redis-server fails it too: the payload's checksum is wrong, and is looked at before its size",
  },
  "unit/introspection": {
    "CLIENT LIST": watchOfClients,
    "CLIENT INFO": watchOfClients,
  },
  "unit/scripting": {
    "Timedout read-only scripts can be killed by SCRIPT KILL even when use pcall":
      "a script within pcall cannot be interrupted: it is ended after twice its time, where redis answers BUSY until it is killed (ADR 20)",
    "EVAL - Scripts can't run XREAD and XREADGROUP with BLOCK option":
      "as in redis 7.4 they may: a read that finds nothing replies at once",
  },
};
