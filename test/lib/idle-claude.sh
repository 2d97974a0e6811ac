#!/bin/sh
# In the place of Claude Code in hives whose tests look at no turn: it starts in a hundredth of the time. It confirms its
# start, and ends each turn at once without asking the model; a message that says `run /state/<name>.sh` has it run that
# script of the agent first. `IDLE_CLI` of hive.ts names it.
[ "$1" = --version ] && echo "999.0.0 (idle)" && exit
say() { printf '%s\n' "$1"; }
# The text after a key of a line of JSON, up to the next quotation mark.
text() { rest=${2#*\""$1"\":\"}; printf '%s' "${rest%%\"*}"; }
about='"session_id":"1d1e0000-0000-4000-8000-000000000000","uuid":"1d1e0000-0000-4000-8000-000000000001"'
usage='{"input_tokens":0,"output_tokens":0,"cache_read_input_tokens":0,"cache_creation_input_tokens":0}'
while IFS= read -r line; do
  case $line in
    *'"type":"control_request"'*)
      answer='{"commands":[],"agents":[],"models":[],"account":{},"output_style":"default","available_output_styles":[],"mcpServers":[]}'
      say '{"type":"control_response","response":{"subtype":"success","request_id":"'"$(text request_id "$line")"'","response":'"$answer"'}}'
      ;;
    *'"type":"user"'*)
      case $line in
        *"run /state/"*.sh*)
          script=${line#*"run /state/"}
          sh "/state/${script%%.sh*}.sh" < /dev/null > /dev/null
          ;;
      esac
      say '{"type":"system","subtype":"init","cwd":"/","tools":[],"mcp_servers":[],"model":"idle","permissionMode":"default","slash_commands":[],"apiKeySource":"none","output_style":"default","skills":[],"plugins":[],"claude_code_version":"999.0.0",'"$about"'}'
      say '{"type":"result","subtype":"success","is_error":false,"result":"","num_turns":1,"duration_ms":1,"duration_api_ms":0,"total_cost_usd":0,"stop_reason":"end_turn","usage":'"$usage"',"modelUsage":{},"permission_denials":[],'"$about"'}'
      ;;
  esac
done
