-- The sources of a plugin set: compiled once, run for every call, since each call has fresh globals. A hook runs only the files that it
-- may need: its own, those that define what they mention, and those that mention what they define.
local guest = ...

local carrier, globals = guest.carrier, guest.globals
local concat, format, getinfo, getlocal = table.concat, string.format, debug.getinfo, debug.getlocal
local find, getmetatable, ipairs, next, pairs, pcall, rawget, tostring, type =
  string.find, getmetatable, ipairs, next, pairs, pcall, rawget, tostring, type

local plugins = {}
guest.plugins = plugins

local function warn(text) guest.log('warn', text) end

-- A source as {name, path, chunk, words}; one that cannot be used has a `problem`.
local function read_source(file)
  local text, why = carrier.read_file(file.path)
  local source = {name = file.name, path = file.path, words = {}, defines = {}}
  if not text then
    source.problem = format('%s cannot be read: %s', file.name, why)
  else
    globals.words(text, source.words)
    source.chunk, why = globals.compile(text, file.name)
    source.problem = why
  end
  if source.problem then warn(source.problem) end
  return source
end

-- The fields of the standard libraries, to see who changes them.
local function library_fields(all)
  local fields = {}
  for name, value in next, all do
    if type(globals.base[name]) == 'table' and type(value) == 'table' and name ~= 'interpose' then
      for field, item in pairs(value) do fields[name .. '.' .. tostring(field)] = item end
    end
  end
  return fields
end

-- Run a source once, to learn which globals it defines. One that reaches into what all share is needed by every hook.
local function learn(source, all)
  local fields, globals_before, meta = library_fields(all), {}, getmetatable(all)
  for name, value in next, all do globals_before[name] = value end
  globals.bind(source.chunk, all)
  local ok, why = pcall(source.chunk)
  if not ok then warn(format('%s threw while it was loaded: %s', source.name, tostring(why))) end
  for name, value in next, all do
    if globals_before[name] ~= value then source.defines[name] = true end
  end
  source.shared = getmetatable(all) ~= meta
  for field, item in pairs(library_fields(all)) do
    if fields[field] ~= item then source.shared = true end
  end
end

-- By name: the sources that define it, and those that mention it.
local function index_of(sources)
  local definers, mentioners = {}, {}
  for _, source in ipairs(sources) do
    for name in pairs(source.defines) do
      definers[name] = definers[name] or {}
      definers[name][source] = true
      mentioners[name] = mentioners[name] or {}
    end
  end
  for _, source in ipairs(sources) do
    for word in pairs(source.words) do
      if mentioners[word] then mentioners[word][source] = true end
    end
  end
  return definers, mentioners
end

-- The sources that a hook may need, the one at `path` last: there the name is looked up first.
local function sources_for(hook, sources, definers, mentioners)
  local needed, all = {}, false
  local function need(source)
    if needed[source] or not source.chunk then return end
    needed[source] = true
    if globals.is_dynamic(source.words) then all = true end
    for word in pairs(source.words) do
      for definer in pairs(definers[word] or {}) do need(definer) end
    end
    for name in pairs(source.defines) do
      for mentioner in pairs(mentioners[name] or {}) do need(mentioner) end
    end
  end
  for source in pairs(definers[hook.name] or {}) do need(source) end
  local list, own = {}, nil
  for _, source in ipairs(sources) do
    if source.chunk and (all or needed[source] or source.shared) then
      if source.path == hook.file and source.defines[hook.name] then own = source else list[#list + 1] = source end
    end
  end
  list[#list + 1] = own
  return list
end

-- Ways to read a body without writing its name.
local body_readers = {'pairs', 'next', 'encode', 'rawget', 'tostring'}

-- A hook reads its message's body when its sources mention one, or could read one without.
local function body_use(words)
  if globals.is_dynamic(words) then return 'buffered' end
  for _, word in ipairs(body_readers) do if words[word] then return 'buffered' end end
  for word in pairs(words) do if find(word, 'body', 1, true) then return 'buffered' end end
  return 'none'
end

local function missing(hook, sources)
  local names, problems = {}, {}
  for _, source in ipairs(sources) do
    names[#names + 1] = source.name
    problems[#problems + 1] = source.problem
  end
  local where = #names == 0 and 'there is no Lua file for it' or 'it is not in ' .. concat(names, ', ')
  if hook.missing then where = format('there is no file %s, and %s', hook.path, where) end
  local why = #problems == 0 and '' or '; ' .. concat(problems, '; ')
  return format('no function "%s": %s%s', hook.name, where, why)
end

-- What a hook's function says of itself: how it wants to be called.
local function read_form(hook, run)
  local info = getinfo(run, 'u')
  -- One without parameters takes what it needs from `interpose`, and need not return anything.
  hook.is_plain = info.nparams == 0 and not info.isvararg
  hook.with_metadata = hook.type == 'auth' and getlocal(run, 3) == 'metadata'
end

--- Load a set: its hooks, each with `make` and `chunks`, or with why it is not ready.
function plugins.load(message)
  local sources, hooks = {}, {}
  globals.set_folders(message.folders)
  local all = globals.maker({_G = true})(nil, guest.tyk.new_helper())
  globals.enter(all)
  for _, file in ipairs(message.files) do
    local source = read_source(file)
    sources[#sources + 1] = source
    if source.chunk then learn(source, all) end
  end
  local definers, mentioners = index_of(sources)
  for _, hook in ipairs(message.hooks) do
    local run = rawget(all, hook.name)
    if type(run) ~= 'function' or not definers[hook.name] then
      hook.reason = missing(hook, sources)
    else
      local words = {}
      hook.chunks = {}
      for i, source in ipairs(sources_for(hook, sources, definers, mentioners)) do
        hook.chunks[i] = source.chunk
        for word in pairs(source.words) do words[word] = true end
      end
      hook.make = globals.maker(words)
      hook.body = body_use(words)
      read_form(hook, run)
    end
    hooks[#hooks + 1] = hook
  end
  return hooks
end

--- The hook's function among fresh globals. What a source does wrong on its top level was told when it was loaded.
function plugins.fresh(hook, object)
  local env, chunks, bind = hook.make(object, guest.tyk.new_helper()), hook.chunks, globals.bind
  globals.enter(env)
  for i = 1, #chunks do
    bind(chunks[i], env)
    pcall(chunks[i])
  end
  return rawget(env, hook.name) or env[hook.name]
end
