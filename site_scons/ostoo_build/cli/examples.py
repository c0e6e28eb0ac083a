"""Shows how each verb of `ostoo` is used, for its help and the man page."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:  # loading `typing` takes a part of a completion
    from collections.abc import Mapping

_USER = "target=riscv64-ostoo-user"

OF_VERBS: Mapping[str, Mapping[str, str]] = {
    "build": {
        "build": "build all programs",
        "build hello-std profile=dev": "build one, for debugging",
        f"build hello-std {_USER} -k": "for another target, and go on after an error",
        "build -H": "show all options of scons",
    },
    "clean": {"clean": "remove what was built", "clean hello-std": "remove one program"},
    "init": {"init": "describe the repository around here", "init my-os": "begin one in a new folder"},
    "new": {"new greet": "a program without std", "new greet --std": "one with all of std"},
    "why": {
        "why hello-rs": "say why the last build made it, or did not",
        "why user-rs/rt/src/bump.rs --json": "say what an edit of a file did",
    },
    "why-miss": {"why-miss . ../other": "compare the last builds of two checkouts"},
    "query": {
        "query 'somepath(hello-std, libc)'": "say why a program needs a crate",
        "query 'rdeps(libc)' --output dot": "draw what needs it",
    },
    "affected": {
        "affected origin/main...HEAD": "list what a branch changes",
        "affected user-rs/rt/src/bump.rs --output label": "list what an edit of a file reaches, by name",
    },
    "graph": {"graph": "write a page about all programs", "graph hello-std": "about one"},
    "tree": {"tree hello-std": "show what it is made of", f"tree hello-std {_USER}": "for another target"},
    "ide": {
        "ide hello-std": "describe a program for rust-analyzer",
        "ide --settings vscode": "let an editor ask for it",
    },
    "check": {
        "check hello-std": "check one program",
        "check --all -k --message-format sarif": "check all, for a code scanner",
    },
    "clippy": {
        "clippy hello-std": "look at one program",
        "clippy --all -- -D warnings": "let each warning be an error",
    },
    "fix": {"fix hello-std": "apply what the compiler suggests", "fix --all --allow-dirty": "with changes in git"},
    "fmt": {"fmt": "format all crates", "fmt --check": "show what is not formatted"},
    "doc": {"doc hello-std --open": "document it, and show it in a browser"},
    "watch": {
        "watch hello-std": "build it after each change",
        "watch hello-std profile=dev --run -- one two": "and run it with two arguments",
    },
    "run": {
        "run hello-std -- one two": "run it with two arguments",
        f"run hello-std {_USER}": "run it in QEMU",
        "run hello-std --syscalls": "list its system calls",
    },
    "gdb": {"gdb hello-std -- one two": "debug it with two arguments"},
    "addr2line": {"addr2line hello-std 0x20512a": "show the source line of a fault"},
    "boot": {
        "boot hello-rs hello-std": "run two programs on Linux",
        "boot hello-rs kernel=ostoo:kernel.bin": "on a kernel of your own",
    },
    "test": {
        "test hello-std": "run all tests",
        "test hello-std a_map --include-ignored": "run those whose names contain a word",
        "test hello-rs --boot --junit results.xml": "run them on a kernel, and write the results to a file",
    },
    "stack": {"stack hello-std profile=size": "show its deepest chain of calls"},
    "size": {
        "size hello-std": "show crates, sections and functions",
        "size hello-std --compare": "show what grew since the last build",
    },
    "server": {"server status": "show what serves this project", "server stop": "end it"},
    "doctor": {
        "doctor": "check everything",
        "doctor remote_cache=grpc://localhost:9092": "check a server of the team",
    },
    "config": {
        "config": "show all settings",
        "config unstable.build-std profile=dev --json": "show one and what is below it, with a variable set",
    },
    "completion": {
        "completion bash > ~/.local/share/bash-completion/completions/ostoo": "for bash",
        "completion zsh > ~/.zfunc/_ostoo": "for zsh, if ~/.zfunc is in fpath",
        "completion fish > ~/.config/fish/completions/ostoo.fish": "for fish",
    },
    "man": {"man | man -l -": "read it"},
    "cache": {"cache stats": "show its size", "cache gc --size 5GiB": "make it smaller"},
}
"""The words after `ostoo` by verb, each with what it does."""


def text(verb: str) -> str:
    """Return the examples of a verb as help shows them; empty if it has none."""
    shown = OF_VERBS.get(verb, {})
    width = max(map(len, shown), default=0)
    lines = (f"  ostoo {words.ljust(width)}  {what}\n" for words, what in shown.items())
    return f"examples:\n{''.join(lines)}" if shown else ""
