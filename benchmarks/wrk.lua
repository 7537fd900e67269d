-- For wrk: requests the paths that follow the address, in turn, and prints the result as JSON.
-- https://github.com/wg/wrk/blob/master/SCRIPTING
function init(args)
   local requests = {}
   for index, path in ipairs(args) do
      requests[index] = wrk.format(nil, path)
   end
   if #requests > 0 then -- without paths, wrk repeats the one request and does not call Lua
      local index = 0
      request = function()
         index = index % #requests + 1
         return requests[index]
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
