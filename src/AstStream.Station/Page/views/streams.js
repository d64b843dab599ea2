import { call, query } from '../api.js';
import { clock, day, el, seconds } from '../dom.js';
import { LevelCharts } from './levels.js';

const colours = { analysed: '#2e7d4f', gated: '#7a8b99', lost: '#c0392b' };
const perPage = 50;

// What became of each stream's time on a day, and how its source does.
export class StreamsView extends HTMLElement {
  title = 'Streams';

  connectedCallback() {
    this.day = el('input', { type: 'date', value: day(Date.now()), onchange: () => this.#load() });
    this.find = el('input', { type: 'search', value: this.argument ?? '', onchange: () => this.#load() });
    this.list = el('div');
    this.append(
      el('div', { class: 'row' }, el('label', {}, 'Day', this.day), el('label', {}, 'Find a stream', this.find),
        el('button', { type: 'button', onclick: () => this.#load() }, 'Look again')),
      el('p', { class: 'legend' }, ...Object.keys(colours).map((s) => el('span', {}, el('i', { class: s }), s))), this.list);
    this.#load();
  }

  async #load() {
    const turn = this.turn = (this.turn ?? 0) + 1;
    const isOver = () => turn !== this.turn || !this.isConnected; // another load has begun, or nobody looks
    const start = new Date(`${this.day.value || day(Date.now())}T00:00:00`);
    const end = new Date(start);
    end.setDate(end.getDate() + 1);
    this.list.replaceChildren(el('p', { class: 'quiet' }, 'Reading…'));
    try {
      const [names, live] = await Promise.all([call('/streams/names'), call('/streams?limit=1000')]);
      if (isOver()) return;
      const now = new Map(live.streams.map((s) => [s.name, s]));
      const wanted = [...new Set([...now.keys(), ...names])].filter((n) => n.toLowerCase().includes(this.find.value.toLowerCase()));
      this.list.replaceChildren(...(wanted.length === 0 ? [el('p', {}, 'No stream.')] : []));
      for (const name of wanted.slice(0, perPage)) {
        const coverage = await call(`/coverage?${query({ stream: name, since: start.toISOString(), until: end.toISOString() })}`);
        if (isOver()) return;
        this.list.append(this.#card(name, now.get(name), coverage, start, end));
      }
      const more = wanted.length - perPage;
      if (more > 0) this.list.append(el('p', { class: 'quiet' }, `${more} more: name some of them above.`));
    } catch (error) {
      if (!isOver()) this.list.replaceChildren(el('p', { class: 'trouble' }, error.message));
    }
  }

  #card(name, live, coverage, start, end) {
    const canvas = el('canvas', { class: 'strip', role: 'img' });
    const totals = {};
    for (const c of coverage) {
      const kind = c.reason ? `lost: ${c.reason.replaceAll('_', ' ')}` : c.state;
      totals[kind] = (totals[kind] ?? 0) + c.seconds;
    }
    const text = Object.entries(totals).map(([kind, s]) => `${kind} ${seconds(s)}`).join(', ') || 'nothing on this day';
    canvas.setAttribute('aria-label', `Coverage of ${name}: ${text}`);
    canvas.width = 1440; // minutes
    canvas.height = 22;
    const context = canvas.getContext('2d');
    for (const c of coverage) {
      const x = ((Date.parse(c.time) - start) / (end - start)) * canvas.width;
      context.fillStyle = colours[c.state] ?? '#888';
      context.fillRect(x, 0, Math.max(1, (c.seconds * 1000 / (end - start)) * canvas.width), 22);
    }
    const say = (value, text) => (value == null ? '' : text);
    const facts = live ? [
      ['State', live.state],
      ['Level', say(live.level_dbfs, `${live.level_dbfs} dBFS, peak ${live.peak_dbfs}`)],
      ['LAF', say(live.laf_level, `${live.laf_level} ${live.laf_unit}`)],
      ['Sample rate', live.sample_rate ? `${live.sample_rate} Hz` : ''],
      ['Reconnects', live.reconnects],
      ['Clock', say(live.drift_ppm, `${live.drift_ppm} ppm off`)],
      ['Last sound', say(live.since_last_block, `${live.since_last_block} s ago`)],
    ] : [];
    const lost = coverage.filter((c) => c.state === 'lost').slice(-5)
      .map((c) => el('li', {}, `${clock(c.time)}: ${seconds(c.seconds)} lost, ${(c.reason ?? '').replaceAll('_', ' ')}`));
    return el('section', { class: 'card tile' },
      el('div', { class: 'head' }, el('h2', {}, name), el('span', { class: `state ${live?.state ?? ''}` }, live?.state ?? 'not now')),
      canvas, el('p', { class: 'quiet' }, text), lost.length > 0 ? el('ul', {}, ...lost) : null,
      el('dl', {}, ...facts.filter(([, v]) => v !== '' && v != null).flatMap(([k, v]) => [el('dt', {}, k), el('dd', {}, String(v))])),
      new LevelCharts(name, start, end));
  }
}
