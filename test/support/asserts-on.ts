/**
 * Turns the asserts of the sources on (src/base/assert.ts), here and in processes that are started from here. Import it
 * before anything of `src`: modules are evaluated in the order of their imports.
 */
process.env["TROIKAMQ_ASSERTS"] = "1";
