-- Tables, strings, closures, integer and floating-point arithmetic; the argument is how much.
local size = tonumber(arg[1])
local words = {}
for i = 1, size do
    words[i] = string.format("%08x", (i * 2654435761) % 4294967296)
end
table.sort(words)
local seen, sum = {}, 0
for i, w in ipairs(words) do
    local key = w:sub(1, 3)
    seen[key] = (seen[key] or 0) + 1
    sum = sum + i % 7
end
local n = 0
for _ in pairs(seen) do n = n + 1 end
local function fib(k) if k < 2 then return k end return fib(k - 1) + fib(k - 2) end
local account = {}
account.__index = account
function account:add(x) self.total = self.total + x; return self end
local a = setmetatable({total = 0}, account)
for i = 1, size * 4 do a:add(i % 13) end
local x = 0.5
for i = 1, size * 5 do x = 3.7 * x * (1 - x) end
local text = table.concat(words, " ")
local _, found = text:gsub("f(%d)", "%1")
print(n, sum, fib(20), a.total, found, x > 0 and x < 1)
