-- job_submit.lua - memwarden's caps at submit, for Slurm's JobSubmitPlugins=lua
--
-- A job whose --mem-burst, --oom-priority, --oom-reserve or --mem-retry is more than its
-- class in memwarden.conf lets it have is refused, with what would be right; without
-- this the nodes cut it later.  And where ADVICE is a file, a --mem that is more than the
-- user's jobs of that name have ever needed is lowered to what `memwarden report`
-- recommends, and the user is told.
--
-- Put it beside slurm.conf, and memwarden.conf of the nodes on the controller's host, too.
-- Who has a job_submit.lua keeps it, and calls this one:
--
--     local memwarden = dofile ("/etc/slurm/memwarden_submit.lua")
--     function slurm_job_submit (job, parts, uid)
--         return memwarden.submit (job, parts, uid)   -- slurm.SUCCESS, or a refusal
--     end
--
-- What it cannot read caps nobody, and no error in it keeps a job from being submitted:
-- slurmctld's log has both.  It does not know which of several partitions a job will be
-- in: there it refuses what none of them would let it have.

-- The caps: class sections first, as the nodes go by them.
local CONF = "/etc/memwarden/memwarden.conf"

-- "/var/lib/memwarden/advice.csv": what `memwarden report --csv JOURNAL…` says of all
-- nodes, made by cron.  nil: --mem stays what it is.
local ADVICE = nil
-- Less than so many jobs of a name prove nothing.
local ADVICE_JOBS = 5
-- Never lowered to less, in MiB: what is small there was perhaps a trial.
local ADVICE_LEAST = 100
-- Of these names are jobs of any kind.
local ADVICE_NOT = { wrap = true, bash = true, sh = true, interactive = true }

-- The CSV may be long: it is not read more often than that, in seconds.
local ADVICE_EVERY = 60

local memwarden = {}

-- ---- what is written in files -------------------------------------------------------

local function contents (path)
    local file = io.open (path, "r")
    if not file then return nil end
    local text = file:read ("*a")
    file:close ()
    return text
end

-- A line of memwarden.conf, without its comment: "#" in quotes is none
local function bare (line)
    local out, quoted = "", false
    for c in line:gmatch (".") do
        if c == '"' then quoted = not quoted end
        if c == "#" and not quoted then break end
        out = out .. c
    end
    return out
end

