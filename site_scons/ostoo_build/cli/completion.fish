# The words behind `ostoo` and its `-C DIR`, up to the one at the cursor
function __ostoo_words
    set -l words (commandline -opc)
    set -e words[1]
    while set -q words[1]; and string match -q -- '-C*' $words[1]
        test $words[1] = -C; and set -e words[1]
        set -e words[1]
    end
    printf '%s\n' $words
end

function __ostoo_has_no_verb
    test -z (__ostoo_words)[1]
end

# Whether a verb is complete, and nothing behind it is the program's
function __ostoo_is
    set -l words (__ostoo_words)
    test "$words[1]" = $argv[1]; and not contains -- -- $words
end

# Whether a verb's first word, or a later one, is at the cursor
function __ostoo_is_at
    set -l words (__ostoo_words)
    __ostoo_is $argv[1]; or return
    set -l place first
    for word in $words[2..-1]
        string match -q -- '-*' $word; or string match -q -- '*=*' $word; or set place rest
    end
    test $place = $argv[2]
end

# What the last builds of the project remember: programs, targets or profiles
function __ostoo_remembered
    set -l root .
    set -l words (commandline -opc)
    set -l at (contains -i -- -C $words); and set root $words[(math $at + 1)]
    set root (builtin realpath -- $root)
    while test -n "$root"; and not test -e $root/@DESCRIPTION@
        set root (string replace -r '/[^/]*$' '' -- $root)
    end
    set -l notes $root/@PROGRAMS@/*/*/*.json $root/@PROGRAMS@/*/*/@EXAMPLES@/*.json
    set -l words (string replace -- $root/@PROGRAMS@/ '' $notes)
    switch $argv[1]
        case targets
            set words (string replace -r '/.*' '' -- $words)
        case profiles
            set words (string replace -r '^[^/]*/([^/]*)/.*' '$1' -- $words)
        case programs
            set words (string replace -r '^[^/]*/[^/]*/(.*)\.json$' '$1' -- $words)
    end
    set -l known
    for word in $words
        contains -- $word $known; or set -a known $word
    end
    set -q known[1]; and printf '%s\n' $known
end

function __ostoo_variables
    switch (commandline -ct)
        case '*=*'
            printf 'target=%s\n' (__ostoo_remembered targets)
            printf 'profile=%s\n' (__ostoo_remembered profiles)
        case '*'
            printf '%s=\n' @VARIABLES@
    end
end

complete -c ostoo -e
complete -c ostoo -f
@DECLARED@
