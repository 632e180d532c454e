'use strict';
const data = JSON.parse(document.getElementById('data').textContent);
const css = name => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const byId = id => document.getElementById(id);

/** An element with text; nothing is ever parsed as HTML. */
function make(tag, className, text, parent) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  if (text !== undefined && text !== null) element.textContent = text;
  if (parent) parent.append(element);
  return element;
}

const number = n => n.toLocaleString('en', {maximumFractionDigits: n < 10 ? 2 : n < 100 ? 1 : 0});
function micros(us) {
  if (us === null || us === undefined) return '';
  if (us < 1000) return `${Math.round(us)} µs`;
  return us < 1e6 ? `${number(us / 1e3)} ms` : `${number(us / 1e6)} s`;
}

function table(title, head, rows, parent = byId('tables')) {
  if (rows.length === 0) return null;
  const card = make('div', 'card', null, parent);
  make('h2', '', title, card);
  const body = make('table', '', null, make('div', 'scroll', null, card));
  const line = make('tr', '', null, make('thead', '', null, body));
  head.forEach((name, i) => make('th', rows[0][i] && /^text/.test(rows[0][i].className) ? 'text' : '', name, line));
  const lines = make('tbody', '', null, body);
  for (const row of rows) {
    const cells = make('tr', '', null, lines);
    row.forEach(cell => {
      if (cell instanceof Node) make('td', '', null, cells).append(cell);
      else make('td', typeof cell === 'object' ? cell.className : '', typeof cell === 'object' ? cell.text : cell, cells);
    });
  }
  return card;
}

/** Told apart by the colour-blind too (Okabe and Ito), and by their dashes. A colour is one thing in all plots: what has no other line
 * beside it that it could be taken for is drawn as text is. */
const kColours = {p50: '--blue', p90: '--green', p99: '--orange', 'p99.9': '--brown', max: '--purple', response: '--text', service: '--dim',
  'completed/s': '--text', 'not ok/s': '--vermilion', 'in flight': '--text'};
const kDashes = {p50: null, p90: [7, 3], p99: null, 'p99.9': [7, 3], max: [2, 2], service: [7, 3]};

/** 1, 2 and 5 of each power of ten (of wide ranges only the powers), as a logarithmic axis has its marks. */
function logTicks(low, high, label) {
  const ticks = [];
  const steps = high / low > 1e4 ? [1] : high / low > 20 ? [1, 2, 5] : [1, 1.5, 2, 3, 4, 5, 6, 7, 8];
  for (let power = Math.floor(Math.log10(low)); power <= Math.ceil(Math.log10(high)); power++)
    for (const step of steps) {
      const v = step * Math.pow(10, power);
      if (v >= low && v <= high) ticks.push({v, label: label(v)});
    }
  return ticks;
}

/** From below the lowest line to above the highest one, so that neither lies on the frame. */
function frame(rows, log) {
  const values = rows.flatMap(row => row.slice(1)).filter(v => v !== null && v !== undefined);
  const most = Math.max(1, ...values);
  return log ? [Math.max(0.5, Math.min(most, ...values) / 1.4), most * 1.4] : [0, most * 1.08];
}

/** Bands behind the lines where faults were, at least three pixels wide. */
function shadeFaults(canvas, area, graph) {
  canvas.fillStyle = css('--fault');
  for (const fault of data.faults || []) {
    const from = graph.toDomXCoord(fault.from);
    const to = Math.max(graph.toDomXCoord(fault.to), from + 3);
    if (to >= area.x && from <= area.x + area.w) canvas.fillRect(from, area.y, to - from, area.h);
  }
}

/** A plot in a card, with a legend of buttons. `rows`: x first, then a value for each name. */
function plot(title, names, rows, options) {
  if (rows.length === 0) return;
  const card = make('div', 'card', null, byId('plots'));
  make('h2', '', title, card);
  const legend = make('div', 'legend', null, card);
  const place = make('div', 'plot', null, card);
  const values = [];
  const colours = names.map(name => css(kColours[name]));
  const log = options.log;
  const range = options.range || frame(rows, log);
  const series = {};
  for (const name of names) series[name] = {strokePattern: kDashes[name] || null};
  const show = (x, points) => names.forEach((name, i) => {
    const point = points && points.find(p => p.name === name);
    values[i].textContent = point && point.yval !== null ? ` ${options.value(point.yval)}` : '';
  });
  const graph = new Dygraph(place, rows, Object.assign({
    labels: ['x', ...names], colors: colours, legend: 'never', strokeWidth: 1.8, connectSeparatedPoints: false,
    drawPoints: rows.length < 40, pointSize: rows.length < 5 ? 4 : 2,
    axisLineColor: css('--line'), gridLineColor: css('--line'), series, logscale: log, valueRange: range,
    xlabel: options.xlabel, ylabel: options.ylabel, xLabelHeight: 16, yLabelWidth: 16,
    highlightCallback: (event, x, points) => { show(x, points); when.textContent = options.at(x); },
    unhighlightCallback: () => { show(null, null); when.textContent = ''; },
    underlayCallback: options.underlay || (options.faults ? shadeFaults : null),
    axes: {y: Object.assign({axisLabelFormatter: options.value, axisLabelWidth: 62},
      log ? {ticker: (low, high) => logTicks(low, high, options.value)} : {}), x: {axisLabelFormatter: options.x || options.at}},
  }, options.dygraph));
  names.forEach((name, i) => {
    const button = make('button', '', null, legend);
    make('i', kDashes[name] ? 'dashed' : '', null, button).style.borderColor = colours[i];
    button.append(name);
    values[i] = make('b', '', '', button);
    button.onclick = () => {
      const visible = !graph.visibility()[i];
      graph.setVisibility(i, visible);
      button.classList.toggle('off', !visible);
    };
  });
  const when = make('span', 'dim', '', legend);
}

/** "250 ms", "12.5 s"; in a run of minutes "19:10". */
function seconds(t) {
  if (data.report && data.report.duration_s >= 120)
    return `${Math.floor(t / 60)}:${String(Math.floor(t % 60)).padStart(2, '0')}`;
  return t !== 0 && Math.abs(t) < 1 ? `${+(1e3 * t).toPrecision(3)} ms` : `${number(t)} s`;
}
