import { call, query, send } from '../api.js';
import { clock, day, el, toast } from '../dom.js';
import { EventCard, shown, suggestions, words } from './event.js';

const most = 1000; // events of the map
const liked = 50;
const named = 8; // labels that have a colour of their own
const hue = (i) => `hsl(${(i * 137 + 190) % 360} 65% 48%)`;

// What was heard, laid out so that what sounds alike lies together; and what sounds like one event.
export class MapView extends HTMLElement {
  title = 'Map';
  #points = [];
  #like = [];
  #chosen = null;

  connectedCallback() {
    const changed = () => this.#load();
    this.label = el('input', { type: 'search', list: 'labels', onchange: changed });
    this.stream = el('input', { type: 'search', list: 'streams', onchange: changed });
    this.days = el('select', { onchange: changed }, ...[[1, 'a day'], [7, '7 days'], [30, '30 days'], ['', 'ever']]
      .map(([value, text]) => el('option', { value, selected: value === 7 }, text)));
    this.verdict = el('select', { onchange: changed }, ...[['', 'all'], ['none', 'not reviewed'], ['right', 'right'],
      ['wrong', 'wrong'], ['other_label', 'another label']].map(([value, text]) => el('option', { value }, text)));
    this.canvas = el('canvas', { class: 'map', role: 'img', onclick: (e) => this.#pick(e) });
    this.legend = el('p', { class: 'legend' });
    this.count = el('p', { class: 'quiet', role: 'status' });
    this.detail = el('aside', { class: 'detail card', 'aria-label': 'The chosen event' },
      el('p', { class: 'quiet' }, 'Choose a point to see and hear its event, and what sounds like it.'));
    this.alike = el('section', { 'aria-label': 'What sounds like it' });
    this.append(
      el('div', { class: 'row' }, el('label', {}, 'The last', this.days), el('label', {}, 'Label', this.label),
        el('label', {}, 'Stream', this.stream), el('label', {}, 'Review', this.verdict)),
      ...suggestions(), this.count,
      el('div', { class: 'two' }, el('div', {}, this.canvas, this.legend, this.alike), this.detail));
    this.resized = () => this.#draw();
    addEventListener('resize', this.resized);
    this.#begin();
  }

  disconnectedCallback() {
    removeEventListener('resize', this.resized);
  }

  // An address may name an event: then it is chosen.
  async #begin() {
    await this.#load();
    if (!this.argument) return;
    try {
      await this.#choose(await call(`/events/${encodeURIComponent(this.argument)}`));
    } catch (error) {
      toast(error.message);
    }
  }

  #filters() {
    const since = this.days.value ? new Date(Date.now() - this.days.value * 86_400_000).toISOString() : '';
    return { label: this.label.value, stream: this.stream.value, verdict: this.verdict.value, since };
  }

  async #load() {
    this.count.textContent = 'Drawing the map…';
    try {
      const { events } = await call(`/events/map?${query({ ...this.#filters(), limit: most })}`);
      this.#points = events;
      this.count.textContent = events.length === 0
        ? 'No event here has an embedding: closed events of this station\'s own models get one.'
        : `${events.length === most ? `The latest ${most}` : events.length} event${events.length === 1 ? '' : 's'}. `
          + 'Distances mean little across the map: what lies together sounds alike.';
    } catch (error) {
      this.count.textContent = error.message;
      return;
    }
    this.#draw();
    if (this.#chosen) this.#find();
  }

