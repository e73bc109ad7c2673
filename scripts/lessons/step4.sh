# shellcheck shell=bash
# Lesson 4: tools and prompts, used.

lesson_4() {
  local arguments
  modern tools/list '{}'
  check 'each tool has a schema for its result' 'result and (.body.result.tools | all(.outputSchema.type == "object"))'
  call echo '{"message": "häh "}'
  check 'echo says the message, as text and as data' 'result and (.body.result | .isError == false and .content == [{"type": "text", "text": "häh "}] and .structuredContent == {"text": "häh "})'
  check 'its result is complete' '.body.result.resultType == "complete"'
  call echo '{"message": "ab", "repeat_count": 3}'
  check 'echo repeats without a separator' 'result and .body.result.content[0].text == "ababab"'
  call echo '{"message": "", "repeat_count": 10}'
  check 'echo says nothing ten times' 'result and .body.result.isError == false and .body.result.content[0].text == ""'
  call get_time '{}'
  check 'get_time knows the time in UTC' 'result and .body.result.structuredContent == {"timezone": "UTC", "time": .body.result.content[0].text} and (.body.result.content[0].text | sub("\\+00:00$"; "Z") | fromdateiso8601 - now | fabs < 60)'
  call get_time '{"timezone": "Asia/Kathmandu"}'
  check 'get_time knows other zones' 'result and (.body.result.content[0].text | endswith("+05:45"))'
  legacy tools/call '{"name": "echo", "arguments": {"message": "old"}}'
  check 'legacy: echo, without words of the new era' 'result and .body.result.content[0].text == "old" and (.body.result | has("resultType") | not)'

  for arguments in '{}' '{"message": 5}' '{"message": null}'; do
    bad_argument echo "$arguments" message
  done
  for arguments in '{"message": "a", "repeat_count": 0}' '{"message": "a", "repeat_count": 11}' '{"message": "a", "repeat_count": "2"}'; do
    bad_argument echo "$arguments" repeat_count
  done
  check 'it says what is allowed' '.body.result.content[0].text | contains("1 to 10")'
  bad_argument echo '{"message": "a", "volume": 3}' volume
  bad_argument get_time '{"timezone": "Mars/Olympus"}' timezone
  modern tools/call '{"name": "no-such-tool", "arguments": {}}'
  check 'an unknown tool is 200, -32602' 'rpc_error(200; -32602)'
  modern tools/call '{"name": "Echo", "arguments": {"message": "a"}}'
  check 'names of tools are case-sensitive' 'rpc_error(200; -32602)'
  modern tools/call '{"name": "echo", "arguments": "message"}'
  check 'arguments that are no object are 200, -32602' 'rpc_error(200; -32602)'
  legacy tools/call '{"arguments": {}}'
  check 'a call without a name is 200, -32602' 'rpc_error(200; -32602)'
  legacy tools/call '{"name": ["echo"], "arguments": {}}'
  check 'so is one whose name is a list' 'rpc_error(200; -32602)'

  modern prompts/get '{"name": "greeting", "arguments": {"name": "Ada", "language": "Welsh"}}'
  check 'the prompt greeting greets somebody in a language' 'result and (.body.result.messages | length == 1) and (.body.result.messages[0] | .role == "user" and .content.type == "text" and (.content.text | contains("Ada") and contains("Welsh")))'
  modern prompts/get '{"name": "greeting", "arguments": {"name": "Ada"}}'
  check 'the language may be left away' 'result and (.body.result.messages[0].content.text | contains("Ada"))'
  modern prompts/get '{"name": "help"}'
  check 'the prompt help needs nothing' 'result and (.body.result.messages | length == 1)'
  legacy prompts/get '{"name": "help"}'
  check 'legacy: the prompt help' 'result and (.body.result | has("resultType") | not)'
  modern prompts/get '{"name": "greeting", "arguments": {}}'
  check 'a missing argument of a prompt is 200, -32602, and named' 'rpc_error(200; -32602) and (.body.error.message | contains("name"))'
  modern prompts/get '{"name": "no-such-prompt"}'
  check 'an unknown prompt is 200, -32602' 'rpc_error(200; -32602)'
}

# call TOOL ARGUMENTS
call() {
  modern tools/call "$(jq -nc --arg name "$1" --argjson arguments "$2" '{name: $name, arguments: $arguments}')"
}

# bad_argument TOOL ARGUMENTS WORD: what the tool cannot take is a result for the model, and names the field (F6).
bad_argument() {
  call "$1" "$2"
  check "$1 $2: isError, and $3 is named" 'result and .body.result.isError == true and (.body.result.content[0].text | contains($word))' --arg word "$3"
}

program_4() { :; }
