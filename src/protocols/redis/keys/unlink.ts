/** UNLINK key [key ...]: as DEL, for removing is quick here in any case. */
export { deleteKeys as unlink } from "./del.ts";
