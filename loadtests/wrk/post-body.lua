-- A 2 KB JSON body: wrk -s post-body.lua http://127.0.0.1:8080/orders
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
wrk.body = '{"order":"' .. string.rep("x", 2048 - 12) .. '"}'
