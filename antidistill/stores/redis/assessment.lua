-- Carries observations to the process that assesses, and assessments back. One step each, so that a process that lost its lease in
-- between changes nothing any more.
--
-- KEYS: the stream of observations, the lease, the table of assessments, their order, what is known besides ("state"), what a sender sent,
-- and a piece of a snapshot.
-- ARGV[1]: what to do; then seconds after which all this is forgotten, and the arguments of each.

local call, unpack = redis.call, unpack
local STREAM, LEASE, TABLE, ORDER, STATE, SENT, PIECE = unpack(KEYS)
local FORGET = ARGV[2]
local GROUP, READER = 'assess', 'leader'
local SOME = 500           -- arguments that one command takes
local LOST = -1            -- the lease is another's

local function keep(...)
  for _, key in ipairs({...}) do call('EXPIRE', key, FORGET) end
end

local function at(field) return call('HGET', STATE, field) end

local function holds(token) return call('GET', LEASE) == token end

-- observations ---------------------------------------------------------------------------------------------------------------

local run = {}

-- number, bound, observations…: appends them, unless this sender's batch of that number came before. Returns how many wait to be read.
function run.send()
  local number, bound = ARGV[3], ARGV[4]
  if call('GET', SENT) ~= number then
    for place = 5, #ARGV do call('XADD', STREAM, 'MAXLEN', '~', bound, '*', 'o', ARGV[place]) end
    call('SET', SENT, number, 'EX', 600)
    keep(STREAM)
  end
  return {call('XLEN', STREAM), call('EXISTS', LEASE)}
end

-- token, time: notes in the stream that time has passed.
function run.mark()
  if not holds(ARGV[3]) then return LOST end
  call('XADD', STREAM, '*', 't', ARGV[4])
  return 1
end

local function group(position)
  local made = redis.pcall('XGROUP', 'CREATE', STREAM, GROUP, position, 'MKSTREAM')
  if made.err then call('XGROUP', 'SETID', STREAM, GROUP, position) end
  keep(STREAM)
end

-- token, position: begins to read after a position.
function run.begin()
  if not holds(ARGV[3]) then return LOST end
  group(ARGV[4])
  return 1
end

local function removed()
  local about = call('XINFO', 'STREAM', STREAM)
  local fields = {}
  for place = 1, #about, 2 do fields[about[place]] = about[place + 1] end
  return {(fields['entries-added'] or fields['length']) - fields['length'], fields['entries-added'] or fields['length']}
end

-- token, position, most: what comes next. Where the stream is gone, a new one begins.
function run.read()
  if not holds(ARGV[3]) then return LOST end
  local function next() return redis.pcall('XREADGROUP', 'GROUP', GROUP, READER, 'NOACK', 'COUNT', ARGV[5], 'STREAMS', STREAM, '>') end
  local reply = next()
  if reply and reply.err then
    group(ARGV[4])
    reply = next()
  end
  if reply and reply.err then return reply end
  local counts = removed()
  return {counts[1], counts[2], reply and reply[1][2] or {}}
end

-- token, position: what lies before has been put away for good.
function run.settle()
  if not holds(ARGV[3]) then return LOST end
  return call('XTRIM', STREAM, 'MINID', '=', ARGV[4])
end

-- lease ----------------------------------------------------------------------------------------------------------------------

-- token, name, milliseconds: takes the lease, where it is free or was that of an earlier process of the same name.
-- Returns the term, or nothing.
function run.lead()
  local token, name = ARGV[3], ARGV[4]
  local holder = call('GET', LEASE)
  if holder and (name == '' or string.sub(holder, 1, #name + 1) ~= name .. '/') then return LOST end
  call('SET', LEASE, token, 'PX', ARGV[5])
  local term = call('HINCRBY', STATE, 'term', 1)
  keep(STATE)
  return term
end

-- token, milliseconds, term: keeps the lease. One that ran out while nobody else led is taken up again.
function run.renew()
  local token, term = ARGV[3], tonumber(ARGV[5])
  local holder = call('GET', LEASE)
  if (holder and holder ~= token) or tonumber(at('term') or 0) > term then return LOST end
  call('SET', LEASE, token, 'PX', ARGV[4])
  call('HSET', STATE, 'term', term)
  keep(STATE)
  return 1
end

-- token: gives the lease back.
function run.resign()
  if not holds(ARGV[3]) then return LOST end
  return call('DEL', LEASE)
end

-- assessments ----------------------------------------------------------------------------------------------------------------

-- token, then account and assessment in turn: publishes them, each under a version of its own. Returns the last one, and how many are
-- published.
function run.publish()
  if not holds(ARGV[3]) then return LOST end
  local version = 0
  for place = 4, #ARGV, 2 do
    version = call('HINCRBY', STATE, 'version', 1)
    call('HSET', TABLE, ARGV[place], ARGV[place + 1])
    call('ZADD', ORDER, version, ARGV[place])
  end
  keep(TABLE, ORDER, STATE)
  return {version, call('ZCARD', ORDER)}
end

-- token, accounts…: takes assessments back, of accounts that are forgotten.
function run.withdraw()
  if not holds(ARGV[3]) then return LOST end
  for place = 4, #ARGV do
    call('HDEL', TABLE, ARGV[place])
    call('ZREM', ORDER, ARGV[place])
  end
  return 1
end

-- cursor: accounts in the table, some of them at a time.
function run.accounts()
  local reply = call('HSCAN', TABLE, ARGV[3], 'COUNT', SOME)
  local accounts = {}
  for place = 1, #reply[2], 2 do accounts[#accounts + 1] = reply[2][place] end
  return {reply[1], accounts}
end

-- version, most: assessments published after a version, the earliest first. Returns whether anybody leads, how many are published, the version
-- that is reached with these, and the assessments.
function run.since()
  local version, most, found = tonumber(ARGV[3]), tonumber(ARGV[4]), {}
  local latest = tonumber(at('version') or 0)
  if version ~= latest then
    local from = version < latest and '(' .. version or '-inf'
    local order = call('ZRANGEBYSCORE', ORDER, from, '+inf', 'WITHSCORES', 'LIMIT', 0, most)
    for place = 1, #order, 2 do found[#found + 1] = call('HGET', TABLE, order[place]) or '' end
    if #found == most then latest = tonumber(order[#order]) end
  end
  return {call('EXISTS', LEASE), call('ZCARD', ORDER), latest, found}
end

-- what else --------------------------------------------------------------------------------------------------------------------

-- token, field, value: remembers something.
function run.note()
  if not holds(ARGV[3]) then return LOST end
  call('HSET', STATE, ARGV[4], ARGV[5])
  keep(STATE)
  return 1
end

-- field: what was remembered.
function run.recall() return at(ARGV[3]) end

-- token, data: puts a piece of a snapshot away.
function run.put()
  if not holds(ARGV[3]) then return LOST end
  call('SET', PIECE, ARGV[4], 'EX', FORGET)
  return 1
end

function run.get() return call('GET', PIECE) end

return run[ARGV[1]]()
