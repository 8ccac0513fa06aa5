# needs: lua5.4=lua5.4
# witness: lua5.4
# An interpreter whose allocator is nothing but realloc and free.
. "$CORPUS/lib.sh"
under lua5.4 - "$(scaled 200000 1500000)" <<'LUA'
local n = tonumber(arg[1])
local words, x = {}, 7
for i = 1, n do
  x = (x * 1103515245 + 12345) % 2147483648
  local key = "k" .. x % 20011
  words[key] = (words[key] or "") .. string.char(97 + x % 26)
  if #words[key] > 200 then words[key] = nil end
end
local sum, count = 0, 0
for k, v in pairs(words) do sum = (sum + #v * #k) % 1000003; count = count + 1 end
print(count, sum)
local parts = {}
for i = 1, n // 4 do parts[#parts + 1] = { i, tostring(i), { i * 2 } } end
table.sort(parts, function(a, b) return a[2] < b[2] end)
print(#parts, parts[1][2], parts[#parts][2])
parts = nil
collectgarbage()
local thread = coroutine.wrap(function() for i = 1, 1000 do coroutine.yield(("x"):rep(i)) end end)
local total = 0
for i = 1, 1000 do total = total + #thread() end
print(total)
LUA
