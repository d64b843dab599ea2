import { call, liveStream, query } from '../api.js';
import { el, toast } from '../dom.js';
import { LivePlayer } from '../player.js';
import { LiveSpectrogram } from '../spectrogram.js';

const perPage = 24;

// What all streams are like now: a tile a stream.
export class NowView extends HTMLElement {
  title = 'Now';
  #tiles = new Map();
  #page = 0;
  #match = '';

  connectedCallback() {
    this.find = el('input', { type: 'search', oninput: () => { this.#match = this.find.value; this.#page = 0; this.#look(); } });
    this.back = el('button', { type: 'button', onclick: () => { this.#page--; this.#look(); } }, 'Back');
    this.next = el('button', { type: 'button', onclick: () => { this.#page++; this.#look(); } }, 'Next');
    this.count = el('span', { class: 'quiet' });
    this.grid = el('div', { class: 'tiles' });
    this.append(el('div', { class: 'row' }, el('label', {}, 'Find a stream', this.find), this.back, this.next, this.count), this.grid);
    this.seen = new IntersectionObserver((entries) => {
      for (const entry of entries) entry.target.look(entry.isIntersecting);
    });
    this.#look();
    this.timer = setInterval(() => this.#look(), 1000);
  }

  disconnectedCallback() {
    clearInterval(this.timer);
    this.seen.disconnect();
    for (const tile of this.#tiles.values()) tile.close();
  }

  heard(e) {
    this.#tiles.get(e.stream)?.heard(e);
  }

  async #look() {
    if (document.hidden || this.busy) return;
    this.busy = true;
    try {
      const match = this.#match ? `*${this.#match}*` : '';
      const page = await call(`/streams?${query({ match, offset: this.#page * perPage, limit: perPage })}`);
      this.#show(page);
    } catch (error) {
      this.count.textContent = error.message;
    } finally {
      this.busy = false;
    }
  }

  #show({ total, streams }) {
    const pages = Math.max(1, Math.ceil(total / perPage));
    this.#page = Math.min(this.#page, pages - 1);
    this.back.disabled = this.#page === 0;
    this.next.disabled = this.#page >= pages - 1;
    this.count.textContent = total === 0 ? 'No stream has begun yet.' : `${total} stream${total === 1 ? '' : 's'}`;
    const names = new Set(streams.map((s) => s.name));
    for (const [name, tile] of this.#tiles) {
      if (names.has(name)) continue;
      this.seen.unobserve(tile);
      tile.close();
      tile.remove();
      this.#tiles.delete(name);
    }
    for (const stream of streams) {
      let tile = this.#tiles.get(stream.name);
      if (!tile) {
        tile = new Tile(stream.name);
        this.#tiles.set(stream.name, tile);
        this.grid.append(tile);
        this.seen.observe(tile);
      }
      tile.show(stream);
    }
  }
}

class Tile extends HTMLElement {
  constructor(name) {
    super();
    this.name = name;
    this.className = 'card tile';
    this.state = el('span', { class: 'state' });
    this.level = el('meter', { min: -90, max: 0, low: -80, high: -6, optimum: -40, 'aria-label': 'Level in dBFS' });
    this.levelText = el('span', { class: 'quiet number' });
    this.canvas = el('canvas', { class: 'live', role: 'img', 'aria-label': `Spectrogram of the last ten seconds of ${name}` });
    this.spectrogram = new LiveSpectrogram(this.canvas);
    this.hears = el('ul', { class: 'hears', 'aria-label': 'What it hears now' });
    this.unusual = el('p', { class: 'quiet', hidden: true });
    this.last = el('p', { class: 'quiet' });
    this.listen = el('button', { type: 'button', 'aria-pressed': 'false', onclick: () => this.#toggleSound() }, 'Listen');
    this.append(
      el('div', { class: 'head' }, el('h2', {}, name), this.state), this.level, this.levelText, this.canvas, this.hears, this.unusual,
      this.last,
      el('div', { class: 'buttons' }, this.listen, el('a', { href: `#streams/${encodeURIComponent(name)}` }, 'Coverage')));
  }

  show(stream) {
    this.state.textContent = stream.state;
    this.state.className = `state ${stream.state}`;
    this.isOver = stream.state === 'ended';
    this.level.value = stream.level_dbfs ?? -90;
    this.levelText.textContent = stream.level_dbfs == null ? ''
      : `${stream.level_dbfs.toFixed(0)} dBFS, peak ${stream.peak_dbfs.toFixed(0)}`
      + (stream.laf_unit === 'dB SPL' ? `, LAF ${stream.laf_level.toFixed(0)} dB` : '');
    this.hears.replaceChildren(...stream.hears.map((h) => {
      const bar = el('span');
      bar.style.width = `${Math.round(h.score * 100)}%`;
      const isOver = h.threshold != null && h.score >= h.threshold;
      return el('li', { class: isOver ? 'over' : '' }, el('span', { class: 'text', title: h.label }, h.label),
        el('span', { class: 'bar', 'aria-hidden': 'true' }, bar), el('span', { class: 'number' }, h.score.toFixed(2)));
    }));
    const { unusual } = stream;
    this.unusual.hidden = !unusual;
    if (unusual) {
      this.unusual.textContent = unusual.score == null ? `Learns what is usual here: ${Math.round(unusual.learnt * 100)} %`
        : `Unusual: ${unusual.score.toFixed(2)}, an event from 0.50 on`;
    }
    if (this.isOver) this.close();
  }

  heard(e) {
    this.last.textContent = e.state === 'opened' ? `${e.event_label} since ${e.event_onset.toFixed(1)} s`
      : `${e.event_label} from ${e.event_onset.toFixed(1)} to ${e.event_offset.toFixed(1)} s`;
  }

  // Only what is seen is sent.
  look(isSeen) {
    this.isSeen = isSeen;
    if (isSeen && !this.socket && !this.isOver) this.#open(false);
    else if (!isSeen && !this.player) this.close();
  }

  close() {
    this.player?.close();
    this.player = null;
    this.listen.setAttribute('aria-pressed', 'false');
    const socket = this.socket;
    this.socket = null;
    socket?.close();
  }

  #toggleSound() {
    const wants = !this.player;
    this.close();
    this.#open(wants);
  }

  #open(sound) {
    const socket = liveStream(this.name, { sound, spectrogram: true });
    this.socket = socket;
    socket.onmessage = ({ data }) => {
      if (this.socket !== socket) return;
      if (typeof data === 'string') {
        if (sound) {
          this.player = new LivePlayer(JSON.parse(data).sample_rate);
          this.listen.setAttribute('aria-pressed', 'true');
        }
        return;
      }
      const bytes = new Uint8Array(data);
      if (bytes[0] === 1) this.spectrogram.add(bytes.subarray(1));
      else if (bytes[0] === 2) this.player?.add(data);
    };
    socket.onclose = () => {
      if (this.socket !== socket) return;
      this.close();
      if (this.isSeen && !this.isOver) setTimeout(() => { if (!this.socket && this.isConnected) this.look(this.isSeen); }, 2000);
    };
    socket.onerror = () => { if (sound) toast(`${this.name} can't be listened to.`); };
  }
}

customElements.define('aststream-tile', Tile);
