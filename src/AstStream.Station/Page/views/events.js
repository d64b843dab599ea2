import { call, exportOf, query, send } from '../api.js';
import { clock, day, el, seconds, toast } from '../dom.js';
import { EventCard, shown, suggestions, words } from './event.js';

const perPage = 200; // rows that are shown at first, and more each time
const atOnce = 2000; // events that are asked for: what the timeline shows
const lanes = 10; // labels of the timeline
const worth = 'worth'; // of all days, the ones to judge first

// The events of a day, to look at, to hear and to judge.
export class EventsView extends HTMLElement {
  title = 'Events';
  #events = [];
  #next = null;
  #rows = perPage;
  #at = -1;
  #marked = new Set();
  #undo = [];

  connectedCallback() {
    const changed = () => this.#load();
    this.day = el('input', { type: 'date', value: day(Date.now()), onchange: changed });
    this.label = el('input', { type: 'search', list: 'labels', onchange: changed });
    this.stream = el('input', { type: 'search', list: 'streams', onchange: changed });
    this.score = el('input', { type: 'number', min: 0, max: 1, step: 0.05, value: 0, onchange: changed });
    this.verdict = el('select', { onchange: changed }, ...[
      ['', 'all'], [worth, 'worth a look'], ['none', 'not reviewed'], ['right', 'right'], ['wrong', 'wrong'],
      ['other_label', 'another label'],
    ].map(([value, text]) => el('option', { value }, text)));
    this.exports = el('span', { class: 'buttons' });
    this.canvas = el('canvas', { class: 'day', role: 'img', onclick: (e) => this.#pick(e) });
    this.count = el('p', { class: 'quiet', role: 'status' });
    this.body = el('tbody');
    this.more = el('button', { type: 'button', hidden: true, onclick: () => this.#page() }, 'Earlier ones');
    this.bulk = el('span', { class: 'buttons' });
    this.detail = el('aside', { class: 'detail card', 'aria-label': 'The chosen event' },
      el('p', { class: 'quiet' }, 'Choose an event to see and hear it.'));
    this.append(
      el('div', { class: 'row' }, el('label', {}, 'Day', this.day), el('label', {}, 'Label', this.label),
        el('label', {}, 'Stream', this.stream), el('label', {}, 'Least score', this.score), el('label', {}, 'Review', this.verdict)),
      ...suggestions(), this.canvas, this.count,
      el('div', { class: 'two' }, el('div', {},
        el('div', { class: 'row' }, this.bulk, this.exports),
        el('div', { class: 'table' }, el('table', {}, el('thead', {}, el('tr', {}, el('th', {}, el('span', { class: 'quiet' }, '✓')),
          el('th', {}, 'Time'), el('th', {}, 'Label'), el('th', {}, 'Score'), el('th', { class: 'wide' }, 'Long'),
          el('th', {}, 'Stream'), el('th', {}, 'Review'))), this.body)), this.more,
        el('p', { class: 'quiet' }, ...this.#keysHelp())), this.detail));
    this.keys = (e) => this.#key(e);
    addEventListener('keydown', this.keys);
    this.#showBulk();
    this.#begin();
  }

  // An address may name an event: then its day and stream are shown, and the event.
  async #begin() {
    let id = this.argument;
    if (id) {
      try {
        const found = await call(`/events/${encodeURIComponent(id)}`);
        this.day.value = day(found.stored_time);
        this.stream.value = found.event.stream;
      } catch (error) {
        toast(error.message);
        id = null;
      }
    }
    await this.#load();
    if (id) this.#choose(this.#events.findIndex((e) => e.event.id === id));
  }

  disconnectedCallback() {
    removeEventListener('keydown', this.keys);
  }

  heard(e) {
    if (this.day.value !== day(e.onset_time ?? Date.now())) return;
    clearTimeout(this.soon);
    this.soon = setTimeout(() => this.#load(true), 150);
  }

  #keysHelp() {
    return [['j', 'next'], ['k', 'before'], ['space', 'play'], ['r', 'right'], ['w', 'wrong'], ['l', 'another label'], ['s', 'sounds like this'],
      ['x', 'mark'],
      ['u', 'undo']].flatMap(([key, text]) => [el('kbd', {}, key), ` ${text}  `]);
  }

  #filters() {
    const start = new Date(`${this.day.value || day(Date.now())}T00:00:00`);
    const end = new Date(start);
    end.setDate(end.getDate() + 1);
    return { label: this.label.value, stream: this.stream.value, min_score: this.score.value || 0, verdict: this.verdict.value,
      since: start.toISOString(), until: end.toISOString() };
  }

  async #load(isNews = false) {
    const filters = this.#filters();
    const chosen = this.#events[this.#at]?.event.id;
    const isWorth = this.verdict.value === worth;
    if (isWorth && isNews) return; // what is looked through stays as it is
    const { label, stream, min_score } = filters;
    try {
      const { events, next } = await call(isWorth ? `/events/worth-a-look?${query({ label, stream, min_score })}`
        : `/events?${query({ ...filters, limit: atOnce })}`);
      this.#events = events;
      this.#next = next ?? null;
      if (!isNews) this.#rows = perPage;
      this.canvas.hidden = isWorth;
      this.#draw(events, filters);
      this.count.textContent = isWorth ? this.#worth(events.length) : events.length === 0 ? 'No events.'
        : `${events.length}${next ? ' and more' : ''} event${events.length === 1 ? '' : 's'}`;
    } catch (error) {
      this.count.textContent = error.message;
      return;
    }
    const oneStream = filters.stream && !filters.stream.includes('*');
    this.exports.replaceChildren(...(isWorth ? [] : ['csv', 'json', 'raven', ...(oneStream ? ['audacity'] : [])])
      .map((format) => el('a', { href: exportOf(filters, format), download: '' }, format.toUpperCase())));
    this.#at = this.#events.findIndex((e) => e.event.id === chosen);
    this.#fill();
    if (!isNews) this.#marked.clear();
    if (isNews && this.#at < 0 && chosen) this.#at = -1;
    this.#showBulk();
  }

  #worth(count) {
    return count === 0 ? 'Nothing with a clip of the last 30 days waits to be judged.'
      : `${count} of the last 30 days that a model would learn most from: labels with the fewest reviews first, of each the least sure.`;
  }

  async #page() {
    this.#rows += perPage;
    if (this.#rows > this.#events.length && this.#next) {
      try {
        const page = await call(`/events?${query({ ...this.#filters(), limit: atOnce, cursor: this.#next })}`);
        this.#events.push(...page.events);
        this.#next = page.next ?? null;
      } catch (error) {
        toast(error.message);
      }
    }
    this.#fill();
  }

  #fill() {
    this.more.hidden = !this.#next && this.#rows >= this.#events.length;
    this.body.replaceChildren(...this.#events.slice(0, this.#rows).map((e, i) => this.#row(e, i)));
  }

  #row(e, i) {
    const box = el('input', { type: 'checkbox', 'aria-label': `Mark ${shown(e)} at ${clock(e.stored_time)}`, onchange: () => {
      if (box.checked) this.#marked.add(e.event.id);
      else this.#marked.delete(e.event.id);
      this.#showBulk();
    } });
    box.checked = this.#marked.has(e.event.id);
    const verdict = e.review?.verdict ?? '';
    return el('tr', { class: i === this.#at ? 'selected' : '' },
      el('td', {}, box),
      el('td', { class: 'number' }, `${this.verdict.value === worth ? `${day(e.stored_time)} ` : ''}${clock(e.stored_time)}`),
      el('td', { class: 'text' }, el('button', { type: 'button', 'aria-current': i === this.#at ? 'true' : false,
        onclick: () => this.#choose(i) }, shown(e))),
      el('td', { class: 'number' }, e.event.score.toFixed(2)),
      el('td', { class: 'number wide' }, e.event.state === 'opened' ? 'goes on' : seconds(e.event.event_offset - e.event.event_onset)),
      el('td', { class: 'text' }, e.event.stream),
      el('td', {}, el('span', { class: `verdict ${verdict}` },
        verdict === 'other_label' ? `not ${e.event.event_label}` : words[verdict] ?? '')));
  }

  #choose(i) {
    if (i < 0 || i >= this.#events.length) return;
    this.#at = i;
    this.#rows = Math.max(this.#rows, i + 1);
    this.#fill();
    this.body.rows[i].scrollIntoView({ block: 'nearest' });
    const e = this.#events[i];
    this.card = new EventCard(e, (verdict, label) => this.#review([e], verdict, label),
      () => { location.hash = `map/${encodeURIComponent(e.event.id)}`; });
    this.detail.replaceChildren(this.card);
  }

  #showBulk() {
    const marked = () => this.#events.filter((e) => this.#marked.has(e.event.id));
    const isNone = this.#marked.size === 0;
    this.bulk.replaceChildren(
      el('button', { type: 'button', disabled: isNone, onclick: () => this.#review(marked(), 'right') }, `Marked (${this.#marked.size}): right`),
      el('button', { type: 'button', disabled: isNone, onclick: () => this.#review(marked(), 'wrong') }, 'Marked: wrong'),
      el('button', { type: 'button', disabled: this.#undo.length === 0, onclick: () => this.#takeBack() }, 'Undo'));
  }

  async #review(events, verdict, label = undefined) {
    if (events.length === 0) return;
    const before = events.map((e) => ({ id: e.event.id, review: e.review }));
    try {
      await send('POST', '/reviews', { event_ids: events.map((e) => e.event.id), verdict, label });
    } catch (error) {
      toast(error.message);
      return;
    }
    this.#undo.push(before);
    this.#marked.clear();
    toast(`${events.length === 1 ? shown(events[0]) : `${events.length} events`}: ${words[verdict]} ${label ?? ''}`);
    await this.#reload();
  }

  async #takeBack() {
    const before = this.#undo.pop();
    if (!before) return;
    try {
      for (const { id, review } of before) {
        await send('POST', '/reviews', { event_ids: [id], verdict: review?.verdict ?? 'withdrawn', label: review?.event_label });
      }
      toast('Taken back.');
    } catch (error) {
      toast(error.message);
    }
    await this.#reload();
  }

  async #reload() {
    const at = this.#at;
    await this.#load();
    if (this.#at >= 0) this.#choose(this.#at);
    else this.#at = Math.min(at, this.#events.length) - 1;
  }

  #key(e) {
    if (e.ctrlKey || e.metaKey || e.altKey || e.target.closest('input, select, textarea, audio')) return;
    const chosen = this.#events[this.#at];
    const actions = {
      j: () => this.#choose(this.#at + 1),
      k: () => this.#choose(this.#at - 1),
      r: () => chosen && this.#review([chosen], 'right'),
      w: () => chosen && this.#review([chosen], 'wrong'),
      l: () => this.card?.other.focus(),
      s: () => chosen && chosen.event.state !== 'opened' && this.card.like(),
      u: () => this.#takeBack(),
      x: () => this.body.rows[this.#at]?.querySelector('input')?.click(),
      ' ': () => this.card?.toggle(),
    };
    if (!(e.key in actions) || (e.key === ' ' && e.target.closest('button, a'))) return;
    e.preventDefault();
    actions[e.key]();
  }

  // The day from left to right, a row a label.
  #draw(events, filters) {
    const counts = new Map();
    for (const e of events) counts.set(shown(e), (counts.get(shown(e)) ?? 0) + 1);
    const labels = [...counts].sort((a, b) => b[1] - a[1]).slice(0, lanes).map(([name]) => name);
    const [width, rowHeight, left] = [Math.max(320, this.canvas.clientWidth || 800), 22, 130];
    const scale = devicePixelRatio || 1;
    const height = Math.max(1, labels.length) * rowHeight + 20;
    this.canvas.width = width * scale;
    this.canvas.height = height * scale;
    const context = this.canvas.getContext('2d');
    const style = getComputedStyle(this.canvas);
    context.scale(scale, scale);
    context.font = '13px system-ui, sans-serif';
    context.textBaseline = 'middle';
    const start = Date.parse(filters.since);
    const span = Date.parse(filters.until) - start;
    const x = (time) => left + ((Date.parse(time) - start) / span) * (width - left - 8);
    for (let hour = 0; hour <= 24; hour += width < 600 ? 6 : 3) {
      const at = left + (hour / 24) * (width - left - 8);
      context.fillStyle = style.getPropertyValue('--line');
      context.fillRect(at, 0, 1, height - 18);
      context.fillStyle = style.getPropertyValue('--quiet');
      context.fillText(String(hour).padStart(2, '0'), Math.min(at + 2, width - 18), height - 8);
    }
    this.marks = [];
    for (const [row, label] of labels.entries()) {
      const y = row * rowHeight + rowHeight / 2;
      context.fillStyle = style.getPropertyValue('--text');
      context.fillText(label.length > 18 ? `${label.slice(0, 17)}…` : label, 4, y);
      for (const e of events.filter((v) => shown(v) === label)) {
        const at = x(e.stored_time);
        const long = Math.max(3, ((e.event.event_offset - e.event.event_onset) * 1000 / span) * (width - left - 8));
        context.fillStyle = style.getPropertyValue(e.review?.verdict === 'wrong' ? '--bad' : '--accent');
        context.globalAlpha = 0.35 + 0.65 * e.event.score;
        context.fillRect(at, y - 8, long, 16);
        context.globalAlpha = 1;
        this.marks.push({ id: e.event.id, x: at, y, width: long });
      }
    }
    this.canvas.setAttribute('aria-label', `Timeline of the day: ${labels.map((l) => `${l} ${counts.get(l)}`).join(', ') || 'no events'}`);
  }

  #pick(e) {
    const [x, y] = [e.offsetX, e.offsetY];
    const hit = this.marks?.filter((m) => Math.abs(y - m.y) < 11).sort((a, b) => Math.abs(x - a.x - a.width / 2) - Math.abs(x - b.x - b.width / 2))[0];
    const i = hit ? this.#events.findIndex((v) => v.event.id === hit.id) : -1;
    if (i >= 0) this.#choose(i);
    else if (hit) toast('It is further down: load earlier ones.');
  }
}
