/**
 * Whose end is the broker's end: the shell of `npm start` or `npx`. npm hands SIGTERM to that shell only, which dies of
 * it and leaves what it ran. Plain JavaScript for Node >= 18, as runtime.js. Not here: what is done then.
 *
 * Any other parent may end as it likes: a terminal, a script, `nohup`, `setsid`, a supervisor. So may a shell that was
 * told to leave something running (`troikamq start &`).
 */
import { readFileSync } from "node:fs";

/** Looked at where nothing tells of a parent's end: once in a while, and only below npm. */
const lookMs = 250;

/** The parent and the session of a process, or undefined where there is no /proc. */
function familyOf(pid) {
  try {
    // "PID (COMMAND) STATE PARENT GROUP SESSION …", and a command may have blanks and parentheses.
    const text = readFileSync(`/proc/${pid}/stat`, "latin1");
    const [, parent, , session] = text.slice(text.lastIndexOf(")") + 2).split(" ");
    return { parent: Number(parent), session };
  } catch {
    return undefined;
  }
}

/** Whether a shell's words run one program after the other and wait for each. */
export function isWaitingShell(words) {
  const [shell = "", flag, text = ""] = words;
  if (!/(?:^|\/)(?:sh|ash|dash|bash)$/.test(shell) || flag !== "-c") return false;
  return !text
    .replaceAll("&&", "")
    .replaceAll(/[0-9]?>&[0-9]/g, "")
    .includes("&");
}

/** `[shell, npm]`, whose end is the broker's, or undefined. */
export function npmParents(environment) {
  if (environment.npm_command === undefined && environment.npm_lifecycle_event === undefined)
    return undefined;
  const own = familyOf(process.pid);
  const shell = own && familyOf(own.parent);
  const npm = shell && familyOf(shell.parent);
  // In a session of its own (`setsid`, `detached`) it was meant to outlive them.
  if (npm === undefined || npm.session !== own.session || shell.session !== own.session) return undefined;
  try {
    const words = readFileSync(`/proc/${own.parent}/cmdline`, "utf8").split("\0");
    return isWaitingShell(words) ? [own.parent, shell.parent] : undefined;
  } catch {
    return undefined;
  }
}

/** Calls `gone` once, when one of `parents` is no longer there. */
export function watchParents([shell, npm], gone) {
  const timer = setInterval(() => {
    if (process.ppid === shell && familyOf(shell)?.parent === npm) return;
    clearInterval(timer);
    gone();
  }, lookMs);
  timer.unref();
}
