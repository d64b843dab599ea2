import { call, send } from '../api.js';
import { clock, day, el, seconds, toast } from '../dom.js';

// The models that run, and where each differs from the one in its shadow.
export class ModelsView extends HTMLElement {
  title = 'Models';

  connectedCallback() {
    this.body = el('div');
    this.append(this.body);
    this.#look();
  }

  async #look() {
    try {
      this.models = await call('/models');
      this.body.replaceChildren(...await Promise.all(this.models.models.map((m) => this.#model(m))));
    } catch (error) {
      this.body.replaceChildren(el('p', { class: 'trouble' }, error.message));
    }
  }

  async #model(model) {
    const about = (m) => `${m.path}, ${m.labels} labels, ${m.hash.slice(0, 8)}`;
    const card = el('section', { class: 'card' }, el('h2', {}, model.name), el('p', {}, about(model)));
    if (!model.shadow) {
      card.append(el('p', { class: 'quiet' }, 'No model scores in its shadow. With ', el('code', {}, 'shadow: DIR'),
        ' beside its path in the pipeline\'s file another one does, and what it would report is shown here.'));
      return card;
    }
    card.append(el('p', {}, `In its shadow: ${about(model.shadow)}`));
    const differences = await call(`/models/${encodeURIComponent(model.name)}/differences`);
    if (!differences.since) {
      card.append(el('p', { class: 'quiet', role: 'status' }, 'Both have not heard a whole minute together yet.'));
    } else {
      card.append(el('p', { role: 'status' }, `Both have heard ${seconds(differences.seconds)} since ${day(differences.since)} `
        + `${clock(differences.since)}. ${this.#reviewed(differences.reviewed)}`), this.#labels(differences),
      ...[this.#only(`Only ${model.path} reports`, differences.model),
        this.#only(`Only ${model.shadow.path} would report`, differences.shadow)].filter(Boolean));
    }
    card.append(el('div', { class: 'row' }, el('button', { type: 'button', class: 'primary', onclick: () => this.#promote(model) },
      'Exchange the two'), el('span', { class: 'quiet' }, 'The other one reports from then on, without a gap; once more brings it back.')));
    return card;
  }

  #reviewed(r) {
    if (r.right + r.wrong === 0) return 'None of these events is reviewed yet: what people find says which one is better.';
    return `Of the ${r.right} events that people found right, the other one has ${r.right_kept}; of the ${r.wrong} that they found wrong, `
      + `it would repeat ${r.wrong_kept}${r.renamed ? `, and names ${r.renamed} as they did` : ''}.`;
  }

  #labels({ labels }) {
    const cell = (n) => el('td', { class: 'number' }, n.toLocaleString());
    return el('div', { class: 'table' }, el('table', {}, el('thead', {}, el('tr', {}, el('th', {}, 'Label'), el('th', {}, 'Both'),
      el('th', {}, 'Only the model'), el('th', {}, 'Only its shadow'))), el('tbody', {}, ...labels.slice(0, 100).map((l) => el('tr', {},
      el('td', { class: 'text' }, l.label), cell(l.both), cell(l.model), cell(l.shadow))))));
  }

  #only(title, events) {
    if (events.length === 0) return null;
    return el('details', {}, el('summary', {}, `${title}: ${events.length === 200 ? 'the latest 200' : events.length}`),
      el('div', { class: 'table' }, el('table', {}, el('tbody', {}, ...events.map((e) => el('tr', {},
        el('td', {}, `${day(e.time)} ${clock(e.time)}`), el('td', { class: 'text' },
          e.id ? el('a', { href: `#events/${encodeURIComponent(e.id)}` }, e.label) : e.label), el('td', { class: 'text' }, e.stream),
        el('td', { class: 'number' }, seconds(e.seconds)), el('td', { class: 'number' }, e.score.toFixed(2))))))));
  }

  async #promote(model) {
    try {
      await send('POST', `/models/${encodeURIComponent(model.name)}/promote`, { version: this.models.version });
      toast(`${model.shadow.path} reports from now on.`);
    } catch (error) {
      toast(error.message);
    }
    await this.#look();
  }
}
