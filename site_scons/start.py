"""What ./sconsw starts: SCons, unless it is known to have nothing to do.

It runs without the `site` module, which takes as long as the look at all files.
"""

from __future__ import annotations

import os
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))  # noqa: PTH100, PTH120 - pathlib takes longer
sys.path.insert(0, f"{ROOT}/site_scons")

from ostoo_build import null_build  # noqa: E402 - found only by the path that is set above


def main() -> None:
    null_build.question = null_build.ask(sys.argv[1:])
    names = null_build.targets(ROOT, null_build.question)
    if names is not None:
        for name in names:
            print(f"scons: `{name}' is up to date.")  # noqa: T201 - in SCons' words
        return
    import runpy  # noqa: PLC0415 - only where there may be work
    import site  # noqa: PLC0415 - likewise

    site.main()
    sys.argv.insert(1, "-Q")
    runpy.run_module("SCons", run_name="__main__", alter_sys=True)


main()
