/** `troikamq completion bash|zsh|fish`: prints the script that completes commands, options and their values in that shell. */
import { Argument, type Command } from "commander";
import { scripts, type Shell } from "../complete/scripts.ts";
import { completionTree } from "../complete/tree.ts";
import { examples } from "../session.ts";

export function defineCompletion(command: Command): void {
  command
    .addArgument(new Argument("<shell>", "the shell").choices(Object.keys(scripts)))
    .addHelpText(
      "after",
      examples(
        "bash:  troikamq completion bash > ~/.local/share/bash-completion/completions/troikamq",
        "zsh:   troikamq completion zsh > ~/.zfunc/_troikamq    (with ~/.zfunc in fpath, before compinit)",
        "fish:  troikamq completion fish > ~/.config/fish/completions/troikamq.fish",
      ),
    )
    .action(async (shell: Shell) => {
      process.stdout.write(scripts[shell](await completionTree()));
    });
}
