"""What ./sconsw starts: SCons, unless it is known to have nothing to do.

It runs without the `site` module, which takes as long as the look at all files.
"""

from __future__ import annotations

import os
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))  # noqa: PTH100, PTH120 - pathlib takes longer
sys.path.insert(0, f"{ROOT}/site_scons")

from ostoo_build.base import streams  # noqa: E402 - found only by the path that is set above
from ostoo_build.start import null_build  # noqa: E402 - likewise


def main() -> None:
    streams.take()
    null_build.question = null_build.ask(sys.argv[1:])
    names = null_build.targets(ROOT, null_build.question)
    if names is not None:
        _say("".join(f"scons: `{name}' is up to date.\n" for name in names))  # in SCons' words
        return
    import runpy  # noqa: PLC0415 - only where there may be work
    import site  # noqa: PLC0415 - likewise

    site.main()
    from ostoo_build.base import deferred  # noqa: PLC0415 - likewise
    from ostoo_build.base.errors import told  # noqa: PLC0415 - likewise

    sys.argv.insert(1, "-Q")
    try:
        runpy.run_module("SCons", run_name="__main__", alter_sys=True)
    except Exception as error:  # of SCons' own modules: all else it tells itself
        message = told(error)
        if message is None:
            raise
        sys.exit(_complain(f"{message}\n"))
    finally:
        deferred.run()


def _say(text: str) -> None:
    try:  # noqa: SIM105 - contextlib takes long to be loaded
        print(text, end="")  # noqa: T201 - a program's border
    except OSError:
        pass
    said = streams.complaint()
    if said:
        os._exit(_complain(said))  # Python would try once more


def _complain(text: str) -> int:
    print(text, end="", file=sys.stderr, flush=True)  # noqa: T201 - likewise
    return 2


main()
