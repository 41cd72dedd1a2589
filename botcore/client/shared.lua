-- One class of an account's quota, as all processes see it. Times are microseconds by the clock of Redis.
--
-- KEYS  places   sorted set: place -> when it ceases to count
--       state    hash: what 429 and headers taught (ceiling, top, raise, cap, paused)
--       waiting  hash: process -> "most urgent priority, how many wait so urgently, until when this holds"
--       members  hash: process -> until when it is taken for alive; "since" names this life of Redis, "opens" when places are given again
-- ARGV  now or "", process, since, limit, window, drop, recovery, lease, beat, the share that the least urgent may fill, first place, four counts of
--       who waits by priority, then news, three words each: what, a number, an age
-- Gives granted, microseconds to wait before asking again (-1: nobody waits), ceiling, cap, pause left, live processes, since.

local now = tonumber(ARGV[1])
if not now then
  local told = redis.call('TIME')
  now = told[1] * 1000000 + told[2]
end
local me, limit, window = ARGV[2], tonumber(ARGV[4]), tonumber(ARGV[5])
local drop, recovery, lease, beat, patient = tonumber(ARGV[6]), tonumber(ARGV[7]), tonumber(ARGV[8]), tonumber(ARGV[9]), tonumber(ARGV[10])
local FIRST, WAITING, NEWS, LAST = 11, 12, 16, 3
local DAY, CONTESTED = 86400000000, 50000
local KEPT = 60000 + math.ceil(window / 500)
local huge = math.huge

-- What is foreign or broken counts as absent.
for number, kind in ipairs({'zset', 'hash', 'hash', 'hash'}) do
  local found = redis.call('TYPE', KEYS[number]).ok
  if found ~= kind and found ~= 'none' then redis.call('DEL', KEYS[number]) end
end
local places, state, waiting, members = KEYS[1], KEYS[2], KEYS[3], KEYS[4]

local function sane(text, least, most)
  local value = tonumber(text)
  return value and value >= least and value <= most and math.floor(value) or nil
end

local function whole(number)
  return string.format('%.0f', number)
end

local function count(from)
  return redis.call('ZCOUNT', places, '(' .. whole(from), '+inf')
end

-- Who lives, and whether we are where we think we are.
local alive, quits = 0, ARGV[NEWS] == 'quit'
local known = redis.call('HGETALL', members)
local since, opens
for at = 1, #known, 2 do
  local name, value = known[at], known[at + 1]
  if name == 'since' then
    since = sane(value, 1, now + DAY)
  elseif name == 'opens' then
    opens = sane(value, 0, now + 10 * window)
  elseif sane(value, now + 1, now + 2 * lease) and name ~= me then
    alive = alive + 1
  else
    redis.call('HDEL', members, name)
  end
end
if not since then
  since = now
  redis.call('HSET', members, 'since', whole(since))
end
if tonumber(ARGV[3]) ~= 0 and tonumber(ARGV[3]) ~= since then
  -- Redis forgot what was sent: nobody is given anything until everybody's sends are told again or no longer count.
  opens = math.max(opens or 0, now + window)
  redis.call('HSET', members, 'opens', whole(opens))
end
opens = opens or 0
if not quits then
  redis.call('HSET', members, me, whole(now + lease))
  alive = alive + 1
end

-- Places whose time lies absurdly far ahead, as after a clock was set back, count as sent just now.
for _, place in ipairs(redis.call('ZRANGEBYSCORE', places, '(' .. whole(now + 2 * math.max(lease, window)), '+inf')) do
  redis.call('ZADD', places, whole(now + window), place)
end
redis.call('ZREMRANGEBYSCORE', places, '-inf', whole(now - window))

local found = redis.call('HMGET', state, 'ceiling', 'top', 'raise', 'cap', 'paused')
local ceiling, top, raise = sane(found[1], 1, 1000000), sane(found[2], 1, 1000000), sane(found[3], 0, now + 100 * DAY)
local cap, paused = sane(found[4], 1, 1000000), sane(found[5], 0, now + 50 * DAY) or 0

local function limited()
  return math.min(limit, cap or limit)
end

local function effective()
  return math.min(limited(), ceiling or limit)
end

local function lower(to, at)
  ceiling, top, raise = to, math.max(top or 1, limit), at + recovery
end

while ceiling and now >= (raise or 0) do
  ceiling, raise = ceiling + 1, (raise or now) + recovery
  if ceiling >= math.min(top or limit, cap or huge) then ceiling, top, raise = nil, nil, nil end
end

local news = {}
function news.sent(place, age)
  redis.call('ZADD', places, whole(now - age + window), me .. ':' .. place)
end
function news.held(place)
  redis.call('ZADD', places, whole(now + lease), me .. ':' .. place)
