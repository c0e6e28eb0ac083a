# The part for bash and zsh: finds candidates for the last word of a command line. It starts no program.

# Adds candidates of one kind; what is remembered is from the last builds of the project in a folder.
__ostoo_add() {  # KIND PREFIX FOLDER
    local root rest name
    case $1 in
        files) ostoo_files=1; return ;;
        variables)
            for name in @VARIABLES@; do ostoo_found="$ostoo_found$name=$ostoo_newline"; done
            return ;;
    esac
    root=$(CDPATH='' cd -- "$3" 2>/dev/null && pwd) || return
    while [ -n "$root" ] && [ ! -e "$root/@DESCRIPTION@" ]; do root=${root%/*}; done
    for rest in "$root/@PROGRAMS@"/*/*/*.json "$root/@PROGRAMS@"/*/*/@EXAMPLES@/*.json; do
        [ -e "$rest" ] || continue
        rest=${rest#"$root/@PROGRAMS@/"}
        case $1 in
            targets) name=${rest%%/*} ;;
            profiles) name=${rest#*/} name=${name%%/*} ;;
            *) name=${rest#*/} name=${name#*/} name=${name%.json} ;;
        esac
        case "$ostoo_newline$ostoo_found" in
            *"$ostoo_newline$2$name$ostoo_newline"*) ;;
            *) ostoo_found="$ostoo_found$2$name$ostoo_newline" ;;
        esac
    done
}

# Sets ostoo_found to candidates, one in a line, some with a tab and a description, and ostoo_files if files are meant.
__ostoo_candidates() {  # the words behind `ostoo`, up to the cursor
    local folder=. verb option='' place=first kinds='' kind prefix=''
    ostoo_newline='
'
    ostoo_found='' ostoo_files=''
    while [ $# -gt 1 ]; do
        case $1 in
            -C) [ $# -gt 2 ] || { ostoo_files=1; return; }; folder=$2; shift 2 ;;
            -C?*) folder=${1#-C}; shift ;;
            *) break ;;
        esac
    done
    if [ $# -lt 2 ]; then
        ostoo_found=@VERBS@
        return
    fi
    verb=$1
    shift
    while [ $# -gt 1 ]; do
        if [ -n "$option" ]; then
            option=''
        else
            case "$verb $1" in
                "$verb --") ostoo_files=1; return ;;
                @TAKES_A_VALUE@) option=$1 ;;
                "$verb -"* | *=*) ;;
                *) place=rest ;;
            esac
        fi
        shift
    done
    case $1 in --*=*) option=${1%%=*} prefix=${1%%=*}= ;; esac
    if [ -n "$option" ]; then
        case "$verb $option" in
@VALUES@
            *) kinds='' ;;
        esac
    else
        case "$1" in
            -*) place=options ;;
            target=*) place='' kinds=targets prefix=target= ;;
            profile=*) place='' kinds=profiles prefix=profile= ;;
            *=*) place='' kinds=files ;;
        esac
        case "$verb $place" in
            *' ') ;;
@WORDS@
            *) return ;;
        esac
    fi
    while [ -n "$kinds" ]; do
        kind=${kinds%%"$ostoo_newline"*}
        case $kind in
            programs | targets | profiles | variables | files) __ostoo_add "$kind" "$prefix" "$folder" ;;
            *) ostoo_found="$ostoo_found$prefix$kind$ostoo_newline" ;;
        esac
        [ "$kind" = "$kinds" ] && break
        kinds=${kinds#*"$ostoo_newline"}
    done
}
