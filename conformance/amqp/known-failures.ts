/**
 * The tests that do not pass, by suite and name, each with its reason. One that is named here and passes is an error of the run, so
 * that the list stays true.
 */
export const knownFailures: Readonly<Record<string, Readonly<Record<string, string>>>> = {};
