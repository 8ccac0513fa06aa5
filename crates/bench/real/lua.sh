#!/bin/sh
# needs: lua5.4=lua5.4
# serves: lua5.4
# about: Lua's tables, strings, closures and coroutines: every change of size is one call of realloc.
set -eu
export LC_ALL=C
unset LUA_INIT LUA_INIT_5_4 2> /dev/null || true
dir=$2
case $1 in
prepare)
    cat > "$dir/work.lua" <<'LUA'
local n = tonumber(arg[1])
local x = 7
local function random(k) x = (x * 1103515245 + 12345) % 2147483648; return x // 64 % k end

local words = {}
for i = 1, n do
  local key = "k" .. random(20011)
  words[key] = (words[key] or "") .. string.char(97 + random(26))
  if #words[key] > 120 then words[key] = nil end
end
local sum, count = 0, 0
for k, v in pairs(words) do sum = (sum + #v * #k) % 1000003; count = count + 1 end
print("words", count, sum)

local function node(depth)
  if depth == 0 then return { weight = random(100) } end
  local below = {}
  for i = 1, 4 do below[i] = node(depth - 1) end
  return { below = below, visit = function(f) for _, b in ipairs(below) do f(b) end end }
end
local function weigh(tree)
  if tree.weight then return tree.weight end
  local total = 0
  tree.visit(function(b) total = total + weigh(b) end)
  return total
end
for i = 1, n // 100000 do print("tree", weigh(node(6))) end

local rows = {}
for i = 1, n // 8 do rows[i] = { key = random(1 << 30), name = ("row %d"):format(random(99991)), tags = { i, i % 7 } } end
table.sort(rows, function(a, b) if a.name == b.name then return a.key < b.key end return a.name < b.name end)
print("rows", #rows, rows[1].name, rows[#rows].name)
local parts = {}
for i, row in ipairs(rows) do parts[i] = row.name:upper():gsub("%d", function(d) return d .. d end) end
print("text", #table.concat(parts, ","))

local total = 0
for i = 1, n // 100 do
  local thread = coroutine.wrap(function(a) for k = 1, 3 do a = a + #coroutine.yield(a) end return a end)
  thread(i); thread("a"); total = total + thread(("b"):rep(i % 300))
end
print("coroutines", total)
LUA
    ;;
run)
    case $3 in full) n=360000 ;; *) n=100000 ;; esac
    exec lua5.4 "$dir/work.lua" "$n"
    ;;
esac
