import { call, follow, send } from './api.js';
import { el, toast } from './dom.js';
import { NowView } from './views/now.js';
import { EventsView } from './views/events.js';
import { StreamsView } from './views/streams.js';
import { HealthView } from './views/health.js';
import { LabelsView } from './views/labels.js';
import { MapView } from './views/map.js';
import { ModelsView } from './views/models.js';

// Each view is an element with a title and, while it is shown, a heard(event).
const views = {
  now: NowView, events: EventsView, map: MapView, streams: StreamsView, labels: LabelsView, models: ModelsView, health: HealthView,
};
for (const [name, view] of Object.entries(views)) customElements.define(`aststream-${name}`, view);

const [main, status, logout] = ['main', 'status', 'logout'].map((id) => document.getElementById(id));
let unfollow = () => {};

function show() {
  const [name, argument] = location.hash.slice(1).split('/');
  const known = name in views ? name : 'now';
  for (const link of document.querySelectorAll('#nav a')) {
    if (link.hash === `#${known}`) link.setAttribute('aria-current', 'page');
    else link.removeAttribute('aria-current');
  }
  const view = document.createElement(`aststream-${known}`);
  try {
    view.argument = argument ? decodeURIComponent(argument) : null;
  } catch {
    view.argument = null; // no address of ours
  }
  document.title = `${view.title} · AstStream`;
  main.replaceChildren(el('h1', {}, view.title), view);
}

function connect() {
  unfollow();
  unfollow = follow(
    (e) => main.querySelector(':scope > :last-child')?.heard?.(e),
    (isConnected) => {
      status.textContent = isConnected ? 'connected' : 'not connected; trying again';
      status.classList.toggle('bad', !isConnected);
    },
  );
}

function askForPassword(hasPassword) {
  unfollow();
  status.textContent = '';
  if (!hasPassword) {
    main.replaceChildren(el('h1', {}, 'Log in'), el('p', {}, 'This station takes tokens alone; set station.password for this page.'));
    return;
  }
  const password = el('input', { type: 'password', name: 'password', autocomplete: 'current-password', required: true });
  const form = el('form', { class: 'login card', onsubmit: async (e) => {
    e.preventDefault();
    try {
      await send('POST', '/login', { password: password.value });
      start();
    } catch (error) {
      toast(error.message);
      password.select();
    }
  } }, el('h1', {}, 'Log in'), el('label', {}, 'Password', password), el('button', { class: 'primary' }, 'Log in'));
  main.replaceChildren(form);
  password.focus();
}

async function start() {
  try {
    const me = await call('/me');
    logout.hidden = !(me.has_password && me.right !== 'nothing');
    if (me.right === 'nothing') {
      askForPassword(me.has_password);
      return;
    }
    connect();
    show();
  } catch (error) {
    main.replaceChildren(el('p', { class: 'trouble' }, error.message));
    setTimeout(start, 3000);
  }
}

logout.addEventListener('click', async () => {
  await call('/logout', { method: 'POST' });
  start();
});
addEventListener('hashchange', () => {
  show();
  main.focus();
});
addEventListener('login-needed', start);
start();
