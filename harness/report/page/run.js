const run = data.result;

function figures() {
  const add = (name, text, className) => {
    const card = make('div', 'card', null, byId('figures'));
    make('div', `figure ${className || ''}`, text, card);
    make('div', 'dim', name, card);
  };
  const requests = run.requests;
  const none = (name, n) => add(name, number(n), n > 0 ? 'bad' : 'good');
  add('requests sent', number(requests.sent));
  none('lost', requests.lost);
  none('cut', requests.cut);
  none('abandoned (answered 5xx)', requests.abandoned);
  none('unexplained', requests.unexplained);
  if (requests.with_ids > 0) none('answered twice or wrongly', requests.duplicated + requests.wrong);
  if (requests.idle > 0 && requests.idle_kept) none(`of ${number(requests.idle)} idle connections lost`, requests.idle_lost);
  if (requests.rescued !== null) add('rescued by the pool', number(requests.rescued));
  add('faults landed', `${number(run.per_fault.landed)} of ${number(run.faults.length)}`);
  for (const name of ['reap_p99', 'ready_p99', 'recovery_p99', 'response_p99']) {
    const value = run.measured[name];
    if (value !== undefined) add(name.replace('_', ' '), value === null ? 'never' : micros(value));
  }
}

function heading() {
  byId('title').textContent = data.title;
  byId('proves').textContent = data.proves;
  const verdict = byId('verdict');
  verdict.textContent = run.verdict;
  verdict.className = run.verdict === 'PASS' ? 'good' : 'bad';
  byId('when').textContent = `${new Date(data.start_unix_ms).toISOString()}, ${seconds(data.report.duration_s)}, seed ${run.seed}`;
  for (const reason of [...run.reasons, ...run.notes.map(note => `note: ${note}`)]) make('li', '', reason, byId('reasons'));
  make('p', 'command', run.replay, byId('again'));
  if (data.evidence) make('p', 'dim', `logs: ${data.evidence}`, byId('again'));
}

function plots() {
  const whole = {dateWindow: [0, data.report.duration_s]};
  const common = {at: seconds, faults: true, xlabel: 'time since the start', dygraph: whole};
  const names = ['p50', 'p90', 'p99', 'max'];
  for (const load of data.loads) {
    plot(`Response latency: ${load.url}`, names,
      load.rows.map(row => [row.t, ...row.latency.map(v => v === null ? null : Math.max(v, 1))]),
      {...common, value: micros, log: true, ylabel: 'latency (log)'});
    if (load.rows.some(row => row.errors > 0))
      plot(`Errors: ${load.url}`, ['not ok/s'], load.rows.map(row => [row.t, row.errors]),
        {...common, value: number, ylabel: 'requests a second'});
  }
  if (data.loads.length > 0) plot(`Rate: ${data.loads[0].url}`, ['completed/s'], data.loads[0].rows.map(row => [row.t, row.rate]),
    {...common, value: number, ylabel: 'responses a second'});
}

