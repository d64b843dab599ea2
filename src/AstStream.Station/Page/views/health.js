import { call } from '../api.js';
import { bytes, el, seconds } from '../dom.js';

// How the run does, in sentences first, then in numbers.
export class HealthView extends HTMLElement {
  title = 'Health';

  connectedCallback() {
    this.body = el('div');
    this.append(this.body);
    this.#look();
    this.timer = setInterval(() => this.#look(), 3000);
  }

  disconnectedCallback() {
    clearInterval(this.timer);
  }

  async #look() {
    let health;
    try {
      health = await call('/health');
    } catch (error) {
      this.body.replaceChildren(el('p', { class: 'trouble' }, error.message));
      return;
    }
    const number = (n) => n.toLocaleString();
    const facts = [['Version', health.version], ['Models', health.models.join('; ')], ['Streams', number(health.streams)],
      ['Sound heard', seconds(health.audio_seconds)], ['Windows scored', number(health.windows)],
      ['Windows a batch', health.batches ? (health.windows / health.batches).toFixed(1) : ''], ['Running for', seconds(health.elapsed_seconds)],
      ['Free on the disk', health.free_bytes == null ? '' : bytes(health.free_bytes)], ['Store', bytes(health.store_bytes)],
      ...health.coverage.map((c) => [`Time of ${c.model}`, [`analysed ${seconds(c.analysed)}`, c.gated ? `gated ${seconds(c.gated)}` : '',
        ...Object.entries(c.lost).map(([why, s]) => `lost (${why.replaceAll('_', ' ')}) ${seconds(s)}`)].filter(Boolean).join(', ')])];
    this.body.replaceChildren(
      ...(health.is_well ? [el('p', { class: 'well' }, 'All is well.')] : health.troubles.map((t) => el('p', { class: 'trouble' }, t))),
      el('section', { class: 'card' }, el('dl', {}, ...facts.filter(([, v]) => v !== '').flatMap(([k, v]) => [el('dt', {}, k), el('dd', {}, String(v))]))),
      el('h2', {}, 'What waits'),
      el('div', { class: 'card table' }, el('table', {}, el('thead', {}, el('tr', {}, el('th', {}, 'On its way to'), el('th', {}, 'What'),
        el('th', {}, 'Waits now'), el('th', {}, 'Times full'))), el('tbody', {}, ...health.queues.slice(0, 100).map((q) => el('tr', {},
        el('td', { class: 'text' }, q.to), el('td', { class: 'text' }, q.message), el('td', { class: 'number' }, number(q.depth)),
        el('td', { class: 'number' }, number(q.waits))))))));
  }
}
