-- A body just below AWS's limit of 10 MB: wrk -c8 -s large-body.lua http://127.0.0.1:8080/upload
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/octet-stream"
wrk.body = string.rep("x", tonumber(os.getenv("BODY_BYTES") or 10000000))
