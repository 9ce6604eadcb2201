/** TOUCH key [key ...]: as EXISTS; when a key was used last is not kept. */
export { exists as touch } from "./exists.ts";
