-- Globals for plugins. Every call has fresh ones: nothing that a call leaves in a global or in a standard library lasts. They are made by
-- generated code that lists only what the sources mention, which takes a microsecond where copying everything takes ten.
local guest = ...

local carrier = guest.carrier
local concat, format, gmatch, gsub, sort = table.concat, string.format, string.gmatch, string.gsub, table.sort
local error, pairs, pcall, rawget, setmetatable, type = error, pairs, pcall, rawget, setmetatable, type
local real_require, string_meta, real_string = require, getmetatable(''), string
local get_environment, set_environment = getfenv, setfenv
local debug_join = debug.upvaluejoin
local is_lua51 = setfenv ~= nil

local globals = {}
guest.globals = globals

--- What plugins see, by name; tables are copied for each call, but for those in `shared`.
local base, shared = {}, {interpose = true}
for name, value in pairs(_G) do
  if name ~= '_G' and name ~= 'arg' and name ~= 'package' and name ~= 'carrier' then base[name] = value end
end

-- Of the call that runs, or of the load.
local environment, packages

--- Run a chunk's code with these globals.
if not set_environment then
  function set_environment(chunk, env)
    -- The first upvalue of a chunk is its _ENV; each call gets one of its own.
    debug_join(chunk, 1, function() return env end, 1)
  end
end
globals.bind = set_environment

local load_text = is_lua51 and loadstring or function(text, name) return load(text, name, 't') end

--- A source as a function without globals yet, or nil and what is wrong with it.
function globals.compile(text, name)
  -- A byte order mark, and a first line for the shell.
  text = gsub(gsub(text, '^\239\187\191', ''), '^#[^\n]*', '')
  return load_text(text, '@' .. name)
end

base.os = {}
for name, value in pairs(os) do base.os[name] = value end
function base.os.exit() error('os.exit would end the process of this plugin, and with it other requests', 2) end

local function bound(chunk, why)
  if chunk then set_environment(chunk, environment) end
  return chunk, why
end

if is_lua51 then
  function base.loadstring(text, name) return bound(loadstring(text, name)) end
  function base.load(source, name) return bound((type(source) == 'string' and loadstring or load)(source, name)) end
  function base.getfenv(of)
    if of == 0 then return environment end
    if type(of) == 'function' then return get_environment(of) end
    local env = get_environment((of or 1) + 1)
    return env
  end
  function base.setfenv(of, env)
    if type(of) == 'number' then
      if of > 0 then set_environment(of + 1, env) end
      return nil
    end
    return set_environment(of, env)
  end
  function base.module(name, ...)
    local members = packages.loaded[name] or {_NAME = name}
    members._M, packages.loaded[name], environment[name] = members, members, members
    for _, option in pairs {...} do option(members) end
    set_environment(2, members)
  end
else
  base.load = function(source, name, mode, env)
    return load(source, name, mode, env == nil and environment or env)
  end
  base.loadstring = base.load
end

function base.loadfile(path)
  local text, why = carrier.read_file(path)
  if not text then return nil, why end
  return bound(globals.compile(text, path))
end

function base.dofile(path)
  local chunk, why = base.loadfile(path)
  if not chunk then error(why, 2) end
  return chunk()
end

local modules = {}

-- The module's chunk, compiled once, or nil and where it was looked for.
local function find_module(name)
  local looked = {}
  local file_name = gsub(name, '%.', '/')
  for template in gmatch(packages.path, '[^;]+') do
    local path = gsub(template, '%?', function() return file_name end)
    if not modules[path] then
      local text = carrier.read_file(path)
      if text then
        local chunk, why = globals.compile(text, path)
        if not chunk then error(why, 0) end
        modules[path] = chunk
      end
    end
    if modules[path] then return bound(modules[path]) end
    looked[#looked + 1] = format("\n\tno file '%s'", path)
  end
  return nil, concat(looked)
end

--- Modules that stand in where nothing is installed.
globals.stand_ins = {}

local function installed(name, looked)
  local ok, module = pcall(real_require, name)
  if ok then return module end
  if globals.stand_ins[name] then return globals.stand_ins[name]() end
  error(format("module '%s' not found:%s", name, looked), 0)
end

function base.require(name)
  local loaded = packages.loaded
  if loaded[name] == nil then
    local loader, looked = packages.preload[name], nil
    if not loader and type(base[name]) == 'table' then
      loaded[name] = environment[name]
    else
      if not loader then loader, looked = find_module(name) end
      local value
      if loader then value = loader(name) else value = installed(name, looked) end
      if value ~= nil then loaded[name] = value elseif loaded[name] == nil then loaded[name] = true end
    end
  end
  return loaded[name]
end

local module_path = ''
local process_path, process_cpath, process_config = package.path, package.cpath, package.config

--- Where `require` looks first.
function globals.set_folders(folders)
  local templates = {}
  for _, folder in pairs(folders) do templates[#templates + 1] = format('%s/?.lua;%s/?/init.lua;', folder, folder) end
  module_path = concat(templates) .. process_path
end

local function see_all(members) setmetatable(members, {__index = environment}) end

function globals.new_package()
  packages = {path = module_path, cpath = process_cpath, config = process_config, loaded = {}, preload = {}, seeall = see_all}
  return packages
end

--- Words of a source: whatever it uses by name is among them.
function globals.words(text, into)
  for word in gmatch(text, '[%a_][%w_]*') do into[word] = true end
  return into
end

local reaching_all = {
  '_G', '_ENV', 'getfenv', 'setfenv', 'load', 'loadstring', 'loadfile', 'dofile', 'require', 'module', 'package', 'debug',
}

--- Whether code with these words may get at globals that it does not name.
function globals.is_dynamic(words)
  for _, word in pairs(reaching_all) do if words[word] then return true end end
  return false
end

local function listing(name, value)
  if type(value) ~= 'table' or shared[name] then return format('[%q]=base[%q]', name, name) end
  local fields = {}
  for field in pairs(value) do fields[#fields + 1] = format('[%q]=base[%q][%q]', field, name, field) end
  return format('[%q]={%s}', name, concat(fields, ','))
end

--- A function that makes the globals for code with these words: `make(object, tyk)`.
function globals.maker(words)
  local all = globals.is_dynamic(words)
  local fields = {}
  for name, value in pairs(base) do
    if all or words[name] then fields[#fields + 1] = listing(name, value) end
  end
  sort(fields)
  local code = format(
    'local base, new_package = ... return function(object, tyk) local env = {object=object,tyk=tyk,%s} %s return env end',
    concat(fields, ','),
    all and 'env._G, env.package = env, new_package()' or ''
  )
  return load_text(code, '=globals')(base, globals.new_package)
end

--- From now on these are the globals, also for what looks them up by itself.
function globals.enter(env)
  environment = env
  string_meta.__index = rawget(env, 'string') or real_string
end

globals.base = base
