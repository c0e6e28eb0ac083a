_ostoo() {
    local ostoo_found ostoo_files ostoo_newline line=${COMP_LINE:0:COMP_POINT} words=() word candidate
    read -ra words <<<"$line"
    [[ $line == *[[:space:]] ]] && words+=('')
    word=${words[${#words[@]}-1]}
    __ostoo_candidates "${words[@]:1}"
    COMPREPLY=()
    while IFS= read -r candidate; do
        candidate=${candidate%%$'\t'*}
        # bash replaces only what stands behind the last `=`
        [[ -n $candidate && $candidate == "$word"* ]] && COMPREPLY+=("${candidate#"${word%"${word##*=}"}"}")
    done <<<"$ostoo_found"
    if [[ -n $ostoo_files ]]; then
        while IFS= read -r candidate; do COMPREPLY+=("$candidate"); done < <(compgen -f -- "${word##*=}")
        compopt -o filenames 2>/dev/null
    fi
    [[ ${#COMPREPLY[@]} -eq 1 && ${COMPREPLY[0]} == *= ]] && compopt -o nospace 2>/dev/null
    return 0
}

complete -F _ostoo ostoo
