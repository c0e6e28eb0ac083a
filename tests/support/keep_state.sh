#!/usr/bin/env bash
# Keeps what a commit's build of hello-rs leaves, for tests/e2e/test_other_versions.py: tests/support/keep_state.sh COMMIT
# All that it may name lies at the same neutral paths on each machine. Large files, whose contents say nothing about the
# form of state, are left out. The commit has to have the requirements.txt of this checkout.
set -euo pipefail
cd "$(dirname "$0")/../.."

commit=$1
project=$PWD
scratch=$(mktemp --directory)
trap 'git worktree remove --force "$scratch/os"; rm -rf "$scratch"' EXIT
git worktree add --quiet --detach "$scratch/os" "$commit"
cmp requirements.txt "$scratch/os/requirements.txt"
mkdir "$scratch/cache" "$scratch/cargo" "$scratch/tmp"
cp --recursive .venv "$scratch/os/.venv"

start=site_scons/start.py
[ -e "$scratch/os/$start" ] || start=site_scons/ostoo_scons/start.py
rustup=${RUSTUP_HOME:-$HOME/.rustup}
python=$(dirname "$(dirname "$(readlink --canonicalize .venv/bin/python)")")
PATH=$project/.toolchain/test-tools/usr/bin:$PATH bwrap --unshare-all --die-with-parent --proc /proc --dev /dev \
    --ro-bind /usr /usr --ro-bind /etc /etc --symlink usr/bin /bin --symlink usr/lib /lib --symlink usr/lib64 /lib64 \
    --ro-bind "$python" "$python" --ro-bind "$rustup" /rustup --bind "$scratch/os" /os --bind "$scratch/cache" /cache \
    --bind "$scratch/cargo" /cargo --bind "$scratch/tmp" /tmp --chdir /os --clearenv \
    --setenv PATH /rustup/shims:/usr/bin:/bin --setenv HOME /tmp --setenv XDG_CACHE_HOME /cache \
    --setenv RUSTUP_HOME /rustup --setenv CARGO_HOME /cargo \
    sh -c "for time in 1 2 3; do .venv/bin/python -S -P $start hello-rs; sleep 1; done"

find "$scratch/os/build" "$scratch/cache" -type f -size +16k -delete
tar --create --xz --file "tests/support/data/state_${commit:0:7}.tar.xz" --sort=name --mtime=@0 --owner=0 --group=0 \
    --numeric-owner --directory "$scratch" os/build cache
