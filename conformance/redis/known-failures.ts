/**
 * The tests of Redis's suite that fail here, each with its reason. A test that is named here and passes is an error of
 * the run, so that the list stays true.
 */
export const knownFailures: Readonly<Record<string, Readonly<Record<string, string>>>> = {};
