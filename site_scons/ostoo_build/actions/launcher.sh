#!/bin/sh
# Starts an action where it runs: only there it learns absolute paths. The first line printed says where that is.
# launcher.sh VARIABLES_TO_EXPAND FOLDER_TO_MAKE WORKING_DIRECTORY COMMAND [ARGUMENTS]
ostoo_root=$PWD
ostoo_expand() {
    ostoo_value='' ostoo_rest=$1
    while :; do
        case $ostoo_rest in *"@{"*) ;; *) break ;; esac
        ostoo_value=$ostoo_value${ostoo_rest%%"@{"*} ostoo_rest=${ostoo_rest#*"@{"}
        case $ostoo_rest in
            "root}"*) ostoo_value=$ostoo_value$ostoo_root ostoo_rest=${ostoo_rest#"root}"} ;;
            "at}"*) ostoo_value=$ostoo_value@ ostoo_rest=${ostoo_rest#"at}"} ;;
            *) ostoo_value=$ostoo_value"@{" ;;
        esac
    done
    ostoo_value=$ostoo_value$ostoo_rest
}
for ostoo_folder in "$ostoo_root"/.ostoo/toolchain/lib "$ostoo_root"/.ostoo/toolchain/lib/*-linux-gnu*; do
    LD_LIBRARY_PATH=${LD_LIBRARY_PATH+$LD_LIBRARY_PATH:}$ostoo_folder
done
export LD_LIBRARY_PATH
for ostoo_name in $1; do
    eval "ostoo_expand \"\$$ostoo_name\""
    export "$ostoo_name=$ostoo_value"
done
mkdir -p "$2" "$3"
ostoo_directory=$3
shift 3
for ostoo_argument; do
    shift
    ostoo_expand "$ostoo_argument"
    set -- "$@" "$ostoo_value"
done
printf '%s\n' "$ostoo_root"
cd "$ostoo_directory" && exec "$@"
