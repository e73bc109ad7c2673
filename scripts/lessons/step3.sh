# shellcheck shell=bash
# Lesson 3: which tools and prompts are there?

lesson_3() {
  local list cursor scope=public
  [ "$1" -lt 6 ] || scope=private
  modern server/discover '{}'
  check 'server/discover declares tools and prompts' 'result and (.body.result.capabilities | has("tools") and has("prompts"))'
  check 'it promises no word of changes: there is no stream to send one on' '[.body.result.capabilities[] | .listChanged] | all(. != true)'
  check "what it says may be kept: $scope" '.body.result.cacheScope == $scope' --arg scope "$scope"
  post '{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"t","version":"1"}}}'
  check 'initialize declares tools and prompts' 'result and (.body.result.capabilities | has("tools") and has("prompts"))'

  modern tools/list '{}'
  check 'tools/list has echo and get_time, in the order of names' 'result and ([.body.result.tools[].name] | . == sort and (["echo", "get_time"] - . == []))'
  check 'each tool has a title, a description and a schema of an object' '.body.result.tools | all((.title | length > 0) and (.description | length > 0) and .inputSchema.type == "object")'
  check 'each tool says whether it changes anything' '.body.result.tools | all(.annotations.readOnlyHint == true)'
  check 'the schema of echo tells its arguments' '.body.result.tools[] | select(.name == "echo").inputSchema
    | .required == ["message"] and .properties.message.type == "string" and (.properties.repeat_count | .minimum == 1 and .maximum == 10 and .default == 1)'
  check 'the schema of get_time tells its default' '.body.result.tools[] | select(.name == "get_time").inputSchema | .properties.timezone.default == "UTC" and (.required // [] | length == 0)'
  check 'an argument that is not there is not taken' '[.body.result.tools[].inputSchema.additionalProperties] | all(. == false)'
  cp "$WORK/answer" "$WORK/first"
  modern prompts/list '{}'
  check 'prompts/list has greeting and help' 'result and [.body.result.prompts[].name] == ["greeting", "help"]'
  check 'the prompt greeting tells its arguments' '.body.result.prompts[0].arguments | map({(.name): .required}) | add == {"name": true, "language": false}'

  for list in tools prompts; do
    modern "$list/list" '{}'
    check "$list/list may be kept for five minutes: $scope" '.body.result.ttlMs == 300000 and .body.result.cacheScope == $scope' --arg scope "$scope"
    legacy "$list/list" '{}'
    check "legacy: $list/list, without words of the new era" 'result and (.body.result[$list] | length > 0) and (.body.result | has("ttlMs") or has("resultType") | not)' --arg list "$list"
    modern "$list/list" '{"cursor": ""}'
    check "$list/list: an empty cursor is the beginning" 'result and (.body.result[$list] | length > 0)' --arg list "$list"
    for cursor in '"nonsense"' '"!!"' 7 null; do
      modern "$list/list" "{\"cursor\": $cursor}"
      check "$list/list: the cursor $cursor is 200, -32602" 'rpc_error(200; -32602)'
    done
  done
  modern tools/list '{}'
  check 'the list is the same each time' '.body.result.tools == $first[0].body.result.tools' --slurpfile first "$WORK/first"
}

program_3() { :; }
