-- GET / with a session cookie: args: COUNT (cookies s0000.. to COUNT-1, cycled when it is 64, random otherwise) HOST
local count, host, turn
function init(args)
  count = tonumber(args[1]) or 0
  host = args[2]
  turn = 0
  math.randomseed(os.time())
end
function request()
  local headers = { ["Host"] = host }
  if count > 0 then
    local i
    if count <= 64 then i = turn % count else i = math.random(0, count - 1) end
    turn = turn + 1
    headers["Cookie"] = string.format("theme=dark; bench_session=s%016x", i)
  end
  return wrk.format("GET", "/", headers)
end
