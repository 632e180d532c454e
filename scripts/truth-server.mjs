// A server that knows how long it took: scripts/bench truth.
//
//   node scripts/truth-server.mjs PORT H2-PORT
//
// GET /reset?constant|exponential|pareto|pause   begins to count, with service times of that kind
// GET /truth                                     what it saw since then: {"n", "p50", "p90", "p99", "max"}, in ms
// GET anything else                              is answered after such a time
//
// A service time counts from when the request was read until its answer was handed to the kernel. HTTP/1.1 at PORT,
// HTTP/2 with prior knowledge at H2-PORT. "pause": 2 ms, but four seconds after the first request it answers nothing for
// a second; what comes then is answered at its end, and its service time is what is left of that second.
import http from 'node:http';
import http2 from 'node:http2';

const mean = 10;
const shape = 1.5;
const longest = 2000;
const pauseAfter = 4000;
const pause = 1000;

let kind = 'constant';
let first = 0;
let times = [];

function serviceTime(now) {
  switch (kind) {
    case 'exponential':
      return -mean * Math.log(1 - Math.random());
    case 'pareto':
      return Math.min((mean / 3) * (1 - Math.random()) ** (-1 / shape), longest);
    case 'pause': {
      const since = now - first - pauseAfter;
      return since >= 0 && since < pause ? pause - since : 2;
    }
    default:
      return mean;
  }
}

function truth() {
  const sorted = Float64Array.from(times).sort();
  const at = (share) => sorted[Math.max(Math.ceil(sorted.length * share) - 1, 0)];
  return { n: sorted.length, p50: at(0.5), p90: at(0.9), p99: at(0.99), max: at(1) };
}

function handle(request, response) {
  const came = performance.now();
  const [path, query] = request.url.split('?');
  if (path === '/truth') return response.end(JSON.stringify(truth()) + '\n');
  if (path === '/reset') {
    [kind, first, times] = [query, 0, []];
    return response.end('ok\n');
  }
  first ||= came;
  setTimeout(() => {
    response.end('ok\n');
    times.push(performance.now() - came);
  }, serviceTime(came));
}

http.createServer({ keepAliveTimeout: 60000 }, handle).listen(Number(process.argv[2]), '127.0.0.1', 4096);
http2.createServer({ settings: { maxConcurrentStreams: 1000 } }, handle).listen(Number(process.argv[3]), '127.0.0.1', 4096);
