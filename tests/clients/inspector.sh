#!/usr/bin/env bash
# Can the command line of the official Inspector use this server?
#
#   inspector.sh ERA URL     ERA modern or legacy; NODE and INSPECTOR say where both are
#   MCP_TOKEN, MCP_EXPECT    as in client.mjs; the Inspector has no client credentials
set -euo pipefail

ERA=$1 URL=$2
HOME=$(mktemp -d "${TMPDIR:-/tmp}/mcp-auth-inspector.XXXXXX") # it keeps settings and tokens there
export HOME MCP_STORAGE_DIR=$HOME/storage MCP_INSPECTOR_SECRET_STORE=file MCP_AUTO_OPEN_ENABLED=false
trap 'status=$?; rm -rf "$HOME"; exit "$status"' EXIT

# inspect EXIT FILTER SENTENCE ARGUMENTS…: runs it, and asks exit status and answer. Errors are JSON on
# stderr, so the filter sees {out, err}.
inspect() {
  local expected=$1 filter=$2 sentence=$3 status=0
  shift 3
  "$NODE" "$INSPECTOR" --cli "$URL" --transport http --protocol-era "$ERA" --format json "$@" \
    ${MCP_TOKEN:+--stored-auth-only --header "Authorization: Bearer $MCP_TOKEN"} >"$HOME/out" 2>"$HOME/err" </dev/null || status=$?
  jq -n --rawfile out "$HOME/out" --rawfile err "$HOME/err" \
    '{out: (try ($out | fromjson) catch $out), err: (try ($err | fromjson) catch $err)}' >"$HOME/seen"
  if [ "$status" -ne "$expected" ] || ! jq -e "$filter" "$HOME/seen" >/dev/null; then
    printf 'FAILED: Inspector, %s: %s\n  expected  exit status %s, %s\n  got       exit status %s, %s\n' \
      "$ERA" "$sentence" "$expected" "$filter" "$status" "$(jq -c . "$HOME/seen" | head -c 2000)"
    exit 1
  fi
}

if [ "${MCP_EXPECT:-}" = refused ]; then
  inspect 3 '.err.error.code == "auth_required"' 'a caller whom nobody knows is to be told to log in' --stored-auth-only --method tools/list
  printf 'ok: Inspector, %s, refused\n' "$ERA"
  exit 0
fi

inspect 0 '[.out.result.tools[].name] as $names | ["echo", "get_time"] - $names == []' 'tools/list is to have echo and get_time' --method tools/list --strict
inspect 0 '[.out.result.prompts[].name] == ["greeting", "help"]' 'prompts/list is to have greeting and help' --method prompts/list
inspect 0 '.out.result | .content[0].text == "héhé" and .structuredContent.text == "héhé"' 'echo is to repeat the message' \
  --method tools/call --tool-name echo --tool-arg message=hé repeat_count=2
inspect 0 '.out.result.content[0].text | endswith("+05:45")' 'get_time is to know Kathmandu' --method tools/call --tool-name get_time --tool-arg timezone=Asia/Kathmandu
inspect 0 '.out.result.messages[0].content.text | contains("Ada")' 'the prompt greeting is to name Ada' --method prompts/get --prompt-name greeting --prompt-args name=Ada
inspect 0 '.out.result.messages | length == 1' 'the prompt help is to have one message' --method prompts/get --prompt-name help
inspect 5 '.out.result.isError and (.out.result.content[0].text | test("repeat_count.*1 to 10"))' 'a bad argument is to be named' \
  --method tools/call --tool-name echo --tool-arg message=x repeat_count=11
inspect 5 '.err.error.code == "tool_not_found"' 'an unknown tool is to be unknown' --method tools/call --tool-name no_such_tool
if [ "${MCP_EXPECT:-}" = whoami ]; then
  inspect 0 '.out.result.structuredContent.subject | length > 0' 'whoami is to know the subject' --method tools/call --tool-name whoami
fi
printf 'ok: Inspector, %s%s\n' "$ERA" "${MCP_TOKEN:+, token}"
