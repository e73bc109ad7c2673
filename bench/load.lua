-- Asks with one token after the other, and checks status and body of every answer.
-- wrk … -s load.lua URL -- TOKENS COUNT STATUS BODY METHOD: a file with one token a line, how many of them, what is expected.

local threads = {}

function setup(thread)
  table.insert(threads, thread)
end

local requests, status_wanted, body_wanted = {}, nil, nil
sent, wrong, example = 0, 0, ""

function init(args)
  local limit, position = tonumber(args[2]), 0
  status_wanted, body_wanted = tonumber(args[3]), args[4]
  local headers = {
    ["Content-Type"] = "application/json",
    ["Accept"] = "application/json, text/event-stream",
    ["MCP-Protocol-Version"] = "2026-07-28",
    ["Mcp-Method"] = "tools/call",
    ["Mcp-Name"] = "echo",
  }
  for token in io.lines(args[1]) do
    if position == limit then break end
    position = position + 1
    headers["Authorization"] = "Bearer " .. token
    requests[position] = wrk.format("POST", "/mcp", headers, args[5])
  end
  assert(position == limit, "there are too few tokens in " .. args[1])
end

function request()
  sent = sent + 1
  return requests[(sent - 1) % #requests + 1]
end

function response(status, headers, body)
  if status ~= status_wanted or body ~= body_wanted then
    wrong = wrong + 1
    example = status .. " " .. body
  end
end

function done(summary, latency, _)
  local sent, wrong, example = 0, 0, ""
  for _, thread in ipairs(threads) do
    sent, wrong = sent + thread:get("sent"), wrong + thread:get("wrong")
    if thread:get("wrong") > 0 then example = thread:get("example") end
  end
  local errors = summary.errors
  local broken = errors.connect + errors.read + errors.write + errors.timeout
  io.write(string.format(
    "RESULT %d %d %d %d %d %.0f %.0f\n", summary.requests, summary.duration, sent, wrong, broken,
    latency:percentile(50), latency:percentile(99)
  ))
  if wrong > 0 then io.write("WRONG " .. example .. "\n") end
end
