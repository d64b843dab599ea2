import { el } from '../dom.js';

const colours = ['#2b8fbf', '#d9822b', '#5f9e3f', '#a06bd6', '#c2557a'];
const gap = 3; // seconds without a window: nothing is known between
const around = 2; // seconds before and after an event that are looked at, too
const height = 96;

const heading = (curves, curve) =>
  (new Set(curves.map((c) => c.model)).size > 1 ? `${curve.label} (${curve.model})` : curve.label);

// How a clip's time was scored: a line for each label that is likely about an event, the event's own first.
export class ScoreCurves extends HTMLElement {
  constructor(curves, start, { event_label: label, event_onset: onset, event_offset: offset }) {
    super();
    const isNear = (time) => time > onset - around && time < offset + around;
    const own = (c) => Number(c.label === label);
    this.curves = curves.map((c) => ({ ...c, most: Math.max(0, ...c.scores.filter((_, k) => isNear(c.times[k]))) }))
      .filter((c) => c.most > 0).sort((a, b) => own(b) - own(a) || b.most - a.most).slice(0, colours.length);
    [this.start, this.label] = [start, label];
  }

  connectedCallback() {
    if (this.canvas) return;
    const most = this.curves.map((c) => `${heading(this.curves, c)} up to ${c.most.toFixed(2)}`);
    this.canvas = el('canvas', { class: 'scores', role: 'img', 'aria-label': `Scores about the event: ${most.join(', ')}` });
    this.append(this.canvas, el('p', { class: 'legend' }, ...this.curves.map((c, i) => {
      const mark = el('i');
      mark.style.background = colours[i];
      return el('span', {}, mark, most[i]);
    })));
  }

  // Draws the time from one second of the clip to another, as the picture above shows it.
  show(from, to) {
    const context = this.canvas.getContext('2d');
    const width = Math.max(200, Math.round(this.canvas.clientWidth));
    [this.canvas.width, this.canvas.height] = [width, height];
    const x = (t) => ((t - this.start - from) / (to - from)) * width;
    const y = (score) => height - 3 - score * (height - 6);
    context.strokeStyle = getComputedStyle(document.documentElement).getPropertyValue('--line');
    for (const score of [0, 0.5, 1]) {
      context.beginPath();
      context.moveTo(0, y(score));
      context.lineTo(width, y(score));
      context.stroke();
    }
    for (const [i, { label, times, scores }] of [...this.curves.entries()].reverse()) {
      [context.strokeStyle, context.fillStyle] = [colours[i], colours[i]];
      context.lineWidth = label === this.label ? 3 : 1.5;
      context.beginPath();
      times.forEach((time, k) => {
        if (k > 0 && time - times[k - 1] <= gap) context.lineTo(x(time), y(scores[k]));
        else context.moveTo(x(time), y(scores[k]));
      });
      context.stroke();
      times.forEach((time, k) => context.fillRect(x(time) - 1.5, y(scores[k]) - 1.5, 3, 3));
    }
  }
}

customElements.define('aststream-scores', ScoreCurves);
