const percentile = x => {
  const share = 100 * (1 - Math.pow(10, -x));
  return `p${share.toFixed(Math.max(0, Math.ceil(x) - 2)).replace(/\.0+$/, '')}`;
};

const bandsOfADecade = 10;
const bandFrom = band => Math.pow(10, band / bandsOfADecade);

// The more requests in a second took so long, the stronger: the square root, so that few are seen too.
function drawHeat(canvas, area, graph) {
  const most = Math.max(1, ...data.heat.flatMap(bands => bands.map(([, count]) => count)));
  canvas.fillStyle = css('--text');
  data.heat.forEach((bands, i) => {
    const from = graph.toDomXCoord(data.rows[i].from), to = graph.toDomXCoord(data.rows[i].to);
    for (const [band, count] of bands) {
      const top = graph.toDomYCoord(bandFrom(band + 1)), bottom = graph.toDomYCoord(bandFrom(band));
      canvas.globalAlpha = 0.06 + 0.64 * Math.sqrt(count / most);
      canvas.fillRect(from, top, Math.max(to - from, 1), Math.max(bottom - top, 1));
    }
  });
  canvas.globalAlpha = 1;
}

function heatMap(whole) {
  const bands = data.heat.flatMap(column => column.map(([band]) => band));
  if (bands.length === 0) return;
  plot('Response latency: where the requests of each second lie (the stronger, the more)', ['p50', 'p99'],
    data.rows.map(row => [row.t, row.response[0], row.response[2]].map((v, i) => v === null || i === 0 ? v : Math.max(v, 1))),
    {value: micros, at: seconds, log: true, underlay: drawHeat, xlabel: 'time since the start', ylabel: 'latency (log)',
      range: [Math.max(0.5, bandFrom(Math.min(...bands)) / 1.2), bandFrom(Math.max(...bands) + 1) * 1.2], dygraph: whole});
}

function drawRun() {
  const latency = ['p50', 'p90', 'p99', 'max'];
  const whole = {dateWindow: [0, data.report.duration_s]};
  const latencies = (title, key) => plot(title, latency,
    data.rows.map(row => [row.t, ...row[key].map(v => v === null ? null : Math.max(v, 1))]),
    {value: micros, at: seconds, faults: true, log: true, xlabel: 'time since the start', ylabel: 'latency (log)', dygraph: whole});
  latencies('Response latency', 'response');
  heatMap(whole);
  const rates = {value: number, at: seconds, faults: true, xlabel: 'time since the start', dygraph: whole};
  plot('Rate', ['completed/s'], data.rows.map(row => [row.t, row.rate]), {...rates, ylabel: 'responses a second'});
  if (data.rows.some(row => row.errors > 0))
    plot('Errors', ['not ok/s'], data.rows.map(row => [row.t, row.errors]), {...rates, ylabel: 'requests a second'});
  plot('In flight at the end of each second', ['in flight'], data.rows.map(row => [row.to, row.in_flight]), {...rates, ylabel: 'requests'});
  latencies('Service latency', 'service');
  if (data.report.plan.rate) latencies('Lag: due but not sent', 'lag');
  const curve = new Map();
  for (const [i, name] of ['response', 'service'].entries()) {
    for (const [p, us] of data.curve[name]) {
      const x = -Math.log10(1 - p / 100);
      if (!curve.has(x)) curve.set(x, [x, null, null]);
      curve.get(x)[i + 1] = Math.max(us, 1);
    }
  }
  plot('Percentiles', ['response', 'service'], [...curve.values()].sort((a, b) => a[0] - b[0]),
    {value: micros, at: percentile, log: true, xlabel: 'percentile', ylabel: 'latency (log)', dygraph: {
      connectSeparatedPoints: true, drawPoints: false,
      axes: {y: {axisLabelFormatter: micros, axisLabelWidth: 62, ticker: (low, high) => logTicks(low, high, micros)}, x: {axisLabelFormatter: percentile,
        ticker: (min, max, width) => Array.from({length: Math.ceil(max) + 1}, (_, v) => ({v, label: percentile(v)}))
          .filter(tick => tick.v % (width < 500 ? 2 : 1) === 0)}}}});
}

// A percentile beyond which fewer than ten of `count` lie says nothing.
const unknown = (key, count) => /^p/.test(key) && count * (100 - Number(key.slice(1))) < 999.999;
const cell = (key, us, count) => unknown(key, count) ? '–' : micros(us);

