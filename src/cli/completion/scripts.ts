/**
 * The script for each shell. It asks `hivectl __complete` for candidates and contains no list of verbs, so an installed
 * script never goes out of date.
 */
export const COMPLETION_SCRIPTS = {
  bash: String.raw`# hivectl completion for bash:  source <(hivectl completion bash)
_hivectl() {
  local line="${"$"}{COMP_LINE:0:COMP_POINT}" value words files= current
  read -ra words <<<"$line"
  [[ $line == *[[:space:]] ]] && words+=("")
  current="${"$"}{words[-1]}"
  COMPREPLY=()
  while IFS=$'\t' read -r value _; do
    if [[ $value == :files ]]; then files=1; continue; fi
    # $2 is what bash will replace: without the @ where it takes that for the end of a word.
    [[ $current == @* && $2 != @* ]] && value="${"$"}{value#@}"
    COMPREPLY+=("$value")
  done < <("${"$"}{words[0]}" __complete -- "${"$"}{words[@]:1}" 2>/dev/null)
  if [[ $files ]]; then
    compopt -o filenames 2>/dev/null
    while IFS= read -r value; do COMPREPLY+=("$value"); done < <(compgen -f -- "$current")
  fi
}
complete -F _hivectl hivectl
`,
  zsh: String.raw`#compdef hivectl
# hivectl completion for zsh:  source <(hivectl completion zsh)
_hivectl() {
  local line files
  local -a values
  while IFS= read -r line; do
    if [[ $line == :files* ]]; then files=1; continue; fi
    values+=("${"$"}{${"$"}{line%%$'\t'*}//:/\\:}:${"$"}{line#*$'\t'}")
  done < <("${"$"}{words[1]}" __complete -- "${"$"}{(@)words[2,CURRENT]}" 2>/dev/null)
  (( ${"$"}{#values} )) && _describe -t values hivectl values
  [[ -n $files ]] && _files
  return 0
}
compdef _hivectl hivectl
`,
  fish: String.raw`# hivectl completion for fish:  hivectl completion fish | source
function __hivectl_complete
    set -l words (commandline -opc)
    set -l program $words[1]
    set -e words[1]
    # Quoted it is one word, also where nothing is written of it yet.
    set -l current (commandline -ct)
    for line in ($program __complete -- $words "$current" 2>/dev/null)
        if string match -q ':files*' -- $line
            __fish_complete_path (commandline -ct)
        else
            echo $line
        end
    end
end
complete -c hivectl -f -a '(__hivectl_complete)'
`,
} as const;
