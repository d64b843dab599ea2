import { call, query } from '../api.js';
import { clock, el, seconds } from '../dom.js';

const { uPlot } = globalThis; // a script of its own, before this module
const lines = [['lcpeak', 'LCpeak', '#a06bd6'], ['la10', 'LA10', '#d9822b'], ['laeq', 'LAeq', '#2b8fbf'], ['la90', 'LA90', '#5f9e3f']];
const least = 600; // seconds that the time's axis is long
const silence = -149; // dBFS: lower is digital silence, which no axis should be made for

const power = (level) => 10 ** (level / 10);
const inks = () => {
  const style = getComputedStyle(document.documentElement);
  return [style.getPropertyValue('--quiet'), style.getPropertyValue('--line')];
};

// How loud a stream was in a while: a line for each level by minute, a bar for each band. It is asked for when it is opened.
export class LevelCharts extends HTMLElement {
  #charts = [];

  constructor(stream, start, end) {
    super();
    [this.stream, this.start, this.end] = [stream, start, end];
  }

  connectedCallback() {
    this.body = el('div');
    this.details = el('details', { ontoggle: () => { if (this.details.open && this.#charts.length === 0) this.#load(); } },
      el('summary', {}, 'Levels'), this.body);
    this.append(this.details);
    this.sizes = new ResizeObserver(() => {
      for (const chart of this.#charts) chart.setSize({ width: this.#width, height: chart.height });
    });
    this.sizes.observe(this);
  }

  disconnectedCallback() {
    this.sizes.disconnect();
    for (const chart of this.#charts.splice(0)) chart.destroy();
  }

  get #width() {
    return Math.max(200, this.clientWidth);
  }

  async #load() {
    this.body.replaceChildren(el('p', { class: 'quiet' }, 'Reading…'));
    try {
      const page = await call(`/levels?${query({
        stream: this.stream, since: this.start.toISOString(), until: this.end.toISOString(), bands: true })}`);
      if (this.isConnected) this.#draw(page);
    } catch (error) {
      this.body.replaceChildren(el('p', { class: 'trouble' }, error.message));
    }
  }

  #draw({ bands, minutes }) {
    if (minutes.length === 0) {
      this.body.replaceChildren(el('p', { class: 'quiet' }, 'No levels on this day.'));
      return;
    }
    const unit = minutes.at(-1).unit; // what the day ended with: another calibration is another measurement
    const known = minutes.filter((m) => m.unit === unit);
    const heard = known.reduce((sum, m) => sum + m.seconds, 0);
    const mean = (value) => 10 * Math.log10(known.reduce((sum, m) => sum + m.seconds * power(value(m)), 0) / heard);
    const loudest = known.reduce((a, b) => (b.lcpeak > a.lcpeak ? b : a));
    const text = `LAeq ${mean((m) => m.laeq).toFixed(1)} ${unit} over ${seconds(heard)}; highest LCpeak ${loudest.lcpeak.toFixed(1)} `
      + `${unit} at ${clock(loudest.time).slice(0, 5)}`;
    const time = el('div', { role: 'img', 'aria-label': `Levels by minute of ${this.stream}: ${text}` });
    const bars = el('div', { role: 'img' });
    this.body.replaceChildren(el('p', {}, text), time, bars);
    this.#charts.push(new uPlot(this.#lines(unit), this.#minutes(known), time));
    if (bands.length === 0) return;
    const levels = bands.map((_, i) => {
      const level = mean((m) => m.bands[i] ?? -Infinity);
      return level > silence ? Math.round(10 * level) / 10 : null;
    });
    const most = levels.indexOf(Math.max(...levels.filter((l) => l != null)));
    bars.setAttribute('aria-label', `One-third-octave bands of ${this.stream}`
      + (most < 0 ? '' : `: the loudest is ${bands[most]} Hz with ${levels[most]} ${unit}`));
    if (most >= 0) this.#charts.push(new uPlot(this.#bars(unit, bands, levels), [bands.map((_, i) => i), levels], bars));
  }

  // A value for each minute between the first and the last one; none where nothing was heard.
  #minutes(known) {
    const at = (m) => Math.round(Date.parse(m.time) / 60000);
    const byMinute = new Map(known.map((m) => [at(m), m]));
    const first = at(known[0]);
    const times = Array.from({ length: at(known.at(-1)) - first + 1 }, (_, i) => first + i);
    const value = (minute, name) => (minute && minute[name] > silence ? minute[name] : null);
    return [times.map((t) => t * 60), ...lines.map(([name]) => times.map((t) => value(byMinute.get(t), name)))];
  }

  #lines(unit) {
    return {
      ...this.#frame(220), axes: this.#axes(unit), cursor: { drag: { x: true, y: false } },
      scales: { x: { range: (_, low, high) => [Math.min(low, high - least), high] } },
      series: [{}, ...lines.map(([, label, stroke]) => ({ label, stroke, width: 1.5, points: { size: 4 }, value: this.#value(unit) }))],
    };
  }

  #bars(unit, bands, levels) {
    // Bars grow from the bottom, which is a little under the quietest band.
    const bottom = Math.min(...levels.filter((l) => l != null)) - 6;
    const name = (hertz) => (hertz >= 1000 ? `${hertz / 1000}k` : `${hertz}`);
    const [x, y] = this.#axes(unit);
    return {
      ...this.#frame(180), axes: [{ ...x, values: (_, at) => at.map((i) => (bands[i] ? name(bands[i]) : '')) }, y],
      cursor: { drag: { x: false, y: false } },
      scales: { x: { time: false, range: [-0.7, bands.length - 0.3] }, y: { range: (_, low, high) => [bottom, high + 3] } },
      series: [{ label: 'Hz', value: (_, i) => (i == null ? '' : name(bands[i])) },
        { label: 'Leq', stroke: lines[2][2], fill: `${lines[2][2]}88`, points: { show: false }, value: this.#value(unit),
          fillTo: bottom, paths: uPlot.paths.bars({ size: [0.8] }) }],
    };
  }

  #frame(height) {
    return { width: this.#width, height };
  }

  #axes(unit) {
    const [stroke, line] = inks();
    const look = { stroke, grid: { stroke: line, width: 1 }, ticks: { stroke: line, width: 1 } };
    return [look, { ...look, size: 56, label: unit, labelSize: 20 }];
  }

  #value(unit) {
    return (_, level) => (level == null ? '' : `${level.toFixed(1)} ${unit}`);
  }
}

customElements.define('aststream-levels', LevelCharts);
