_ostoo() {
    local ostoo_found ostoo_files ostoo_newline candidate
    local -a before found shown open
    before=("${(@)words[2,CURRENT-1]}" "$PREFIX")
    () { emulate -L ksh; setopt localoptions no_nomatch; __ostoo_candidates "$@"; } "${before[@]}"
    for candidate in "${(@f)ostoo_found}"; do
        case $candidate in
            '') ;;
            *=) open+=("$candidate") ;;
            *) found+=("${candidate%%$'\t'*}"); shown+=("${candidate/$'\t'/  -- }") ;;
        esac
    done
    (( $#found )) && compadd -l -d shown -a found
    (( $#open )) && compadd -S '' -a open
    if [[ -n $ostoo_files ]]; then
        compset -P '*='
        _files
    fi
    return 0
}

if (( $+functions[compdef] )); then compdef _ostoo ostoo; fi
