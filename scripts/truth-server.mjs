// A server that knows how long it took, and when requests came: scripts/bench truth and compare.
//
//   node scripts/truth-server.mjs PORT H2-PORT
//
// GET /reset?KIND   begins to count, with service times of that kind: constant, exponential, erlang, pareto, pause
// GET /truth        what it saw since then: {"n", "p50", "p90", "p99", "max"}, in ms
// GET /gaps?MEAN    how far the gaps between arrivals are from exponential ones of that mean, in ms: {"n", "d", "limit"};
//                   d is Kolmogorov's and Smirnov's statistic, above the limit in 5 of 100 Poisson processes
// GET /slower       is answered after such a time and 5 % of it
// GET anything else is answered after such a time
//
// A service time counts from when the request was read until its answer was handed to the kernel. HTTP/1.1 at PORT,
// HTTP/2 with prior knowledge at H2-PORT. "pause": constant, but four seconds after the first request it answers nothing
// for a second; what comes then is answered at its end, and its service time is what is left of that second.
import http from 'node:http';
import http2 from 'node:http2';

const mean = 50;
const shape = 1.5;
const longest = 2000;
const pauseAfter = 4000;
const pause = 1000;

let kind = 'constant';
let first = 0;
let times = [];
let arrivals = [];

const exponential = (of) => -of * Math.log(1 - Math.random());

function serviceTime(now) {
  switch (kind) {
    case 'exponential':
      return exponential(mean);
    case 'erlang':
      return exponential(mean / 4) + exponential(mean / 4) + exponential(mean / 4) + exponential(mean / 4);
    case 'pareto':
      return Math.min((mean / 3) * (1 - Math.random()) ** (-1 / shape), longest);
    case 'pause': {
      const since = now - first - pauseAfter;
      return since >= 0 && since < pause ? pause - since : mean;
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

function gaps(expected) {
  const sorted = Float64Array.from(arrivals.slice(1), (came, i) => came - arrivals[i]).sort();
  const n = sorted.length;
  let d = 0;
  sorted.forEach((gap, i) => {
    const share = 1 - Math.exp(-gap / expected);
    d = Math.max(d, share - i / n, (i + 1) / n - share);
  });
  return { n, d, limit: 1.358 / Math.sqrt(n) };
}

function handle(request, response) {
  const came = performance.now();
  const [path, query] = request.url.split('?');
  const say = (what) => response.end(JSON.stringify(what) + '\n');
  if (path === '/truth') return say(truth());
  if (path === '/gaps') return say(gaps(Number(query)));
  if (path === '/reset') {
    [kind, first, times, arrivals] = [query, 0, [], []];
    return response.end('ok\n');
  }
  first ||= came;
  arrivals.push(came);
  setTimeout(() => {
    response.end('ok\n');
    times.push(performance.now() - came);
  }, serviceTime(came) * (path === '/slower' ? 1.05 : 1));
}

http.createServer({ keepAliveTimeout: 60000 }, handle).listen(Number(process.argv[2]), '127.0.0.1', 4096);
http2.createServer({ settings: { maxConcurrentStreams: 1000 } }, handle).listen(Number(process.argv[3]), '127.0.0.1', 4096);