end
function news.free(place)
  redis.call('ZREM', places, me .. ':' .. place)
end
function news.limit(told)
  local before = limited()
  if told < limit then cap = told elseif cap and cap < told then cap = nil end
  if limited() > before then
    lower(math.min(ceiling or before, before), now)
  elseif limited() < before and ceiling then
    if ceiling >= cap then ceiling, top, raise = nil, nil, nil else raise = now + recovery end
  end
end
function news.refused(pause, age)
  if now - age >= paused then lower(math.max(1, math.floor(effective() * drop)), now) end
  paused = math.max(paused, now + pause)
  if ceiling then raise = paused + recovery end
end
function news.exhausted(reset, age)
  if age <= window and count(now - window) < limited() then paused = math.max(paused, now + math.min(reset, window)) end
end
function news.paused(left)
  paused = math.max(paused, now + left)
end
function news.ceiling(told)
  if told < effective() then lower(told, math.max(now, paused)) end
end
function news.quit()
  redis.call('HDEL', members, me)
end
for at = NEWS, #ARGV, 3 do
  news[ARGV[at]](tonumber(ARGV[at + 1]), tonumber(ARGV[at + 2]))
end

redis.call('DEL', state)
for name, value in pairs({ceiling = ceiling, top = top, raise = raise, cap = cap, paused = paused > now and paused or nil}) do
  redis.call('HSET', state, name, whole(value))
end

-- Which others wait most urgently, and how many callers of each.
local equals, urgent = {}, huge
local announced = redis.call('HGETALL', waiting)
for at = 1, #announced, 2 do
  if announced[at] ~= me then
    local priority, many, till = string.match(announced[at + 1], '^(%d) (%d+) (%d+)$')
    if sane(till, now + 1, now + 2 * lease) then
      priority = tonumber(priority)
      if priority < urgent then equals, urgent = {}, priority end
      if priority == urgent then equals[announced[at]] = tonumber(many) end
    else
      redis.call('HDEL', waiting, announced[at])
    end
  end
end

local counting, granted = count(now), 0

local function most(priority)
  return priority == LAST and math.max(1, math.floor(patient * effective())) or effective()
end

local function room(priority)
  return (now >= paused and now >= opens) and math.max(0, most(priority) - counting - granted) or 0
end

-- Among equals each may have its part before any has more, so that nobody starves beside a process that is quicker to ask.
local function take_beside_equals(want, priority)
  local have, processes = {[me] = 0}, 1
  for name in pairs(equals) do have[name], processes = 0, processes + 1 end
  for _, place in ipairs(redis.call('ZRANGEBYSCORE', places, '(' .. whole(now), '+inf')) do
    local owner = string.match(place, '^[^:]*')
    if have[owner] then have[owner] = have[owner] + 1 end
  end
  local part, kept = math.floor(most(priority) / processes), 0
  for name, many in pairs(equals) do kept = kept + math.max(0, math.min(many, part - have[name])) end
  local least = have[me] < part and math.min(1, room(priority)) or 0
  return math.min(want, math.max(least, room(priority) - kept))
end

local left
for priority = 0, LAST do
  local want, take = tonumber(ARGV[WAITING + priority]), 0
  if priority < urgent then
    take = math.min(want, room(priority))
  elseif priority == urgent and want > 0 then
    take = take_beside_equals(want, priority)
  end
  for _ = 1, take do
    redis.call('ZADD', places, whole(now + lease), me .. ':' .. whole(tonumber(ARGV[FIRST]) + granted))
    granted = granted + 1
  end
  if want > take and not left then left = {priority, want - take} end
end

local wait = -1
if left then
  redis.call('HSET', waiting, me, left[1] .. ' ' .. whole(left[2]) .. ' ' .. whole(now + 3 * beat))
  if room(left[1]) > 0 then
    wait = CONTESTED
  else
    local surplus = counting + granted - most(left[1])
    local next_free = surplus >= 0 and redis.call('ZRANGEBYSCORE', places, '(' .. whole(now), '+inf', 'WITHSCORES', 'LIMIT', surplus, 1)[2]
    local chance = math.max(math.min(tonumber(next_free or nil) or now, raise or huge), paused, opens)
    wait = math.max(1, math.min(beat, chance - now))
  end
else
  redis.call('HDEL', waiting, me)
end

redis.call('PEXPIRE', places, KEPT)
redis.call('PEXPIRE', waiting, KEPT)
redis.call('PEXPIRE', members, KEPT)
redis.call('PEXPIRE', state, whole(KEPT + (math.max(paused, raise or now) - now + (limit + 1) * recovery) / 1000))
return {granted, wait, effective(), limited(), math.max(0, paused - now), math.max(1, alive), since}