  // The event, and what sounds like it.
  async #choose(item) {
    this.#chosen = item;
    this.detail.replaceChildren(new EventCard(item, (verdict, label) => this.#review(item, verdict, label)));
    this.#draw();
    await this.#find();
  }

  async #find() {
    const id = this.#chosen.event.id;
    try {
      const { events } = await call(`/events/${encodeURIComponent(id)}/similar?${query({ ...this.#filters(), limit: liked })}`);
      if (this.#chosen.event.id !== id) return;
      this.#like = events;
      this.alike.replaceChildren(
        el('h2', {}, `Sounds like ${shown(this.#chosen)} at ${clock(this.#chosen.stored_time)}`),
        events.length === 0 ? el('p', { class: 'quiet' }, 'Nothing else, in this time and with these filters.')
          : el('div', { class: 'table' }, el('table', {}, el('thead', {}, el('tr', {}, el('th', {}, 'Alike'), el('th', {}, 'Time'),
            el('th', {}, 'Label'), el('th', {}, 'Score'), el('th', {}, 'Stream'), el('th', {}, 'Review'))),
          el('tbody', {}, ...events.map((found) => this.#row(found))))));
    } catch (error) {
      this.#like = [];
      this.alike.replaceChildren(el('p', { class: 'quiet' }, error.message));
    }
    this.#draw();
  }

  #row({ event: e, similarity }) {
    return el('tr', {},
      el('td', { class: 'number' }, similarity.toFixed(2)),
      el('td', { class: 'number' }, `${day(e.stored_time)} ${clock(e.stored_time)}`),
      el('td', { class: 'text' }, el('button', { type: 'button', onclick: () => this.#choose(e) }, shown(e))),
      el('td', { class: 'number' }, e.event.score.toFixed(2)), el('td', { class: 'text' }, e.event.stream),
      el('td', {}, el('span', { class: `verdict ${e.review?.verdict ?? ''}` }, words[e.review?.verdict] ?? '')));
  }

  async #review(item, verdict, label) {
    try {
      await send('POST', '/reviews', { event_ids: [item.event.id], verdict, label });
      toast(`${shown(item)}: ${words[verdict]} ${label ?? ''}`);
      await this.#choose(await call(`/events/${encodeURIComponent(item.event.id)}`));
      await this.#load();
    } catch (error) {
      toast(error.message);
    }
  }

  #place({ x, y }) {
    const margin = 10;
    return [margin + x * (this.canvas.clientWidth - 2 * margin), margin + y * (this.canvas.clientHeight - 2 * margin)];
  }

  #draw() {
    const scale = devicePixelRatio || 1;
    const [width, height] = [this.canvas.clientWidth, this.canvas.clientHeight];
    [this.canvas.width, this.canvas.height] = [width * scale, height * scale];
    const context = this.canvas.getContext('2d');
    const style = getComputedStyle(this.canvas);
    context.scale(scale, scale);
    const counts = new Map();
    for (const { event } of this.#points) counts.set(shown(event), (counts.get(shown(event)) ?? 0) + 1);
    const labels = [...counts].sort((a, b) => b[1] - a[1]).map(([label]) => label);
    const color = (label) => (labels.indexOf(label) < named ? hue(labels.indexOf(label)) : style.getPropertyValue('--quiet'));
    const alike = new Set(this.#like.map((l) => l.event.event.id));
    for (const point of this.#points) {
      const [x, y] = this.#place(point);
      const id = point.event.event.id;
      const isChosen = id === this.#chosen?.event.id;
      context.beginPath();
      context.arc(x, y, isChosen ? 7 : 4, 0, 2 * Math.PI);
      context.fillStyle = color(shown(point.event));
      context.globalAlpha = isChosen || alike.size === 0 || alike.has(id) ? 0.9 : 0.25;
      context.fill();
      context.globalAlpha = 1;
      if (!isChosen && !alike.has(id)) continue;
      context.lineWidth = isChosen ? 3 : 1.5;
      context.strokeStyle = style.getPropertyValue('--text');
      context.stroke();
    }
    this.canvas.setAttribute('aria-label', `Map of ${this.#points.length} events: `
      + labels.slice(0, named).map((l) => `${l} ${counts.get(l)}`).join(', '));
    this.legend.replaceChildren(...labels.slice(0, named).map((l) => {
      const box = el('i');
      box.style.background = color(l);
      return el('span', {}, box, `${l} (${counts.get(l)})`);
    }), labels.length > named ? `and ${labels.length - named} more labels` : '');
  }

  #pick(e) {
    const near = this.#points.map((p) => {
      const [x, y] = this.#place(p);
      return { p, d: Math.hypot(x - e.offsetX, y - e.offsetY) };
    }).sort((a, b) => a.d - b.d)[0];
    if (near && near.d < 24) this.#choose(near.p.event);
  }
}
