import { call, soundOf } from '../api.js';
import { el, toast } from '../dom.js';
import { drawClip } from '../spectrogram.js';
import { ScoreCurves } from './scores.js';

// The sound of an event: a player, and a picture with the event's interval marked, which can be zoomed,
// and how its time was scored.
export class ClipView extends HTMLElement {
  constructor(item) {
    super();
    this.item = item;
  }

  connectedCallback() {
    if (this.canvas) return;
    this.audio = el('audio', { controls: true, preload: 'auto', src: soundOf(this.item.clip), 'aria-label': 'The clip' });
    this.canvas = el('canvas', { class: 'clip', tabindex: 0, role: 'img',
      onwheel: (e) => { e.preventDefault(); this.#zoom(e.deltaY < 0 ? 0.7 : 1.4, this.#timeAt(e.offsetX)); },
      onclick: (e) => { this.audio.currentTime = this.#timeAt(e.offsetX); },
      onkeydown: (e) => this.#key(e) });
    this.about = el('p', { class: 'quiet' });
    this.append(this.canvas, this.audio, el('div', { class: 'buttons' },
      el('button', { type: 'button', onclick: () => this.#zoom(0.5) }, 'Zoom in'),
      el('button', { type: 'button', onclick: () => this.#zoom(2) }, 'Zoom out'),
      el('button', { type: 'button', 'aria-pressed': 'false', onclick: (e) => this.#pin(e.target) }, 'Keep')), this.about);
    this.audio.addEventListener('timeupdate', () => this.#paint());
    this.audio.addEventListener('error', () => { this.about.textContent = 'The clip can\'t be played: it was removed, or the station is away.'; });
    this.#load();
  }

  stop() {
    this.audio?.pause();
  }

  toggle() {
    if (!this.audio.paused) this.audio.pause();
    else this.audio.play().catch((e) => toast(e.message));
  }

  async #load() {
    try {
      const [clip, sound] = await Promise.all([call(`/clips/${encodeURIComponent(this.item.clip)}`), fetch(soundOf(this.item.clip))]);
      if (!sound.ok) throw new Error('The clip was removed.');
      this.clip = clip;
      const context = new OfflineAudioContext(1, 1, clip.sample_rate); // as it is, at its own rate
      const decoded = await context.decodeAudioData(await sound.arrayBuffer());
      this.samples = decoded.getChannelData(0);
      [this.from, this.to] = [0, clip.seconds];
      const { event_onset: onset, event_offset: offset } = this.item.event;
      [this.onset, this.offset] = [onset - clip.start, offset - clip.start];
      this.audio.currentTime = Math.max(0, this.onset - 1);
      if (clip.seconds > 20) [this.from, this.to] = [Math.max(0, this.onset - 3), Math.min(clip.seconds, this.offset + 3)];
      this.querySelector('[aria-pressed]').setAttribute('aria-pressed', String(clip.pinned));
      this.about.textContent = `${clip.seconds.toFixed(1)} s at ${clip.sample_rate} Hz, ${clip.events.length} event${clip.events.length === 1 ? '' : 's'}`
        + (clip.muted_seconds > 0 ? `, ${clip.muted_seconds.toFixed(1)} s silenced as private` : '')
        + (clip.missing_seconds > 0.01 ? `, ${clip.missing_seconds.toFixed(1)} s missing` : '');
      this.canvas.setAttribute('aria-label',
        `Spectrogram; the event lasts from ${this.onset.toFixed(1)} to ${this.offset.toFixed(1)} s of ${clip.seconds.toFixed(1)} s`);
      if (clip.scores.length > 0) {
        this.scores = new ScoreCurves(clip.scores, clip.start, this.item.event);
        this.canvas.after(this.scores);
      }
      this.#draw();
    } catch (error) {
      this.about.textContent = error.message;
    }
  }

  async #pin(button) {
    const pinned = button.getAttribute('aria-pressed') !== 'true';
    try {
      await call(`/clips/${encodeURIComponent(this.item.clip)}/pin`, {
        method: 'PUT', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ pinned }) });
      button.setAttribute('aria-pressed', String(pinned));
    } catch (error) {
      toast(error.message);
    }
  }

  #timeAt(x) {
    return this.from + (x / this.canvas.clientWidth) * (this.to - this.from);
  }

  #zoom(factor, around = (this.from + this.to) / 2) {
    if (!this.samples) return;
    const length = Math.min(this.clip.seconds, Math.max(0.2, (this.to - this.from) * factor));
    const part = (around - this.from) / (this.to - this.from);
    this.from = Math.max(0, Math.min(this.clip.seconds - length, around - part * length));
    this.to = this.from + length;
    this.#draw();
  }

  #key(e) {
    const step = (this.to - this.from) / 4;
    const moves = { '+': () => this.#zoom(0.5), '-': () => this.#zoom(2), ArrowLeft: () => this.#move(-step), ArrowRight: () => this.#move(step) };
    if (!(e.key in moves) || !this.samples) return;
    e.preventDefault();
    moves[e.key]();
  }

  #move(by) {
    const length = this.to - this.from;
    this.from = Math.max(0, Math.min(this.clip.seconds - length, this.from + by));
    this.to = this.from + length;
    this.#draw();
  }

  #draw() {
    this.top = drawClip(this.canvas, this.samples, this.clip.sample_rate, this.from, this.to);
    this.scores?.show(this.from, this.to);
    this.picture = this.canvas.getContext('2d').getImageData(0, 0, this.canvas.width, this.canvas.height);
    this.#paint();
  }

  // The event's interval, times and frequencies, and where the player is, over the picture.
  #paint() {
    if (!this.picture) return;
    const context = this.canvas.getContext('2d');
    const { width, height } = this.canvas;
    context.putImageData(this.picture, 0, 0);
    const x = (t) => ((t - this.from) / (this.to - this.from)) * width;
    context.strokeStyle = '#7fe0ee';
    context.lineWidth = 2;
    context.strokeRect(x(this.onset), 1, Math.max(2, x(this.offset) - x(this.onset)), height - 2);
    context.fillStyle = '#fff';
    context.font = '12px system-ui, sans-serif';
    context.fillText(`${(this.top / 1000).toFixed(0)} kHz`, 4, 14);
    context.fillText(`${this.from.toFixed(1)} s`, 4, height - 6);
    context.fillText(`${this.to.toFixed(1)} s`, width - 50, height - 6);
    context.fillRect(x(this.audio.currentTime), 0, 2, height);
  }
}

customElements.define('aststream-clip', ClipView);