-- { root = { option = value }, classes = { { title =, option = value }, … } }
function memwarden.read_conf (text)
    local conf = { root = {}, classes = {} }
    local lines, section = {}, nil
    for line in (text .. "\n"):gmatch ("([^\n]*)\n") do lines[#lines + 1] = bare (line) end
    local rest = table.concat (lines, "\n")
    while true do
        local kind, title, after = rest:match ('^%s*([%a-]+)%s+"?([%w_.-]+)"?%s*{(.*)')
        if not kind then
            kind, after = rest:match ("^%s*([%a-]+)%s*{(.*)")
        end
        local name, value, behind = rest:match ('^%s*([%a-]+)%s*=%s*"([^"]*)"(.*)')
        if not name then
            name, value, behind = rest:match ("^%s*([%a-]+)%s*=%s*([^%s{}]+)(.*)")
        end
        if kind then
            section = { title = title }
            if kind == "class" then table.insert (conf.classes, section) end
            rest = after
        elseif name then
            (section or conf.root)[name] = value
            rest = behind
        elseif rest:match ("^%s*}") then
            section = nil
            rest = rest:gsub ("^%s*}", "", 1)
        else
            return conf
        end
    end
end

-- A line of CSV, in cells
local function cells (line)
    local out, at = {}, 1
    while at <= #line + 1 do
        if line:sub (at, at) == '"' then
            local cell = ""
            at = at + 1
            while at <= #line do
                local c = line:sub (at, at)
                if c == '"' and line:sub (at + 1, at + 1) == '"' then
                    at = at + 1
                elseif c == '"' then
                    break
                end
                cell = cell .. c
                at = at + 1
            end
            out[#out + 1] = cell
            at = at + 2
        else
            local stop = line:find (",", at, true) or #line + 1
            out[#out + 1] = line:sub (at, stop - 1)
            at = stop + 1
        end
    end
    return out
end

-- { ["UID NAME"] = { jobs =, mb = } }
function memwarden.read_advice (text)
    local advice, place = {}, nil
    for line in text:gmatch ("[^\r\n]+") do
        local row = cells (line)
        if not place then
            place = {}
            for i, name in ipairs (row) do place[name] = i end
        else
            local bytes = tonumber (row[place.advice_bytes or 0])
            local jobs = tonumber (row[place.jobs or 0])
            local name = row[place.name or 0]
            if bytes and bytes > 0 and jobs and name then
                advice[row[place.uid or 0] .. " " .. name] =
                    { jobs = jobs, mb = math.ceil (bytes / 1048576) }
            end
        end
    end
    return advice
end

-- ---- values -------------------------------------------------------------------------

local UNITS = { [""] = 1 / 1048576, B = 1 / 1048576, K = 1 / 1024, M = 1, G = 1024, T = 1048576 }

-- "64G" in MiB, or nil
local function size (text)
    local n, unit = text:match ("^([%d.]+)([BKMGT]?)i?B?$")
    n = tonumber (n)
    return n and n * UNITS[unit] or nil
end

-- "x1.5", "150%" or "64G": a factor, or nil and MiB
local function amount (text)
    local n = tonumber (text:match ("^x([%d.]+)$"))
    if n then return n end
    n = tonumber (text:match ("^([%d.]+)%%$"))
    if n then return n / 100 end
    return nil, size (text)
end

-- "x1.5,max=64G,tries=2"
local function retry (text)
    local r = { off = text == "off", factor = tonumber (text:match ("^x([%d.]+)")) }
    r.tries = tonumber (text:match (",tries=(%d+)"))
    local most = text:match (",max=([^,]+)")
    r.max = most and size (most)
    return r
end

-- fnmatch (3), of what is used in memwarden.conf
function memwarden.matches (glob, text)
    local pattern, at = "^", 1
    if not glob or glob == "" then return true end
    while at <= #glob do
        local c = glob:sub (at, at)
        local set = c == "[" and glob:match ("^%[([!^]?%]?[^%]]*)%]", at)
        if set then
            at = at + #set + 2
            pattern = pattern .. "[" .. set:gsub ("%%", "%%%%"):gsub ("^!", "^") .. "]"
        else
            at = at + 1
            if c == "\\" then c = glob:sub (at, at); at = at + 1
            elseif c == "*" then c = nil; pattern = pattern .. ".*"
            elseif c == "?" then c = nil; pattern = pattern .. "."
            end
            if c then pattern = pattern .. c:gsub ("%W", "%%%0") end
        end
    end
    return text:match (pattern .. "$") ~= nil
end

local function mib (mb)
    if mb >= 1024 and mb % 1024 == 0 then return string.format ("%dG", math.floor (mb / 1024)) end
    return string.format ("%dM", math.floor (mb))
end

-- ---- a job --------------------------------------------------------------------------

-- What it has asked of memwarden, as the SPANK plugin has carried it: { MEM_BURST = "x2" }
local function flags (job)
    local out = {}
    for _, entry in pairs (job.spank_job_env or {}) do
        local name, value = entry:match ("MEMWARDEN_([%u_]+)=(.*)$")
        if name then out[name] = value end
    end
    return out
end

-- MiB of a node, where that is known; nil
local function memory (job)
    local mb = job.min_mem_per_node
    if not mb or mb <= 0 or mb >= 2 ^ 60 then return nil end
    return mb
end

local function partitions (job, parts)
    local out = {}
    for name in (job.partition or ""):gmatch ("[^,]+") do out[#out + 1] = name end
    if #out == 0 then
        for name, part in pairs (parts or {}) do
            if part.flag_default == 1 then out[1] = name end
        end
    end
    if #out == 0 then out[1] = "" end
    return out
end

local function class_of (conf, job, partition)
    for _, class in ipairs (conf.classes) do
        if memwarden.matches (class["match-qos"], job.qos or job.default_qos or "") and
           memwarden.matches (class["match-account"], job.account or job.default_account or "") and
           memwarden.matches (class["match-user"], job.user_name or "") and
           memwarden.matches (class["match-partition"], partition) then
            return class
        end
    end
    return {}
end

local function cap (conf, class, option, default)
    return class[option] or conf.root[option] or default
end

local function whose (class)
    return class.title and "class " .. class.title or "the site"
end

-- Each returns what is wrong, or nil

local function burst_is_over (job, asked, most)
    local factor, mb = amount (asked)
    local top, top_mb = amount (most)
    local mem = memory (job)
    if factor and top then return factor > top end
    if mb and top_mb then return mb > top_mb end
    if not mem then return false end
    mb = mb or factor and factor * mem
    top_mb = top_mb or top and top * mem
    return mb and top_mb and mb > top_mb
end

local checks = {
    MEM_BURST = function (conf, class, job, asked)
        local most = cap (conf, class, "max-burst", "x4")
        if burst_is_over (job, asked, most) then
            return string.format ("--mem-burst=%s is more than %s allows: %s", asked,
                                  whose (class), most)
        end
    end,
    OOM_PRIORITY = function (conf, class, _, asked)
        local most = tonumber (cap (conf, class, "max-priority", "500"))
        if most and (tonumber (asked) or 0) > most then
            return string.format ("--oom-priority=%s is more than %s allows: %d", asked,
                                  whose (class), most)
        end
    end,
    OOM_RESERVE = function (conf, class, job, asked)
        local factor, mb = amount (asked)
        local top, top_mb = amount (cap (conf, class, "reserve", "5%"))
        local mem = memory (job)
        factor = factor or mb and mem and mb / mem
        top = math.max (1, top or top_mb and mem and top_mb / mem or 1)
        if factor and factor > top then
            return string.format ("--oom-reserve=%s is more than the %d%% of its --mem that %s allows",
                                  asked, math.floor (top * 100), whose (class))
        end
    end,
    MEM_RETRY = function (conf, class, _, asked)
        local text = cap (conf, class, "max-mem-retry", nil)
        local want = retry (asked)
        if not text or want.off then return nil end
        local most = retry (text)
        if most.off or (want.factor or 0) > (most.factor or math.huge) or
           (want.max or 0) > (most.max or math.huge) or
           (want.tries or 0) > (most.tries or math.huge) then
            return string.format ("--mem-retry=%s is more than %s allows: %s", asked,
                                  whose (class), text)
        end
    end,
}

local function refusal (conf, job, partition)
    local class = class_of (conf, job, partition)
    local asked = flags (job)
    for _, name in ipairs { "MEM_BURST", "OOM_PRIORITY", "OOM_RESERVE", "MEM_RETRY" } do
        local wrong = asked[name] and checks[name] (conf, class, job, asked[name])
        if wrong then return wrong end
    end
    return nil
end

-- ---- less --mem ---------------------------------------------------------------------

local advice, advice_read = {}, 0

local function lower (job, uid)
    local mem = memory (job)
    if not ADVICE or not mem or not job.name or ADVICE_NOT[job.name] then return end
    if os.time () - advice_read >= ADVICE_EVERY then
        advice_read = os.time ()
        advice = memwarden.read_advice (contents (ADVICE) or "")
    end
    local known = advice[string.format ("%d %s", uid, job.name)]
    if not known or known.jobs < ADVICE_JOBS then return end
    local less = math.max (known.mb, ADVICE_LEAST)
    if less >= mem then return end
    job.min_mem_per_node = less
    slurm.log_user ("%s", string.format (
        "memwarden: --mem=%s is lowered to %s, which is more than your last %d jobs of this name needed",
        mib (mem), mib (less), known.jobs))
end

-- ---- what Slurm calls ---------------------------------------------------------------

local function submit (job, parts, uid)
    local text = contents (CONF)
    if not text then
        slurm.log_info ("%s", "job_submit.lua: cannot read " .. CONF .. ": memwarden's caps are not checked at submit")
    end
    local conf = memwarden.read_conf (text or "")
    local wrong
    for _, partition in ipairs (partitions (job, parts)) do
        wrong = text and uid ~= 0 and refusal (conf, job, partition)
        if not wrong then break end
    end
    if wrong then
        slurm.log_user ("%s", "memwarden: " .. wrong)
        return slurm.ESLURM_ACCOUNTING_POLICY or slurm.ERROR
    end
    lower (job, uid)
    return slurm.SUCCESS
end

-- Returns slurm.SUCCESS, or why [job] is refused, which its user has been told.
function memwarden.submit (job, parts, uid)
    local ran, result = pcall (submit, job, parts, uid)
    if ran then return result end
    slurm.log_info ("%s", "job_submit.lua: " .. tostring (result))
    return slurm.SUCCESS
end

function slurm_job_submit (job, parts, uid)
    return memwarden.submit (job, parts, uid)
end

function slurm_job_modify ()
    return slurm.SUCCESS
end

return memwarden
