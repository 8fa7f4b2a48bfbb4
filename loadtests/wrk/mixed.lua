-- What a day looks like: reads, a few writes, some misses. Non-2xx answers are the 3% that ask for nothing.
local turn = 0
local body = '{"name":"' .. string.rep("n", 500) .. '"}'
local headers = { ["Content-Type"] = "application/json" }

request = function()
  turn = turn + 1
  local kind = turn % 100
  if kind < 80 then
    return wrk.format("GET", "/pets/" .. turn % 500 .. "?limit=10&after=" .. turn)
  elseif kind < 92 then
    return wrk.format("POST", "/orders", headers, body)
  elseif kind < 97 then
    return wrk.format("GET", "/mock")
  end
  return wrk.format("GET", "/nobody/knows/" .. turn)
end

counted = {}

response = function(status)
  counted[status] = (counted[status] or 0) + 1
end

local threads = {}

setup = function(thread)
  table.insert(threads, thread)
end

done = function()
  for _, thread in ipairs(threads) do
    for status, times in pairs(thread:get("counted") or {}) do
      print(string.format("status %d: %d", status, times))
    end
  end
end
