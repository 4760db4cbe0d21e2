"""The program and each of its commands explain themselves in English and in Chinese."""
import re

from harness import check, finish, program, run, told

COMMANDS = {"chat", "inspect", "tokenize", "logits", "render", "eval", "bench", "key", "backup", "restore"}
CHINESE = re.compile("[\u4e00-\u9fff]")


def help_text(language, *arguments):
    result = run(*arguments, LC_ALL=language)
    check(result.returncode == 0 and not result.stderr, f"{arguments} {language}: {told(result)}")
    return result.stdout.decode()


def main():
    program()
    for ask in ("--help", "-h", "help"):
        listed = set(re.findall(r"^  (\w+) ", help_text("C.UTF-8", ask), re.M))
        check(COMMANDS <= listed, f"aloud {ask} lists {sorted(listed)}; missing: {sorted(COMMANDS - listed)}")
    check(CHINESE.search(help_text("zh_CN.UTF-8", "--help")), "aloud --help is not Chinese where the locale is")
    for command in sorted(listed) + ["bench serve"]:
        english, chinese = (help_text(language, *command.split(), "--help") for language in ("C.UTF-8", "zh_CN.UTF-8"))
        check(not CHINESE.search(english), f"aloud {command} --help: Chinese in the English text")
        options = set(re.findall(r"--[a-z][a-z-]*", english))
        check("--help" in options, f"aloud {command} --help does not name itself")
        check(options == set(re.findall(r"--[a-z][a-z-]*", chinese)), f"aloud {command}: other options in Chinese")
        # The description stands beside the option or, after a long one, on the lines below it.
        for block in re.split(r"\n(?=  -)", chinese)[1:]:
            check(CHINESE.search(block.split("\n\n")[0]), f"aloud {command} --help: not Chinese: {block.strip()!r}")
    no_command = run()
    check(no_command.returncode == 2 and not no_command.stdout and b"chat" in no_command.stderr,
          f"without a command: {told(no_command)}")
    finish()


main()
