-- Asks an authorization server, and looks at every answer.
-- wrk … -s authorization.lua URL -- KIND FORMS ANSWERS AUTHORIZATION HOST: what is asked (program, known, once), a file with one form a
-- line, a file with what is expected (program, once: the scopes; known: all bodies that may come), and two headers.

local threads = {}

function setup(thread)
  table.insert(threads, thread)
end

local requests, expected, kind, scope, last = {}, {}, nil, nil, nil
sent, given, wrong, example, samples = 0, 0, 0, "", ""

function init(args)
  kind = args[1]
  local headers = {
    ["Content-Type"] = "application/x-www-form-urlencoded",
    ["Authorization"] = args[4],
    ["Host"] = args[5],
  }
  for form in io.lines(args[2]) do
    table.insert(requests, wrk.format("POST", nil, headers, form))
  end
  for line in io.lines(args[3]) do
    expected[line] = true
    scope = '"scope":"' .. line .. '"'
  end
end

function request()
  sent = sent + 1
  return requests[(sent - 1) % #requests + 1]
end

local function is_right(status, body)
  if status ~= 200 then return false end
  if kind == "known" then return expected[body] end
  if not body:find(scope, 1, true) then return false end
  if kind == "once" then return body:find('"active":true', 1, true) end
  local token = body:match('"access_token":"([%w_-]+%.[%w_-]+%.[%w_-]+)"')
  if not token or token == last or not body:find('"token_type":"Bearer"', 1, true) then return false end
  last, given = token, given + 1
  -- of these a resource server will be asked
  if given % 1000 == 1 then samples = samples .. "SAMPLE " .. token .. "\n" end
  return true
end

function response(status, _, body)
  if not is_right(status, body) then
    wrong = wrong + 1
    example = status .. " " .. body
  end
end

function done(summary, latency, _)
  local sent, wrong, example, samples = 0, 0, "", ""
  for _, thread in ipairs(threads) do
    sent, wrong = sent + thread:get("sent"), wrong + thread:get("wrong")
    samples = samples .. thread:get("samples")
    if thread:get("wrong") > 0 then example = thread:get("example") end
  end
  local errors = summary.errors
  local broken = errors.connect + errors.read + errors.write + errors.timeout
  io.write(samples, string.format(
    "RESULT %d %d %d %d %d %.0f %.0f\n", summary.requests, summary.duration, sent, wrong, broken,
    latency:percentile(50), latency:percentile(99)
  ))
  if wrong > 0 then io.write("WRONG " .. example .. "\n") end
end
