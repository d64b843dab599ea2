import { call } from '../api.js';
import { clock, day, el } from '../dom.js';
import { ClipView } from './clip.js';

export const words = { right: 'right', wrong: 'wrong', other_label: 'is', withdrawn: '' };

// What an event is called: as a person has named it, or as the model has.
export const shown = (e) => e.review?.event_label ?? e.event.event_label;

// Lists that fields of labels and of streams suggest from: names are put in when the station has given them.
export function suggestions() {
  const lists = [el('datalist', { id: 'labels' }), el('datalist', { id: 'streams' })];
  Promise.all([call('/labels'), call('/streams/names')]).then((found) => {
    for (const [i, names] of found.entries()) lists[i].replaceChildren(...names.slice(0, 2000).map((n) => el('option', { value: n })));
  }).catch(() => {}); // the fields work without
  return lists;
}

// One event: its sound, what is known of it, and what a person says of it: then review(verdict, label) is called, and like(), where there
// is one, for what sounds like it.
export class EventCard extends HTMLElement {
  constructor(item, review, like = null) {
    super();
    [this.item, this.review, this.like] = [item, review, like];
  }

  connectedCallback() {
    if (this.childElementCount > 0) return;
    const e = this.item;
    this.clip = e.clip ? new ClipView(e) : null;
    const other = el('input', { type: 'text', list: 'labels', maxlength: 200 });
    this.other = other;
    const isOpen = e.event.state === 'opened';
    this.append(
      el('h2', {}, shown(e)),
      this.clip ?? el('p', { class: 'quiet' }, isOpen ? 'Its sound is there when it is over.' : 'It has no clip.'),
      el('dl', {},
        ...[['Time', `${day(e.stored_time)} ${clock(e.stored_time)}${e.time ? '' : ' (when it was stored)'}`],
          ['In the stream', `${e.event.event_onset.toFixed(2)} to ${e.event.event_offset.toFixed(2)} s`],
          ['Score', `${e.event.score.toFixed(2)}, mean ${e.event.mean_score.toFixed(2)}`], ['Stream', e.event.stream],
          ['Model', e.event.model],
          ['Review', e.review ? `${words[e.review.verdict]} ${e.review.event_label ?? ''} by ${e.review.by}` : 'none']]
          .flatMap(([name, value]) => [el('dt', {}, name), el('dd', {}, value)])),
      el('div', { class: 'buttons' },
        el('button', { type: 'button', onclick: () => this.review('right') }, 'Right'),
        el('button', { type: 'button', onclick: () => this.review('wrong') }, 'Wrong'),
        this.like && !isOpen ? el('button', { type: 'button', onclick: this.like }, 'Sounds like this') : null),
      el('div', { class: 'row' }, el('label', {}, 'It is', other),
        el('button', { type: 'button', onclick: () => other.value && this.review('other_label', other.value) }, 'Say so')));
  }

  disconnectedCallback() {
    this.clip?.stop();
  }

  toggle() {
    this.clip?.toggle();
  }
}
customElements.define('aststream-event', EventCard);
