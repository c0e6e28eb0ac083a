"""Each module has a test of its name, in the folder of its package."""

from __future__ import annotations

from pathlib import Path

from ostoo_build.base import layout

PACKAGE = Path(layout.__file__).parents[1]
TESTS = Path(__file__).parent
SERVER = ("adopting", "client", "code_state", "handover", "launching", "memory", "request", "wire")
DOCTOR = ("of_cache", "of_files", "of_project", "of_toolchain", "subject", "verdict")
NO_TEST = {
    "adoption/templates.py",  # texts alone
    "fetch/places.py",  # names alone
    "invocation/invocation.py",  # fields alone
    "invocation/options.py",  # likewise
    "reapi/layout.py",  # likewise
    "rules/progress.py",  # likewise
    "reapi/remote_execution_pb2.py",  # protoc writes it
}
TESTED_WITH = {
    # a virtual machine, a terminal or a compiler is all that they deal with
    "adoption/describe.py": "../e2e/test_init_real.py",
    "adoption/starter.py": "../e2e/test_init_real.py",
    "adoption/survey.py": "../e2e/test_init_real.py",
    "boot/guest.py": "../e2e/test_boot_real.py",
    "cli/locked_engine.py": "../e2e/test_boot_real.py",
    "cli/server.py": "../e2e/test_server_real.py",
    "cli/verbs.py": "cli/test_main.py",
    "query/affected.py": "../e2e/test_affected_real.py",
    "query/common_reads.py": "../e2e/test_affected_real.py",
    "query/facts.py": "../e2e/test_query_cargo_real.py",
    "query/program_reads.py": "query/test_affected_model.py",
    "cli/boot_image.py": "../e2e/test_boot_real.py",
    "cli/examples.py": "cli/test_command_line.py",
    "cli/init.py": "../e2e/test_init_real.py",
    "cli/new.py": "../e2e/test_new_program_real.py",
    "cli/test.py": "../e2e/test_test_real.py",
    "rules/hidden_asm.py": "../e2e/test_asm_inputs_real.py",
    "rules/reports.py": "../e2e/test_reports_real.py",
    # rules that are tried by the programs that break them, through the check that calls all of them
    "loader/code_rules.py": "loader/test_check.py",
    "loader/file_rules.py": "loader/test_check.py",
    "loader/rule.py": "loader/test_check.py",
    # one part of what is tested as a whole, with the same inputs
    "planning/alone.py": "../e2e/test_plan_together_real.py",
    "planning/answers.py": "planning/test_workspace.py",
    "planning/graph_node.py": "planning/test_plan.py",
    "planning/plan_context.py": "planning/test_plan.py",
    "size/parts.py": "size/test_report.py",
    "target/compiler.py": "target/test_spec.py",
    "target/findings.py": "target/test_spec.py",
    "target/schema.py": "target/test_spec.py",
    # the two ends of a conversation
    **{f"server/{name}.py": "server/test_serving.py" for name in SERVER},
    # one kind of the things that another module chooses from, and that all pass the same tests
    "sysroot/debian.py": "sysroot/test_providers.py",
    "sysroot/image/blobs.py": "sysroot/image/test_archive.py",
    "sysroot/rustup.py": "sysroot/test_providers.py",
    "sysroot/zig.py": "fetch/test_ziglang.py",
    "toolchain/debian.py": "toolchain/test_provide.py",
    # whatever happens to a checkout: no single case says as much
    "actions/learned.py": "actions/test_record.py",
    "planning/unit_name.py": "why/test_answers.py",
    "rebuild/rehearsal.py": "rules/test_model.py",
    "rules/program_link.py": "rules/test_model.py",
    "rules/program_parts.py": "why/test_why_model.py",
    "rules/whole_program.py": "rules/test_model.py",
    "why/about_files.py": "why/test_answers.py",
    "why/about_programs.py": "why/test_answers.py",
    "why/about_units.py": "why/test_answers.py",
    "why/history.py": "why/test_answers.py",
    "why/texts.py": "why/test_answers.py",
    "cli/why.py": "../e2e/test_why_real.py",
    "check/cargo_messages.py": "check/test_results.py",
    "check/forms.py": "check/test_results.py",
    "check/sarif.py": "check/test_results.py",
    "cli/doc.py": "../e2e/test_doc_real.py",
    "rules/docs.py": "../e2e/test_doc_real.py",
    "planning/doc_flags.py": "../e2e/test_doc_real.py",
    # what they look at is a whole set-up, which has to be broken
    **{f"doctor/{name}.py": "../e2e/test_doctor_real.py" for name in DOCTOR},
    "cli/fix.py": "../e2e/test_fix_real.py",
    "cli/fmt.py": "../e2e/test_fmt_real.py",
    "cli/messages.py": "../e2e/test_check_real.py",
    "cli/check.py": "../e2e/test_check_real.py",
    "cli/ide.py": "../e2e/test_ide_real.py",
    "ide/host_std.py": "ide/test_crate_graph.py",
    "ide/project.py": "ide/test_crate_graph.py",
    "ide/runnables.py": "ide/test_crate_graph.py",
    "rules/part_nodes.py": "../e2e/test_check_real.py",
    "cli/query.py": "../e2e/test_query_real.py",
    "query/outputs.py": "query/test_evaluation.py",
}
"""What only works together with others, or with real tools, and the tests of both."""


def test_each_module_has_a_test_of_its_name_or_one_that_is_named_here() -> None:
    modules = {path.relative_to(PACKAGE) for path in PACKAGE.rglob("*.py") if path.stem not in ("__init__", "__main__")}
    assert len(modules) > 100
    without = {path.as_posix() for path in modules if not (TESTS / path.parent / f"test_{path.name}").is_file()}
    assert without == {*NO_TEST, *TESTED_WITH}
    assert [name for name in TESTED_WITH.values() if not (TESTS / name).is_file()] == []


def test_each_test_of_a_package_is_named_after_a_module_or_tells_what_it_is_about() -> None:
    tests = [path.relative_to(TESTS) for path in TESTS.rglob("*/test_*.py")]
    others = {path for path in tests if not (PACKAGE / path.parent / path.name.removeprefix("test_")).is_file()}
    texts = {path: (TESTS / path).read_text(encoding="utf-8") for path in others}
    assert {path.as_posix() for path, text in texts.items() if not text.startswith('"""')} == set()
