/** A password from a file or stdin, since other users of the machine can read a command line. */
import fs from "node:fs";
import { CliFault } from "./fault.ts";

export const passwordWays =
  "give it by --password-file FILE, whose first line it is, or on stdin: printf %s PASSWORD | troikamq ...";

/** The first line of the file; `-` is stdin. @throws CliFault */
export function passwordIn(file: string): string {
  let text: string;
  try {
    text = fs.readFileSync(file === "-" ? 0 : file, "utf8");
  } catch (error) {
    throw new CliFault("usage", `the password cannot be read: ${(error as Error).message}`);
  }
  const password = text.split(/\r?\n/, 1)[0]!;
  if (password === "") throw new CliFault("usage", `the password is empty: ${passwordWays}`);
  return password;
}
