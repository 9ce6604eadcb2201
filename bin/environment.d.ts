/** The environment of the broker's process, whose own is `own`. */
export function runtimeEnvironment(own?: NodeJS.ProcessEnv): NodeJS.ProcessEnv;
