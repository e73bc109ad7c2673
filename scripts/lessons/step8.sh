# shellcheck shell=bash
# Lesson 8: what may this caller do?

lesson_8() {
  if [ -z "$KEYS_DIR" ]; then
    say 'not asked: tokens of our own making (--keys-dir)'
    return 0
  fi
  #                                                                 tools/list tools/call prompts/list prompts/get
  if [ "$1" -lt 9 ]; then
    rights 'the role admin and no scope'   '' admin                       200 200 200 200
  fi
  rights 'mcp:read mcp:tools'            'mcp:read mcp:tools' ''          200 200 200 403
  rights 'mcp:read mcp:prompts'          'mcp:read mcp:prompts' ''        200 403 200 200
  rights 'mcp:read'                      mcp:read ''                      200 403 200 403
  rights 'mcp:tools'                     mcp:tools ''                     200 200 403 403
  rights 'mcp:prompts'                   mcp:prompts ''                   403 403 200 200
  rights 'no scope'                      '' ''                            403 403 403 403
  rights 'scopes that only look alike'   'xmcp:toolsy mcp mcp: MCP:TOOLS mcp:tools,mcp:prompts mcp:*' '' 403 403 403 403
  rights 'roles that only look alike'    '' 'notadminreally Admin admins' 403 403 403 403
  spelt_otherwise "$1"
  refusals
}

# rights WHO SCOPES ROLES FOUR-STATUSES…: one row of the table.
rights() {
  local who=$1 token status ask
  token=$(mint "$PUBLIC_URL" somebody --scopes "$2" --roles "$3")
  shift 3
  as "$token" modern server/discover '{}'
  check "$who: server/discover needs only a token" result
  as "$token" legacy ping '{}'
  check "$who: ping too" result
  as "$token" post '{"jsonrpc":"2.0","method":"notifications/initialized"}'
  check "$who: a notification too" '.status == 202'
  for ask in tools/list tools/call prompts/list prompts/get; do
    status=$1
    shift
    as "$token" modern "$ask" "$(example "$ask")"
    allowed "$who: $ask is $status" "$ask" "$status"
    as "$token" legacy "$ask" "$(example "$ask")"
    allowed "$who: legacy $ask is $status" "$ask" "$status"
  done
}

example() {
  case $1 in
    tools/call) say '{"name": "echo", "arguments": {"message": "a"}}' ;;
    prompts/get) say '{"name": "help"}' ;;
    *) say '{}' ;;
  esac
}

# allowed SENTENCE METHOD STATUS: a refusal names for a list mcp:read, else the scope of the method.
allowed() {
  local scope=mcp:read
  case $2 in tools/call) scope=mcp:tools ;; prompts/get) scope=mcp:prompts ;; esac
  if [ "$3" = 200 ]; then
    check "$1" result
  else
    check "$1, and $scope is named" 'insufficient($scope)' --arg scope "$scope"
  fi
}

# Scopes and roles come in several spellings; what has the wrong type is no token of ours.
spelt_otherwise() {
  local claim spellings=('scope=["mcp:read","mcp:tools"]' 'scopes=["mcp:tools"]')
  [ "$1" -ge 9 ] || spellings+=('roles=["admin"]' 'realm_access={"roles":["admin"]}')
  for claim in "${spellings[@]}"; do
    as "$(mint "$PUBLIC_URL" somebody --scopes '' --roles '' --claim "$claim")" modern tools/call "$(example tools/call)"
    check "the claim $claim opens tools/call" result
  done
  for claim in 'scope={"mcp:tools":true}' 'scope=7' 'scope=["mcp:tools",7]' 'scopes="mcp:tools"' 'roles="admin"' 'roles={"admin":true}' 'realm_access={"roles":"admin"}'; do
    as "$(mint "$PUBLIC_URL" somebody --scopes '' --roles '' --claim "$claim")" modern tools/call "$(example tools/call)"
    check "the claim $claim opens nothing" '.status == 401 or .status == 403'
  done
}

# Where the refusal stands among the others, and what it says.
refusals() {
  local reader
  reader=$(mint "$PUBLIC_URL" reader --scopes mcp:read)
  as "$reader" modern tools/call '{"name": "whoami"}'
  check 'whoami is a tool like any other' 'insufficient("mcp:tools")'
  as "$reader" modern tools/call '{"name": "no-such-tool"}'
  check 'who may not call does not learn which tools there are' 'insufficient("mcp:tools")'
  as "$reader" modern prompts/get '{"name": "greeting", "arguments": 7}'
  check '403 comes before the parameters are looked at' 'insufficient("mcp:prompts")'
  as "$reader" modern no/such/method '{}'
  check 'an unknown method is still 404' 'rpc_error(404; -32601)'
  as "$reader" post "$(envelope tools/call '{"name": "echo"}')" "${MODERN[@]}" -H 'Mcp-Method: tools/list' -H 'Mcp-Name: echo'
  check 'a header that lies opens nothing' 'rpc_error(400; -32020)'
  as "$reader" legacy tools/call "$(example tools/call)" -H 'Mcp-Method: tools/list'
  check 'nor does one that the old era does not know' 'insufficient("mcp:tools")'
  as "$reader" post '{"jsonrpc":"2.0","method":"tools/call","params":{"name":"echo","arguments":{"message":"a"}}}'
  check 'a notification with the name of a method is 202, and runs nothing' '.status == 202 and .text == ""'
  as "$reader" legacy tools/call "$(example tools/call)" -H "Origin: $(sed -E 's#^(https?://[^/]+).*#\1#' <<<"$PUBLIC_URL")"
  check 'our own page may read the refusal' 'insufficient("mcp:tools") and (header("access-control-expose-headers") | ascii_downcase | contains("www-authenticate"))'
}

program_8() { :; }
