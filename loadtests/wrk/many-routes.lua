-- Walks over all routes of a definition with ROUTES of them: ROUTES=10000 wrk -s many-routes.lua http://127.0.0.1:8080
local routes = tonumber(os.getenv("ROUTES") or 10000)
local number = 0

request = function()
  -- A step that shares no factor with usual counts, so that no cache line is met twice in a row.
  number = (number + 7919) % routes
  return wrk.format("GET", "/r/" .. number .. "/items/" .. number)
end
