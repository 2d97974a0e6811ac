#!/bin/sh
# In the place of Claude Code in hives whose tests look at turns: it confirms its start, and becomes Claude Code once there
# is a first message. A start of Claude Code takes most of a second of a processor, and many agents of tests are deployed,
# restarted or stopped again before they get one. `LAZY_CLI` of hive.ts names it, and `TestHive` puts Claude Code next to it.
real=$0.real
case $1 in
  --version) echo "999.0.0 (lazy)" && exit ;;
  # A conversation begins with an option, a log-in with a word.
  [!-]*) exec "$real" "$@" ;;
esac

# Becomes Claude Code, which reads what has been read, and then what comes.
become() {
  pipe=$(mktemp -u) && mkfifo -m 600 "$pipe" || exit
  # Not a child of Claude Code, which the hive ends if a turn leaves children behind.
  ( { printf %s "$kept"; exec cat; } <&3 > "$pipe" & ) 3<&0
  # The first message may come a moment before the tests have put it there.
  looks=0
  until [ -x "$real" ]; do
    [ $((looks += 1)) -gt 3000 ] && echo "there is no $real: TestHive puts it there" >&2 && exit 1
    sleep 0.02
  done
  exec 4< "$pipe"
  rm "$pipe"
  exec "$real" "$@" <&4 4<&-
}

kept=
while IFS= read -r line; do
  kept="$kept$line
"
  case $line in
    # Servers of the agent: Claude Code says which of them connect. Or a message.
    *'"type":"control_request"'*'"mcpServers":{'* | *'"mcpServers":{'*'"type":"control_request"'* | *'"type":"user"'*) become "$@" ;;
    *'"type":"control_request"'*)
      id=${line#*'"request_id":"'}
      answer='{"commands":[],"agents":[],"models":[],"account":{},"output_style":"default","available_output_styles":[],"mcpServers":[]}'
      printf '%s\n' '{"type":"control_response","response":{"subtype":"success","request_id":"'"${id%%\"*}"'","response":'"$answer"'}}'
      ;;
  esac
done
