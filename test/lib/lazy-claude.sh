#!/bin/sh
# In the place of Claude Code in hives whose tests look at turns: it confirms its start, and becomes Claude Code once there
# is a first message. A start of Claude Code takes most of a second of a processor, and many agents of tests are deployed,
# restarted or stopped again before they get one. `LAZY_CLI` of hive.ts names it, and `TestHive` puts Claude Code next to it.
real=$0.real
[ "$1" = --version ] && echo "999.0.0 (lazy)" && exit
kept=
while IFS= read -r line; do
  kept="$kept$line
"
  case $line in
    *'"type":"control_request"'*)
      id=${line#*'"request_id":"'}
      answer='{"commands":[],"agents":[],"models":[],"account":{},"output_style":"default","available_output_styles":[],"mcpServers":[]}'
      printf '%s\n' '{"type":"control_response","response":{"subtype":"success","request_id":"'"${id%%\"*}"'","response":'"$answer"'}}'
      ;;
    *'"type":"user"'*)
      pipe=$(mktemp -u) && mkfifo -m 600 "$pipe" || exit
      # Not a child of what becomes Claude Code, which the hive ends if a turn leaves children behind.
      ( { printf %s "$kept"; exec cat; } <&3 > "$pipe" & ) 3<&0
      # The daemon answers its first caller a moment before the tests have put it there.
      until [ -x "$real" ]; do sleep 0.01; done
      exec 4< "$pipe"
      rm "$pipe"
      exec "$real" "$@" <&4 4<&-
      ;;
  esac
done
