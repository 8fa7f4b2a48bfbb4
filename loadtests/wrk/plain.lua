-- One path parameter that changes: wrk -s plain.lua http://127.0.0.1:8080
local number = 0

request = function()
  number = number + 1
  return wrk.format("GET", "/pets/" .. number % 1000)
end