function figures() {
  const report = data.report;
  const add = (name, text, className) => {
    const card = make('div', 'card', null, byId('figures'));
    make('div', `figure ${className || ''}`, text, card);
    make('div', 'dim', name, card);
  };
  const requests = report.requests;
  const errors = requests.completed - requests.ok + requests.failed;
  add('responses a second', number(report.throughput_rps));
  add('requests sent', number(requests.sent));
  add('not ok', number(errors), errors > 0 ? 'bad' : 'good');
  add('in flight at the end', number(requests.in_flight_at_end));
  for (const p of ['p50', 'p99']) add(`response ${p}`, cell(p, report.latency_us.response[p], report.latency_us.response.count));
  add('response max', micros(report.latency_us.response.max));
}

function verdicts() {
  const report = data.report;
  const add = (text, className) => make('span', `verdict ${className}`, text, byId('verdicts'));
  for (const slo of report.slo)
    add(`${slo.met ? '✓' : '✗'} ${slo.objective} (${slo.samples ? `${slo.shown} of ${number(slo.samples)} requests` : 'of no request'})`,
      slo.met ? 'good' : 'bad');
  if (report.nothing_reached) add(report.nothing_reached, 'bad');
  if (report.aborted) add(`ABORTED: ${report.aborted}`, 'bad');
  if (!report.valid) add(`INVALID: ${report.reason}`, 'bad');
  else if (report.reason) add(`warning: ${report.reason}`, 'warning');
  byId('command').textContent = data.command || '';
  byId('when').textContent = `${new Date(report.start_unix_ms).toISOString()}, ${number(report.duration_s)} s` +
    `${report.stopped ? ', stopped early' : ''}, load for ${number(report.sending_s)} s, time-out ${number(report.plan.timeout_s)} s` +
    `${data.faults.length ? `; ${data.faults.length} faults shaded` : ''}`;
}

const byName = ([a], [b]) => a.localeCompare(b, 'en', {numeric: true});
const short = name => name.length > 60 ? `${name.slice(0, 59)}…` : name;

function tables() {
  const report = data.report;
  const names = ['min', 'p50', 'p90', 'p95', 'p99', 'p99.9', 'max', 'mean', 'sd'];
  const row = ([name, l]) => [name.replace('_', ' '), ...names.map(key => cell(key, l[key], l.count))];
  const wide = card => card && card.classList.add('wide');
  wide(table('Latencies', ['', ...names], [...Object.entries(report.latency_us),
    ...Object.entries(report.phases_us).filter(([, l]) => l.count > 0)].map(row)));
  const {status, outcome} = report.latency_by;
  const by = [...Object.entries(status), ...Object.entries(outcome).filter(([name]) => name !== 'bad_status')];
  if (by.length > 1) wide(table('Response latency by status and outcome', ['', 'count', ...names],
    by.map(([name, l]) => [name, number(l.count), ...row([name, l]).slice(1)])));
  const most = Math.max(1, ...Object.values(report.workers).map(w => w.requests));
  table(`Workers: Jain's index of their requests ${report.fairness_jain.toFixed(3)}`,
    ['worker', 'requests', '', 'errors', 'p50', 'p99'], Object.entries(report.workers).sort(byName).map(([slot, w]) => {
      const meter = make('meter');
      meter.max = most;
      meter.value = w.requests;
      return [{className: 'name', text: short(slot)}, number(w.requests), meter, number(w.errors),
        cell('p50', w.p50_us, w.requests), cell('p99', w.p99_us, w.requests)];
    }));
  table('Errors', ['', 'count', 'the first one'], Object.entries(report.errors).map(([name, n]) =>
    [name, number(n), {className: 'text', text: report.error_details[name] || ''}]));
  if (by.length <= 1) table('Status', ['', 'count'], Object.entries(report.status).map(([code, n]) => [code, number(n)]));
  table('First response of each bad status', ['', 'head', 'body'], Object.entries(report.first_responses).map(([code, r]) =>
    [code, {className: 'text pre', text: r.head.trimEnd()}, {className: 'text pre', text: r.body}]));
  const phases = ['connect', 'tls', 'first_byte', 'body'].filter(name => report.targets.some(t => t.phases_us[name]));
  if (report.targets.length > 1) wide(table(data.all_targets > report.targets.length ?
    `Targets: the first ${report.targets.length} of ${number(data.all_targets)}` : 'Targets', ['', 'sent', 'ok', 'not ok', 'p50', 'p99', ...phases.map(name => `${name.replace('_', ' ')} (mean)`)], report.targets.map(t =>
    [{className: 'text', text: t.name || t.url}, number(t.sent), number(t.ok), number(t.sent - t.ok),
      ...['p50', 'p99'].map(p => t.latency_ok_us && t.ok ? cell(p, t.latency_ok_us[p], t.ok) : ''),
      ...phases.map(name => t.phases_us[name] ? micros(t.phases_us[name].mean) : '')])));
  table('Was it the generator?', ['', ''], [['CPU', `${number(report.self.cpu_s)} s`],
    ['CPU a request', `${number(report.self.cpu_us_per_request)} µs`],
    ['busiest thread', `${number(100 * report.self.busiest_thread)} %`],
    ['own lag p99', micros(report.self.own_lag_us.p99)], ['all programs', `${number(100 * report.self.machine_cpu)} % of ${report.self.cores} cores`],
    ['connections made', number(report.self.network.own_connections_made)],
    ['more that were tried', number(report.self.network.own_connections - report.self.network.own_connections_made)],
    ...[['in HTTP/1.1', 'http1_connections'], ['in HTTP/2', 'http2_connections'], ['TLS handshakes', 'tls_sessions'],
      ['TLS sessions resumed', 'tls_resumed']].filter(([, key]) => report.self.network[key] > 0)
      .map(([name, key]) => [name, number(report.self.network[key])]),
    ['TCP segments sent again on them', number(report.self.network.own_retransmits)],
    ['and by all programs', number(report.self.network.retransmits)], ['accept queues overflowed', number(report.self.network.accept_overflows)], ['bottleneck', report.self.bottleneck]]);
  table("The server's addresses", ['', 'connections', 'not made'], report.self.network.addresses.map(({address, tried, connected}) =>
    [{className: 'name', text: short(address)}, number(connected), number(tried - connected)]));
  table('Faults', ['at', 'what', 'dead after'], data.faults.map(f =>
    [seconds(f.from), {className: 'text', text: f.label}, f.to > f.from ? `${number(1e3 * (f.to - f.from))} ms` : '']));
}