function draw(tag, attributes, parent, title) {
  const element = document.createElementNS('http://www.w3.org/2000/svg', tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  if (title) element.append(Object.assign(document.createElementNS('http://www.w3.org/2000/svg', 'title'), {textContent: title}));
  parent.append(element);
  return element;
}

function key(names, parent) {
  const line = make('p', 'dim', null, parent);
  for (const [className, words] of names) {
    make('i', `key ${className}`, null, line);
    line.append(words);
  }
}

/** A lane for each worker, with its lives and the faults that hit it. */
function lanes() {
  if (data.lanes.length === 0) return;
  const card = make('div', 'card', null, byId('lanes'));
  make('h2', '', 'Processes', card);
  const [left, width, height] = [90, 1000, 20];
  const x = t => left + Math.max(0, Math.min(1, t / data.report.duration_s)) * (width - left);
  const picture = draw('svg', {viewBox: `0 0 ${width} ${data.lanes.length * height + 18}`, role: 'img'},
    make('div', 'scroll', null, card));
  data.lanes.forEach((lane, i) => {
    const y = i * height;
    draw('text', {x: 0, y: y + 14}, picture).textContent = lane.name;
    draw('rect', {class: 'lane', x: left, y: y + 2, width: width - left, height: height - 4}, picture);
    for (const life of lane.lives) {
      const part = (className, from, to) => draw('rect', {class: `life ${className}`, x: x(from), y: y + 4,
        width: Math.max(1, x(to) - x(from) - 0.5), height: height - 8}, picture,
      `pid ${life.pid}: ${seconds(life.from)} to ${seconds(life.to)}`);
      if (life.ready > life.from) part('starting', life.from, Math.min(life.ready, life.to));
      part(lane.head ? 'head' : '', Math.min(Math.max(life.ready || 0, life.from), life.to), life.to);
    }
    for (const hit of lane.hits)
      draw('line', {class: 'hit', x1: x(hit.t), x2: x(hit.t), y1: y + 1, y2: y + height - 1}, picture, hit.what);
  });
  for (let i = 0; i <= 4; ++i)
    draw('text', {x: x(data.report.duration_s * i / 4), y: data.lanes.length * height + 14,
      'text-anchor': i === 0 ? 'start' : i === 4 ? 'end' : 'middle'}, picture).textContent = seconds(data.report.duration_s * i / 4);
  key([['life', 'lives'], ['starting', 'starts'], ['head', 'parent'], ['hit', 'fault']], card);
}

const kSteps = ['dead', 'reaped', 'forked', 'ready', 'first_response'];
const kMostFaults = 500;

/** sent → dead → reaped → forked → ready → first response, on one scale for all faults. */
function bar(fault, most) {
  const picture = draw('svg', {viewBox: '0 0 140 12', width: 140, height: 12, role: 'img'}, make('span'));
  let from = 0;
  const part = (className, to) => {
    const [a, b] = [Math.min(1, from / most), Math.min(1, to / most)];
    draw('rect', {class: className, x: 140 * a, y: 1, width: Math.max(1, 140 * (b - a)), height: 10}, picture, `${className}: ${micros(to)}`);
    from = Math.max(from, to);
  };
  for (const step of kSteps) {
    if (fault.timeline_us[step] !== null) part(step, fault.timeline_us[step]);
  }
  for (const end of [fault.undone_us, fault.renewed_us]) {
    if (end !== null) part('held', end);
  }
  return picture;
}

const whom = fault => fault.pid === null ? fault.target
  : `${fault.role === 'worker' ? fault.slot === null ? 'worker' : `slot ${fault.slot}` : fault.role}, pid ${fault.pid}`;

/** Whether a fault of a phase found its victim in it. */
const phaseOf = fault => fault.phase === null ? ''
  : `; ${fault.hit_phase === null ? 'nobody knows whether it was' : fault.hit_phase ? 'it was' : 'it was not'} ${fault.phase}`;

function faults() {
  if (run.faults.length === 0) return;
  const lengths = run.faults.flatMap(f => [...kSteps.map(step => f.timeline_us[step]), f.undone_us, f.renewed_us])
    .filter(v => v !== null).sort((a, b) => a - b);
  const most = Math.max(1, lengths[Math.floor(0.98 * (lengths.length - 1))] || 1);
  const shown = run.faults.slice(0, kMostFaults);
  const title = run.faults.length > shown.length ? `Faults: the first ${shown.length} of ${number(run.faults.length)}` : 'Faults';
  const card = make('div', '', null, byId('tables'));
  table(title, ['', 'at', 'what', 'whom', 'came of it', ...kSteps.map(step => step.replace('_', ' ')), 'cost', `0 to ${micros(most)}`],
    shown.map(f => [`${f.id}`, seconds(f.t_ms / 1e3), f.fault, {className: 'whom', text: whom(f)},
      {className: `text ${f.proof === 'confirmed' ? '' : 'bad'}`, text: (f.proof === 'confirmed' ? f.outcome : `${f.outcome}, ${f.proof}: ${f.reason}`) + phaseOf(f)},
      ...kSteps.map(step => micros(f.timeline_us[step])), f.lost + f.cut + f.abandoned || '', bar(f, most)]), card);
  key([...kSteps.map(step => [step, step.replace('_', ' ')]), ['held', 'taken back, or renewed']], card.firstChild);
}

function story(failure) {
  if (failure.fault === null) return 'no fault explains it';
  const fault = run.faults.find(f => f.id === failure.fault);
  const doing = failure.phase ? `; its worker was ${failure.phase} it` : '';
  return `fault ${fault.id}: ${fault.fault} of ${whom(fault)} at ${seconds(fault.t_ms / 1e3)}${doing}`;
}

function failures() {
  const total = run.requests.lost + run.requests.cut + run.requests.abandoned + run.requests.refused;
  table(total > run.failures.length ? `Failed requests: the first ${run.failures.length} of ${number(total)}` : 'Failed requests',
    ['at', 'how', '', 'request', 'client port', 'story'], run.failures.map(f => [seconds(f.t_ms / 1e3), f.kind,
      {className: 'text', text: f.what}, {className: 'text', text: f.url}, f.port || '', {className: 'text', text: story(f)}]));
}

heading();
figures();
plots();
lanes();
faults();
failures();
