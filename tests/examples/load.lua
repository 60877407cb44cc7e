-- Reads and writes of one user, in turn, for wrk. The environment says whose: TENANT, USER_ID,
-- CONVERSATION. Prints how many answers were not 2xx, and how many requests had none.
local path = "/v1/conversations/" .. os.getenv("CONVERSATION")
local headers = {
  ["X-Tenant-Id"] = os.getenv("TENANT"),
  ["X-User-Id"] = os.getenv("USER_ID"),
  ["Content-Type"] = "application/json",
}
local turns = {
  {"GET", "/v1/policy"},
  {"GET", path},
  {"POST", path .. "/messages", '{"content": "Hello"}'},
  {"GET", path .. "/messages?limit=5"},
  {"GET", "/v1/conversations?limit=10"},
  {"GET", "/v1/me/context"},
}
local threads = {}
local turn = 0
refused = 0
first_refusal = ""

function setup(thread)
  table.insert(threads, thread)
end

function request()
  turn = turn % #turns + 1
  return wrk.format(turns[turn][1], turns[turn][2], headers, turns[turn][3])
end

function response(status, _, body)
  if status >= 200 and status < 300 then return end
  refused = refused + 1
  if first_refusal == "" then first_refusal = status .. " " .. body end
end

function done(summary, latency)
  local not_ok = 0
  for _, thread in ipairs(threads) do
    not_ok = not_ok + thread:get("refused")
    if thread:get("first_refusal") ~= "" then print("refused: " .. thread:get("first_refusal")) end
  end
  local errors = summary.errors
  print(string.format("requests=%d not_2xx=%d connect=%d read=%d write=%d timeout=%d",
    summary.requests, not_ok, errors.connect, errors.read, errors.write, errors.timeout))
  print(string.format("p50=%.1fms p99=%.1fms max=%.1fms", latency:percentile(50) / 1000,
    latency:percentile(99) / 1000, latency.max / 1000))
end