/** A dashed line across the plot, with its name. */
function mark(canvas, area, colour, text, from, to, at) {
  canvas.save();
  canvas.strokeStyle = canvas.fillStyle = css(colour);
  canvas.setLineDash([6, 4]);
  canvas.beginPath();
  canvas.moveTo(...from);
  canvas.lineTo(...to);
  canvas.stroke();
  canvas.font = '12px system-ui, sans-serif';
  const width = canvas.measureText(text).width;
  canvas.fillText(text, Math.min(at[0], area.x + area.w - width - 4), Math.max(at[1], area.y + 14));
  canvas.restore();
}

/** What must be held, and the highest rate that held it. */
function drawLimits(canvas, area, graph) {
  for (const {text, us} of data.limits) {
    const y = graph.toDomYCoord(us);
    mark(canvas, area, '--bad', text, [area.x, y], [area.x + area.w, y], [area.x + 6, y - 5]);
  }
  if (data.search.best_rps === null) return;
  const x = graph.toDomXCoord(data.search.best_rps);
  mark(canvas, area, '--good', `found: ${number(data.search.best_rps)}/s`, [x, area.y], [x, area.y + area.h], [x + 6, area.y + 14]);
}

function drawSearch() {
  const steps = [...data.search.steps].sort((a, b) => a.rate - b.rate);
  byId('when').textContent = data.search.conclusion;
  byId('command').textContent = data.command;
  const names = ['p50', 'p90', 'p99', 'p99.9', 'max'].filter(name =>
    name !== 'p99.9' || data.limits.some(({text}) => text.replace(/[<>].*/, '').endsWith(name)));
  const points = steps.map(({rate, latency_us: {response}}) => [rate,
    ...names.map(name => response.count === 0 || unknown(name, response.count) ? null : Math.max(response[name], 1))]);
  const drawn = [...data.limits.map(({us}) => [0, us]), ...points];
  plot('Response latency by rate', names, points,
    {value: micros, at: rate => `${number(rate)}/s`, log: true, xlabel: 'requests a second', ylabel: 'latency (log)',
      underlay: drawLimits, range: frame(drawn, true), dygraph: {drawPoints: true, pointSize: 3, xRangePad: 12}});
  table('Steps', ['rate', 'holds', ...names, 'not held'], steps.map(step => [`${number(step.rate)}/s`,
    step.holds ? {className: 'good', text: '✓'} : {className: 'bad', text: '✗'},
    ...names.map(name => cell(name, step.latency_us.response[name], step.latency_us.response.count)),
    {className: 'text', text: step.own_fault ? 'the generator was the limit'
      : step.slo.filter(slo => !slo.met).map(slo => `${slo.objective} (${slo.samples ? slo.shown : 'of no request'})`).join(', ')}]));
}

byId('title').textContent = data.title;
if (data.kind === 'search') drawSearch();
if (data.kind === 'run') {
  figures();
  verdicts();
  drawRun();
  tables();
}
