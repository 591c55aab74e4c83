-- SCIM requests: args: OPERATION BASE_PATH TOKEN FIRST COUNT [IDS_FILE | TIME]
-- create: users FIRST, FIRST+1, ...; get, active: random among the ids; lookup: random among COUNT from FIRST;
-- page: startIndex FIRST; modified: changed after TIME; member: the first id is a group, the others come and go in it
local op, base, headers, first, count, ids, turn, since
local patch = '{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[%s]}'
function init(args)
  op, base, first, count = args[1], args[2], tonumber(args[4]), tonumber(args[5])
  headers = { ["Authorization"] = "Bearer " .. args[3], ["Accept"] = "application/scim+json",
              ["Content-Type"] = "application/scim+json; charset=utf-8" }
  turn = 0
  ids = {}
  since = args[6]
  if args[6] and op ~= "modified" then for line in io.lines(args[6]) do ids[#ids + 1] = line end end
  math.randomseed(os.time())
end
-- people do not come in the order of their names; as load_users.c and ldap_load.c do, one to one below 10^8
local function scatter(i) return i * 61803399 % 100000000 end
local function user_name(i) return string.format("user%08d@example.com", scatter(i)) end
local make = {
  create = function()
    local name = user_name(first + turn)
    turn = turn + 1
    return wrk.format("POST", base .. "/Users", headers, string.format(
      '{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"%s","name":{"givenName":"Given","familyName":"Family"},' ..
      '"emails":[{"primary":true,"value":"%s","type":"work"}],"displayName":"Given Family","locale":"en-US","externalId":"00u%08d","groups":[],"active":true}',
      name, name, scatter(first + turn - 1)))
  end,
  get = function() return wrk.format("GET", base .. "/Users/" .. ids[math.random(#ids)], headers) end,
  lookup = function()
    return wrk.format("GET", base .. '/Users?filter=userName%20eq%20%22' .. user_name(first + math.random(0, count - 1)) ..
      '%22&startIndex=1&count=100', headers)
  end,
  active = function()
    turn = turn + 1
    return wrk.format("PATCH", base .. "/Users/" .. ids[math.random(#ids)], headers, string.format(patch,
      '{"op":"replace","value":{"active":' .. (turn % 2 == 0 and "true" or "false") .. '}}'))
  end,
  modified = function()
    return wrk.format("GET", base .. '/Users?filter=meta.lastModified%20gt%20%22' .. since .. '%22&startIndex=1&count=100', headers)
  end,
  member = function()
    turn = turn + 1
    local id = ids[2 + math.floor((turn - 1) / 2) % (#ids - 1)]
    local change = turn % 2 == 0 and '{"op":"remove","path":"members[value eq \\"' .. id .. '\\"]"}'
      or '{"op":"add","path":"members","value":[{"value":"' .. id .. '"}]}'
    return wrk.format("PATCH", base .. "/Groups/" .. ids[1], headers, string.format(patch, change))
  end,
  page = function() return wrk.format("GET", base .. "/Users?startIndex=" .. first .. "&count=100", headers) end,
}
function request() return make[op]() end
local bad, seen = 0, {}
function response(status)
  if status >= 400 then bad = bad + 1; seen[status] = (seen[status] or 0) + 1 end
end
function done(summary) end
