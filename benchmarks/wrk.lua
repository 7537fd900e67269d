-- For wrk: asks for the paths that are given after the address, in turn, and says what came of it as JSON.
-- https://github.com/wg/wrk/blob/master/SCRIPTING
function init(args)
   local requests = {}
   for place, path in ipairs(args) do
      requests[place] = wrk.format(nil, path)
   end
   if #requests > 0 then -- else wrk sends the one request over and over, without asking Lua
      local at = 0
      request = function()
         at = at % #requests + 1
         return requests[at]
      end
   end
end

function done(summary, latency)
   local errors = summary.errors
   io.write(string.format(
      '\n{"requests": %d, "bytes": %d, "microseconds": %d, "failed": %d, "p50": %d, "p99": %d}\n',
      summary.requests, summary.bytes, summary.duration,
      errors.connect + errors.read + errors.write + errors.status + errors.timeout,
      latency:percentile(50), latency:percentile(99)
   ))
end
