# Sourced by sconsw and ostoo, which set $root and $requirements: makes $root/.venv hold these packages, and
# sets $python. Where $only_looks is set to true it makes nothing: $python is one that starts, with or without packages.
# No Python starts here as long as the copies that were installed from equal the files.
# shellcheck shell=sh disable=SC2154,SC3045 # who sources it sets these; dash and bash know `ulimit -S`

line_break='
'
case $root in
    *:* | *"$line_break"*)
        echo "error: the project's path has a colon or a line break in it, which separate paths elsewhere: $root" >&2
        echo '  help: rename the folder' >&2
        exit 2
        ;;
esac

# where the stack is tiny Python ends with a signal while it imports
if [ -r /proc/self/limits ]; then
    while read -r first second _ soft _; do
        [ "$first $second" = 'Max stack' ] && break
    done </proc/self/limits
    if [ "$soft" != unlimited ] && [ "$soft" -lt 262144 ] &&
        ! { ulimit -S -s 8192 || ulimit -S -s 1024 || ulimit -S -s 256; } 2>/dev/null; then
        echo "error: the stack is limited to $((soft / 1024)) KiB here (ulimit -s), less than Python needs" >&2
        echo '  help: allow 256 KiB at least; 8192 is usual' >&2
        exit 2
    fi
fi

python=$root/.venv/bin/python
# without its compiled modules Python takes twice as long for a build that has nothing to do
unset PYTHONDONTWRITEBYTECODE
fresh=true
[ -x "$python" ] || fresh=false
for file in $requirements; do
    # a pipe would keep cmp waiting
    [ -f "$root/$file" ] && [ -f "$root/.venv/$file" ] && cmp -s "$root/$file" "$root/.venv/$file" || fresh=false
done

only_looks=${only_looks:-false}
$only_looks && ! "$python" -c '' 2>/dev/null && fresh=false

if ! $fresh; then
    newer='import sys; sys.exit(sys.version_info < (3, 11))'
    found=
    for name in python3 python3.14 python3.13 python3.12 python3.11 python; do
        if "$name" -c "$newer" 2>/dev/null; then
            found=$name
            break
        fi
    done
    if [ -z "$found" ]; then
        echo "error: this build needs Python 3.11 or newer; python3 here is: $(python3 --version 2>&1 || :)" >&2
        echo '  help: install a newer python3, or put its folder first on PATH' >&2
        exit 2
    fi
    if $only_looks; then
        "$python" -c '' 2>/dev/null || python=$found
    else
        # shellcheck disable=SC2086 # the files' names are our own, and separate words
        PYTHONPATH=$root/site_scons "$found" -P -m ostoo_build.start.bootstrap "$root" $requirements
    fi
fi
