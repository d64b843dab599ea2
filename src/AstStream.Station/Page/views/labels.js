import { call, query, send } from '../api.js';
import { el, toast } from '../dom.js';

// How sure the events of a label were, what people found of them, and what another threshold would have meant.
export class LabelsView extends HTMLElement {
  title = 'Labels';

  connectedCallback() {
    this.label = el('select', { onchange: () => this.#load() });
    this.model = el('select', { onchange: () => this.#showThreshold() });
    this.canvas = el('canvas', { class: 'clip', role: 'img' });
    this.slider = el('input', { type: 'range', min: 0, max: 1, step: 0.01, oninput: () => this.#draw() });
    this.value = el('output', { class: 'number' });
    this.meaning = el('p', { role: 'status' });
    this.save = el('button', { type: 'button', class: 'primary', onclick: () => this.#save() }, 'Save the threshold');
    this.append(
      el('div', { class: 'row' }, el('label', {}, 'Label', this.label), el('label', {}, 'Model', this.model)),
      el('p', { class: 'legend' }, el('span', {}, el('i', { class: 'gated' }), 'events'), el('span', {}, el('i', { class: 'analysed' }),
        'found right'), el('span', {}, el('i', { class: 'lost' }), 'found wrong')),
      this.canvas, el('div', { class: 'row' }, el('label', {}, 'Threshold', this.slider), this.value, this.save), this.meaning,
      el('p', { class: 'quiet' }, 'Scores are the highest of each event. Events under the threshold of their time were never made: '
        + 'a lower one brings ones that are not here yet. What people found is what counts here: review some first.'));
    this.#names();
  }

  async #names() {
    try {
      const [labels, pipeline] = await Promise.all([call('/labels'), call('/pipeline')]);
      this.pipeline = pipeline;
      this.model.replaceChildren(...Object.keys(pipeline.thresholds).map((m) => el('option', { value: m }, m)));
      this.label.replaceChildren(...labels.map((l) => el('option', { value: l }, l)));
      if (labels.length === 0) this.meaning.textContent = 'No events yet.';
      else if (labels.includes(this.argument)) this.label.value = this.argument;
      await this.#load();
    } catch (error) {
      this.meaning.textContent = error.message;
    }
  }

  async #load() {
    if (!this.label.value) return;
    try {
      this.scores = await call(`/scores?${query({ label: this.label.value })}`);
      this.#showThreshold();
    } catch (error) {
      this.meaning.textContent = error.message;
    }
  }

  #current() {
    return this.pipeline.thresholds[this.model.value]?.[this.label.value];
  }

  #showThreshold() {
    const current = this.#current();
    this.slider.value = current ?? 0.5;
    this.save.disabled = current == null;
    this.#draw();
  }

  #draw() {
    if (!this.scores) return;
    const { bins, events, right, wrong } = this.scores;
    const threshold = Number(this.slider.value);
    const [width, height] = [Math.max(300, this.canvas.clientWidth || 600), 220];
    this.canvas.width = width;
    this.canvas.height = height;
    const context = this.canvas.getContext('2d');
    const style = getComputedStyle(this);
    context.fillStyle = style.getPropertyValue('--card');
    context.fillRect(0, 0, width, height);
    const most = Math.max(1, ...events);
    const bar = (i, count, from, colour) => {
      const [h, y] = [(count / most) * (height - 30), (from / most) * (height - 30)];
      context.fillStyle = colour;
      context.fillRect((i / bins) * width + 1, height - 20 - y - h, width / bins - 2, h);
    };
    for (let i = 0; i < bins; i++) {
      bar(i, right[i], 0, '#2e7d4f');
      bar(i, wrong[i], right[i], '#c0392b');
      bar(i, events[i] - right[i] - wrong[i], right[i] + wrong[i], '#7a8b99');
    }
    context.fillStyle = style.getPropertyValue('--text');
    context.font = '12px system-ui, sans-serif';
    for (let s = 0; s <= 10; s += 2) context.fillText((s / 10).toFixed(1), Math.min(width - 20, (s / 10) * width + 2), height - 6);
    context.fillRect(threshold * width - 1, 0, 2, height - 18);

    const over = (counts) => counts.reduce((sum, c, i) => sum + ((i + 0.5) / bins >= threshold ? c : 0), 0);
    const all = (counts) => counts.reduce((sum, c) => sum + c, 0);
    const [kept, good, bad] = [over(events), over(right), over(wrong)];
    const percent = (part, whole) => (whole === 0 ? 'unknown' : `${Math.round((100 * part) / whole)} %`);
    this.value.textContent = threshold.toFixed(2);
    const found = all(right) + all(wrong) === 0 ? 'Nobody has reviewed its events yet.'
      : `Of the ${all(right) + all(wrong)} that people reviewed, ${percent(good, good + bad)} of what stays is right (precision), and `
        + `${percent(good, all(right))} of what is right stays (recall).`;
    this.meaning.textContent = `At ${threshold.toFixed(2)}, ${kept} of ${all(events)} events stay. ${found} `
      + `Now it is ${this.#current()?.toFixed(2) ?? 'not one of this model\'s labels'}.`;
    this.canvas.setAttribute('aria-label', `Histogram of the scores of ${this.scores.label}. ${this.meaning.textContent}`);
  }

  async #save() {
    try {
      await send('PUT', '/pipeline/threshold', {
        model: this.model.value, label: this.label.value, threshold: Number(this.slider.value), version: this.pipeline.version });
      toast(`${this.label.value}: ${Number(this.slider.value).toFixed(2)} from now on.`);
    } catch (error) {
      toast(error.message);
    }
    this.pipeline = await call('/pipeline');
    this.#draw();
  }
}
